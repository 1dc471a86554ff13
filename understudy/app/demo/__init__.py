"""`understudy demo`: real flights through every role, shown as it happens."""
