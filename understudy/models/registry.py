"""The registry: model versions, `<name>/<version>/model.skops` and `manifest.json`, which never change."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from understudy.core.topics import parse_version
from understudy.models import loading
from understudy.models.description import refuse_mismatch
from understudy.models.errors import RefusedArtifact, UnknownModel, VersionExists
from understudy.models.manifest import Manifest
from understudy.models.scoring import LoadedModel, loaded_model
from understudy.models.store import open_store

if TYPE_CHECKING:
    import os

ARTIFACT: Final = "model.skops"
MANIFEST: Final = "manifest.json"


class Registry:
    """Registered model versions. url: a folder, a file: URL, or another URL where fsspec is installed.

    Every method raises ModelStoreUnavailable during an outage; BadName for a name that cannot be used.
    """

    def __init__(self, url: str | os.PathLike[str]) -> None:
        self._store = open_store(url)

    def register(self, artifact: bytes, manifest: Manifest) -> Manifest:
        """Add a version, all or nothing. The same artifact again is no error, and changes nothing.

        Returns the manifest that is registered. Raises VersionExists where the version has another artifact.
        """
        if loading.sha256_of(artifact) != manifest.sha256:
            raise RefusedArtifact(f"{manifest.ref}: the manifest's sha256 is not that of the artifact")
        files = {ARTIFACT: artifact, MANIFEST: manifest.to_json().encode()}
        if self._store.publish(_folder(manifest.ref), files):
            return manifest
        registered = self.manifest(manifest.ref)
        if registered.sha256 != manifest.sha256:
            raise VersionExists(f"{manifest.ref} is registered already, with other bytes: take a new version")
        return registered

    def versions(self) -> list[str]:
        """Every `name:version`, sorted."""
        return [folder.replace("/", ":") for folder in self._store.folders()]

    def manifest(self, ref: str) -> Manifest:
        """The manifest of `name:version`. Raises UnknownModel, RefusedArtifact."""
        data = self._store.read(_folder(ref), MANIFEST)
        if data is None:
            known = ", ".join(self.versions()) or "none"
            raise UnknownModel(f"{ref} is not registered: run understudy register (registered are: {known})")
        manifest = Manifest.from_json(data)
        if manifest.ref != ref:
            raise RefusedArtifact(f"the manifest of {ref} says that it is {manifest.ref}: restore it")
        return manifest

    def load(self, ref: str, sha256: str | None = None) -> LoadedModel:
        """Load `name:version`, ready to score. sha256: pins the artifact, whatever the manifest says.

        Raises UnknownModel, RefusedArtifact (nothing was executed), IncompatibleLibrary, MissingExtra.
        """
        manifest = self.manifest(ref)
        if sha256 not in (None, manifest.sha256):
            raise RefusedArtifact(f"{ref}: sha256 {sha256} is deployed, but {manifest.sha256} is registered")
        artifact = self._store.read(_folder(ref), ARTIFACT)
        if artifact is None:
            raise RefusedArtifact(f"{ref} has a manifest but no {ARTIFACT}: restore it, or take a new version")
        estimator = loading.load(artifact, manifest)
        refuse_mismatch(manifest, estimator)
        return loaded_model(manifest, estimator)


def _folder(ref: str) -> str:
    name, version = parse_version(ref)
    return f"{name}/{version}"
