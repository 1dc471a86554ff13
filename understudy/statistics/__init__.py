"""Statistics that merge."""
