"""Avro contracts of everything that crosses a topic, and their encodings."""
