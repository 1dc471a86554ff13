"""Accounts for what withdrawn versions owe."""
