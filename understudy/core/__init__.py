"""What every role is built on: record batches, frames, the log, the run loop."""
