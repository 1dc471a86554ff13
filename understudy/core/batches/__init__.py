"""Kafka record batches as bytes."""
