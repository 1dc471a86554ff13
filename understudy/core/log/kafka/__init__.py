"""The log on Apache Kafka."""

from understudy.core.log.kafka.log import KafkaLog

__all__ = ["KafkaLog"]
