"""Settings of an endpoint: their names, types and defaults. `understudy.core.settings_loading` reads them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
)
from pydantic_settings import BaseSettings, SettingsConfigDict

from understudy.core.topics import CLUSTER_DEFAULT, EndpointTopics, check_name

PREFIX: Final = "UNDERSTUDY_"
NESTED: Final = "__"


class SettingsError(Exception):
    """Settings that cannot be used; the text says which key, what is wrong with it, and what to do."""


EndpointName = Annotated[str, AfterValidator(lambda name: check_name(name, "endpoint name"))]
Positive = Annotated[int, Field(gt=0)]
Seconds = Annotated[float, Field(ge=0)]


class Section(BaseModel):
    """What all sections share: unknown keys are refused, and values do not change."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class KafkaSettings(Section):
    """The cluster. bootstrap: host:port, several with commas between them."""

    bootstrap: str = "127.0.0.1:9092"
    connect_timeout_s: Annotated[float, Field(gt=0)] = 10.0
    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    ssl_cafile: Path | None = None
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] | None = None
    sasl_username: str | None = None
    sasl_password: SecretStr | None = None


class InputSettings(Section):
    """The events. topic: default `<endpoint>.input`.

    schema_file (key `schema`): the Avro schema that events are read with. writers: a folder of the older schemas
    that they were written with. start: where a new endpoint begins. event_id, event_time, slices: names of fields;
    event_time is a timestamp-millis, without it the record's own time counts.
    """

    topic: str = ""
    encoding: Literal["single-object", "confluent", "bare"] = "single-object"
    schema_file: Path | None = Field(default=None, alias="schema")
    writers: Path | None = None
    start: Literal["earliest", "latest"] | AwareDatetime = "earliest"
    event_id: str | None = None
    event_time: str | None = None
    slices: tuple[str, ...] = ()


class OutputSettings(Section):
    """How answers are written: Avro single-object, Avro with the Confluent framing, or JSON."""

    encoding: Literal["avro", "confluent", "json"] = "avro"


class ModelSettings(Section):
    """Where models are registered: a folder, or the URL of an object store."""

    registry: str = "models"


class WorkerSettings(Section):
    """interval_s: transactions begin at least this far apart.

    micro_batch_records: what the model is asked about at once; less of a model that may take longer than health.stale_s
    for it. candidate_memory_mb: what the worker of a canary or shadow may allocate under a supervisor.
    isolation_timeout_s: how long a micro-batch may take in a process of its own, after the worker was killed; to find
    the records that take longer it has at most four minutes, and fails those that it has not been able to tell apart.
    restart_limit: a canary or shadow whose worker dies more often than this within restart_window_s is given up, and
    paused.
    """

    micro_batch_records: Positive = 1_000
    interval_s: Seconds = 0.025
    candidate_memory_mb: Positive = 4_096
    isolation_timeout_s: Annotated[float, Field(gt=0, le=120)] = 30.0
    restart_limit: Positive = 5
    restart_window_s: Annotated[float, Field(gt=0)] = 300.0


class HealthSettings(Section):
    """Answers to probes over HTTP, /healthz and /readyz. port: off where it is not set, or 0.

    stale_s: a role whose loop has not come round for so long is not healthy; under a supervisor it then ends itself,
    and is started anew. The time that a model takes to load does not count.
    """

    host: str = "0.0.0.0"  # noqa: S104 - probes come from outside a container, and are told no more than a reason
    port: Annotated[int, Field(ge=0, lt=1 << 16)] | None = None
    stale_s: Annotated[float, Field(gt=0)] = 60.0


class RouterSettings(Section):
    """interval_s: transactions begin at least this far apart. merge_below_bytes: smaller batches are merged."""

    interval_s: Seconds = 0.025
    merge_below_bytes: Annotated[int, Field(ge=0)] = 64 * 1024


class Tolerance(Section):
    """Numbers within `absolute` + `relative` x production's magnitude count as equal."""

    absolute: Annotated[float, Field(ge=0)] = 0.0
    relative: Annotated[float, Field(ge=0)] = 0.0


class ComparatorSettings(Section):
    """block_s: length of a block of event time. tolerances: per field of the output, `number` for instance.

    max_lag_records: a lane further behind is parked, and read again later. examples_per_kind: kept per partition,
    lane and kind.
    """

    block_s: Positive = 86_400
    interval_s: Seconds = 1.0
    tolerances: dict[str, Tolerance] = Field(default_factory=dict)
    max_lag_records: Positive = 20_000
    examples_per_kind: Annotated[int, Field(ge=0)] = 5


class TopicSettings(Section):
    """partitions: of an input topic that is made for you. replication_factor: -1 is the cluster's default."""

    partitions: Positive = 8
    replication_factor: Annotated[int, Field(ge=CLUSTER_DEFAULT)] = CLUSTER_DEFAULT


class SchemaRegistrySettings(Section):
    """url: of a registry with Confluent's interface."""

    url: str | None = None


class LogSettings(Section):
    """What roles write to standard error. every_s: how often they say what they did."""

    format: Literal["auto", "json", "console"] = "auto"
    level: Literal["debug", "info", "warning", "error"] = "info"
    every_s: Annotated[float, Field(gt=0)] = 10.0


class Settings(BaseSettings):
    """All settings of one endpoint. `load` reads them."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_nested_delimiter=NESTED, extra="forbid", frozen=True, env_ignore_empty=True
    )

    endpoint: EndpointName
    kafka: KafkaSettings = KafkaSettings()
    input: InputSettings = InputSettings()
    output: OutputSettings = OutputSettings()
    models: ModelSettings = ModelSettings()
    worker: WorkerSettings = WorkerSettings()
    router: RouterSettings = RouterSettings()
    comparator: ComparatorSettings = ComparatorSettings()
    topics: TopicSettings = TopicSettings()
    schema_registry: SchemaRegistrySettings = SchemaRegistrySettings()
    log: LogSettings = LogSettings()
    health: HealthSettings = HealthSettings()

    @property
    def names(self) -> EndpointTopics:
        """The names of the endpoint's topics and groups."""
        return EndpointTopics(self.endpoint, self.input.topic)

    def require_schema(self) -> Path:
        """The file of the input's schema. Raises SettingsError where there is none."""
        if self.input.schema_file is None:
            raise SettingsError("[input] schema is missing: name the file of the events' Avro schema.")
        return self.input.schema_file
