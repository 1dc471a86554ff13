"""Where a registry keeps its files: a folder, or an object store through fsspec where that is installed."""

from __future__ import annotations

import contextlib
import importlib
import os
import shutil
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol
from urllib.parse import unquote, urlsplit

from understudy.models.errors import MissingExtra, ModelStoreUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

UNFINISHED: Final = "~"
"""First character of a folder that is being written: no model or version can be called so."""


class Store(Protocol):
    """Files in folders of two levels, `<name>/<version>`. All raise ModelStoreUnavailable during an outage."""

    def read(self, folder: str, file: str) -> bytes | None:
        """The file's bytes, or None where it does not exist."""
        ...

    def folders(self) -> list[str]:
        """All `<name>/<version>`, sorted."""
        ...

    def publish(self, folder: str, files: Mapping[str, bytes]) -> bool:
        """Make the folder with all its files, or nothing. False: it is there already, and was left as it is."""
        ...


def open_store(url: str | os.PathLike[str]) -> Store:
    """Open a path, a file: URL, or another URL that fsspec knows. Raises MissingExtra where fsspec is missing."""
    text = os.fspath(url)
    parts = urlsplit(text)
    if "://" not in text and parts.scheme != "file":
        return FolderStore(Path(text).expanduser())
    if parts.scheme == "file":
        return FolderStore(Path(unquote(parts.path)))
    try:
        fsspec = importlib.import_module("fsspec")
    except ImportError as error:
        raise MissingExtra(
            f"a registry at {parts.scheme}: needs fsspec: pip install 'fsspec[{parts.scheme}]', or use a folder",
        ) from error
    with _outage(text):
        filesystem, root = fsspec.core.url_to_fs(text)
    return ObjectStore(filesystem, root.rstrip("/"), text)


@dataclass(frozen=True, slots=True)
class FolderStore:
    """A folder, local or mounted. A version appears by one rename."""

    root: Path

    def read(self, folder: str, file: str) -> bytes | None:
        with _outage(str(self.root)):
            self._must_exist()
            try:
                return (self.root / folder / file).read_bytes()
            except (FileNotFoundError, NotADirectoryError):
                return None

    def folders(self) -> list[str]:
        with _outage(str(self.root)):
            self._must_exist()
            found = (path.relative_to(self.root).as_posix() for path in self.root.glob("*/*/"))
            return sorted(folder for folder in found if UNFINISHED not in folder)

    def publish(self, folder: str, files: Mapping[str, bytes]) -> bool:
        target = self.root / folder
        unfinished = target.with_name(f"{UNFINISHED}{uuid.uuid4().hex}")
        with _outage(str(self.root)):
            unfinished.mkdir(parents=True)
            try:
                for name, data in files.items():
                    _write_synced(unfinished / name, data)
                return _renamed(unfinished, target)
            finally:
                shutil.rmtree(unfinished, ignore_errors=True)

    def _must_exist(self) -> None:
        # A folder that is not there is most likely a share that is not mounted: an outage, not an empty registry.
        if not self.root.is_dir():
            raise ModelStoreUnavailable(f"the registry {self.root} is not there: mount it, or register a model first")


@dataclass(frozen=True, slots=True)
class ObjectStore:
    """An fsspec file system. It has no rename of folders: the manifest, written last, makes a version visible."""

    filesystem: Any
    root: str
    url: str
    last: str = "manifest.json"

    def read(self, folder: str, file: str) -> bytes | None:
        with _outage(self.url):
            try:
                data: bytes = self.filesystem.cat_file(f"{self.root}/{folder}/{file}")
            except FileNotFoundError:
                return None
            return data

    def folders(self) -> list[str]:
        with _outage(self.url):
            found = self.filesystem.glob(f"{self.root}/*/*/{self.last}")
        return sorted("/".join(path.split("/")[-3:-1]) for path in found)

    def publish(self, folder: str, files: Mapping[str, bytes]) -> bool:
        with _outage(self.url):
            if self.filesystem.exists(f"{self.root}/{folder}/{self.last}"):
                return False
            for name in sorted(files, key=lambda name: name == self.last):
                self.filesystem.pipe_file(f"{self.root}/{folder}/{name}", files[name])
        return True


@contextlib.contextmanager
def _outage(where: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ModelStoreUnavailable(f"the registry {where} cannot be used now: {error}") from error


def _write_synced(path: Path, data: bytes) -> None:
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _renamed(unfinished: Path, target: Path) -> bool:
    try:
        unfinished.rename(target)
    except OSError:
        if target.exists():  # renaming onto a folder that is not empty fails, so the first registration stands
            return False
        raise
    return True
