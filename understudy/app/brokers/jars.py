"""What a local broker needs to run: Kafka's jars, downloaded through Maven once per user, and a Java runtime."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

KAFKA_VERSION: Final = "4.4.0"
SCALA_VERSION: Final = "2.13"
LOG4J_VERSION: Final = "2.25.1"
MAVEN_DEPENDENCY_PLUGIN_VERSION: Final = "3.8.1"


class BrokerError(Exception):
    """The local broker cannot be had. The text says why and what to do next."""


def cache_folder() -> Path:
    """Where the broker's jars are kept, for every broker of this user."""
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache) / "understudy" / f"kafka-{KAFKA_VERSION}"


def fetch_jars() -> Path:
    """The folder with the broker's jars, downloaded through Maven the first time. Raises BrokerError."""
    cache = cache_folder()
    libs = cache / "libs"
    if libs.is_dir():
        return libs
    cache.mkdir(parents=True, exist_ok=True)
    with locked(cache / "lock"):
        if not libs.is_dir():
            download(cache, libs)
    return libs


def download(cache: Path, libs: Path) -> None:
    """Let Maven put the jars beside `libs`, then name them `libs`: half a download is never taken for a whole one."""
    maven = shutil.which("mvn")
    if maven is None:
        raise BrokerError(
            f"Apache Maven is needed once, to download Kafka {KAFKA_VERSION}, and `mvn` is not on the PATH. "
            "Install it (Debian: apt-get install maven; macOS: brew install maven), or use a broker of your own "
            "by setting kafka.bootstrap."
        )
    (cache / "pom.xml").write_text(pom())
    partial = cache / "libs.partial"
    shutil.rmtree(partial, ignore_errors=True)
    command = (maven, "-q", "-B", "dependency:copy-dependencies", f"-DoutputDirectory={partial}")
    done = subprocess.run(command, cwd=cache, capture_output=True, text=True, check=False)  # noqa: S603 - constants
    if done.returncode != 0:
        raise BrokerError(
            f"Maven could not download Kafka {KAFKA_VERSION}. Check the network (or the mirror in ~/.m2/settings.xml) "
            f"and try again. Maven said: {(done.stdout + done.stderr).strip()[-2000:]}"
        )
    partial.rename(libs)


def pom() -> str:
    """The Maven project that lists the broker's artifacts, versions pinned."""
    dependencies = "".join(
        f"<dependency><groupId>{group}</groupId><artifactId>{artifact}</artifactId><version>{version}</version></dependency>"
        for group, artifact, version in (
            ("org.apache.kafka", f"kafka_{SCALA_VERSION}", KAFKA_VERSION),
            ("org.apache.logging.log4j", "log4j-slf4j-impl", LOG4J_VERSION),
        )
    )
    plugin = (
        "<plugin><groupId>org.apache.maven.plugins</groupId><artifactId>maven-dependency-plugin</artifactId>"
        f"<version>{MAVEN_DEPENDENCY_PLUGIN_VERSION}</version></plugin>"
    )
    return (
        '<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>'
        "<groupId>understudy</groupId><artifactId>broker</artifactId><version>1</version><packaging>pom</packaging>"
        f"<dependencies>{dependencies}</dependencies><build><plugins>{plugin}</plugins></build></project>\n"
    )


def find_java() -> str:
    """The java command. Raises BrokerError."""
    home = os.environ.get("JAVA_HOME")
    java = shutil.which("java", path=f"{home}/bin") if home else None
    java = java or shutil.which("java")
    if java is None:
        raise BrokerError(
            "A Java runtime (17 or newer) is needed to run a local broker, and `java` is not on the PATH. Install it "
            "(Debian: apt-get install openjdk-17-jre-headless; macOS: brew install openjdk), or use a broker of your "
            "own by setting kafka.bootstrap."
        )
    return java


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a lock file against other processes of this user."""
    try:
        lock = path.open("w")
    except OSError as error:
        raise BrokerError(f"{path} cannot be written: {error.strerror}") from error
    with lock as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
