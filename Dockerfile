# One image for every role: docker build -t understudy . && docker run understudy --help
# Behind a mirror, or a proxy with a certificate of its own, give pip's configuration and the certificates as build
# secrets, which leave nothing in the image (docs/containers.md):
#   docker build --secret id=pip_conf,src=pip.conf --secret id=ca_certificates,src=ca.pem -t understudy .

FROM python:3.11-slim AS build
WORKDIR /build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore PIP_CONFIG_FILE=/run/secrets/pip_conf
# The dependencies come before the sources, so that they are installed again only when they change.
COPY requirements/build.txt requirements/image.txt requirements/
RUN --mount=type=secret,id=pip_conf --mount=type=secret,id=ca_certificates \
    python -m venv --without-pip /opt/understudy \
    && pip install --require-hashes --only-binary :all: -r requirements/build.txt \
    && pip --python /opt/understudy/bin/python install --require-hashes --only-binary :all: -r requirements/image.txt \
    # A fifth of the packages is their own tests.
    && find /opt/understudy -type d -name tests -prune -exec rm -r {} +
COPY pyproject.toml README.md LICENSE ./
COPY schemas schemas
COPY router router
COPY workers workers
COPY comparator comparator
COPY understudy understudy
RUN pip wheel --no-index --no-deps --no-build-isolation --wheel-dir dist . \
    && pip --python /opt/understudy/bin/python install --no-index --no-deps dist/*.whl

FROM python:3.11-slim AS roles
# Bytecode was made when the packages were installed; the root file system may be read-only.
ENV PATH=/opt/understudy/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
RUN echo 'understudy:x:10001:10001::/endpoint:/usr/sbin/nologin' >> /etc/passwd \
    && echo 'understudy:x:10001:' >> /etc/group \
    && install -d -o 10001 -g 10001 /endpoint /models
COPY --from=build /opt/understudy /opt/understudy
USER 10001:10001
WORKDIR /endpoint
ENTRYPOINT ["understudy"]
CMD ["--help"]

# With the flights example inside, for docker-compose.yml: docker build --target example -t understudy-example .
FROM roles AS example
COPY --chmod=755 examples /endpoint/examples
WORKDIR /endpoint/examples/flights
ENV PYTHONPATH=/endpoint UNDERSTUDY_MODELS__REGISTRY=/models

# What a build without --target makes.
FROM roles AS understudy
