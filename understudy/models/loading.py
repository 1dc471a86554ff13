"""From bytes to an estimator, without ever executing what was not listed."""

from __future__ import annotations

import hashlib
import io
import platform
import zipfile
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Final

from understudy.models.errors import IncompatibleLibrary, RefusedArtifact
from understudy.models.trust import refuse_forbidden

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from understudy.models.manifest import Manifest

MAX_UNPACKED_BYTES: Final = 4 << 30
"""Beyond this an artifact is refused: a small zip can unpack to anything."""

ZIP_MAGIC: Final = b"PK\x03\x04"
OTHER_FORMATS: Final = (
    (b"\x80", "pickle, or joblib"),
    (b"\x1f\x8b", "gzip (compressed joblib?)"),
    (b"BZh", "bzip2 (compressed joblib?)"),
    (b"\xfd7zXZ", "xz (compressed joblib?)"),
    (b"\x04\x22\x4d\x18", "lz4 (compressed joblib?)"),
    (b"\x78", "zlib (compressed joblib?)"),
    (b"\x5d\x00", "lzma (compressed joblib?)"),
    (b"\x08", "ONNX"),
)


def sha256_of(artifact: bytes) -> str:
    """The artifact's SHA-256, hexadecimal."""
    return hashlib.sha256(artifact).hexdigest()


def listed_types(artifact: bytes) -> list[str]:
    """The types in a skops artifact that skops does not trust by itself. Raises RefusedArtifact; executes nothing."""
    _require_skops(artifact)
    from skops.io import get_untrusted_types  # noqa: PLC0415 - imports all of scikit-learn, which takes seconds

    try:
        types: list[str] = get_untrusted_types(data=artifact)
    except Exception as error:  # whatever a crafted file makes the parser raise, the answer is the same
        raise RefusedArtifact(f"the artifact is a zip file, but not a sound skops file: {_text(error)}") from error
    return types


def load(artifact: bytes, manifest: Manifest) -> Any:
    """The estimator. Checked first: sha256, format, types, scikit-learn's version.

    Raises RefusedArtifact or IncompatibleLibrary; then nothing of the artifact was executed.
    """
    actual = sha256_of(artifact)
    if actual != manifest.sha256:
        raise RefusedArtifact(
            f"{manifest.ref}: the artifact's sha256 is {actual}, the manifest says {manifest.sha256}: "
            "it was damaged or exchanged; restore it, or register it under a new version",
        )
    refuse_other_library(manifest.libraries, manifest.ref)
    return parse(artifact, manifest.skops_types)


def parse(artifact: bytes, types: Collection[str]) -> Any:
    """The estimator of a skops artifact that has no types but `types` and those that skops trusts."""
    refuse_forbidden(types)
    present = listed_types(artifact)
    refuse_forbidden(present)
    unlisted = sorted(set(present) - set(types))
    if unlisted:
        raise RefusedArtifact(f"the artifact has types that its manifest does not list: {', '.join(unlisted)}")
    from skops.io import loads  # noqa: PLC0415 - see above

    try:
        return loads(artifact, trusted=present)
    except Exception as error:  # whatever a crafted file makes the parser raise, the answer is the same
        raise RefusedArtifact(f"the artifact cannot be loaded: {_text(error)}") from error


def installed_libraries() -> dict[str, str]:
    """Versions of what a model's answers depend on."""
    return {"python": platform.python_version(), **{name: version(name) for name in ("scikit-learn", "numpy", "skops")}}


def refuse_other_library(registered: Mapping[str, str], ref: str) -> None:
    """Raise IncompatibleLibrary unless scikit-learn is of the same major.minor as at registration."""
    wanted, here = registered.get("scikit-learn", "none"), version("scikit-learn")
    if wanted.split(".")[:2] != here.split(".")[:2]:
        raise IncompatibleLibrary(
            f"{ref} was registered with scikit-learn {wanted}, and {here} is installed; fitted models do not carry "
            f"over: install scikit-learn {'.'.join(wanted.split('.')[:2])}.*, or train and register a new version",
        )


def _require_skops(artifact: bytes) -> None:
    if not artifact.startswith(ZIP_MAGIC):
        found = next((name for magic, name in OTHER_FORMATS if artifact.startswith(magic)), "no format known here")
        raise RefusedArtifact(
            f"the artifact is not a skops file but {found}: loading pickles executes whatever is in them, so only "
            "skops is taken; save the model with skops.io.dump(model, 'model.skops')",
        )
    try:
        with zipfile.ZipFile(io.BytesIO(artifact)) as archive:
            unpacked_bytes = sum(entry.file_size for entry in archive.infolist())
            names = archive.namelist()
    except (zipfile.BadZipFile, ValueError, OSError) as error:
        raise RefusedArtifact(f"the artifact is truncated or damaged: {error}") from error
    if "schema.json" not in names:
        raise RefusedArtifact("the artifact is a zip file without a skops schema: save the model with skops.io.dump")
    if unpacked_bytes > MAX_UNPACKED_BYTES:
        raise RefusedArtifact(f"the artifact unpacks to {unpacked_bytes} bytes: at most {MAX_UNPACKED_BYTES} are read")


def _text(error: Exception) -> str:
    return f"{type(error).__name__}: {str(error)[:300]}"
