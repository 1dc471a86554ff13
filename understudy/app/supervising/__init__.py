"""The supervisor: keeps the workers running that the releases need."""
