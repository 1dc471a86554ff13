"""Models: manifest, registry, features, scoring."""
