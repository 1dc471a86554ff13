"""What can go wrong with a model before it scores. Every message says what to do next."""

from __future__ import annotations


class ModelError(Exception):
    """Base of the errors below. The text is for people: what happened, where, and what to do next."""


class UnknownModel(ModelError):
    """The registry is there, and this version is not in it."""


class VersionExists(ModelError):
    """A version is registered already, with other content: versions never change."""


class ModelStoreUnavailable(ModelError):
    """The registry cannot be read or written now: an outage, to be tried again; it says nothing of the model."""


class RefusedArtifact(ModelError):
    """An artifact or manifest is not what it should be. Nothing of it was executed."""


class IncompatibleLibrary(ModelError):
    """A model was registered with another version of scikit-learn than the one installed."""


class BadModel(ModelError):
    """A model cannot be registered as it is: its kind, inputs or answers are not what Understudy can serve."""


class MissingExtra(ModelError):
    """A package is needed that is not installed; the message names it."""
