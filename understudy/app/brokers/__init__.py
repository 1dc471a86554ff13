"""Brokers that are started here: a local Kafka, and one in a container."""
