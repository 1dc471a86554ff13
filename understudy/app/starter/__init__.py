"""What `understudy init` writes: a new endpoint's files, which work as they are."""
