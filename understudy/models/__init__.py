"""Models: manifest, registry, features, scoring."""

from understudy.models.api import register, register_file
from understudy.models.errors import (
    BadModel,
    IncompatibleLibrary,
    MissingExtra,
    ModelError,
    ModelStoreUnavailable,
    RefusedArtifact,
    UnknownModel,
    VersionExists,
)
from understudy.models.manifest import Column, Manifest
from understudy.models.outputs import Answer, Failure
from understudy.models.registry import Registry
from understudy.models.scoring import LoadedModel, Scored, Scorer

__all__ = [
    "Answer",
    "BadModel",
    "Column",
    "Failure",
    "IncompatibleLibrary",
    "LoadedModel",
    "Manifest",
    "MissingExtra",
    "ModelError",
    "ModelStoreUnavailable",
    "RefusedArtifact",
    "Registry",
    "Scored",
    "Scorer",
    "UnknownModel",
    "VersionExists",
    "register",
    "register_file",
]
