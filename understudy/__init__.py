"""Progressive delivery of machine-learning models on Kafka streams."""
