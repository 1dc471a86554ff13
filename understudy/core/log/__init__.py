"""The log: contract, errors, and two backends."""
