"""The log in process memory, deterministic."""
