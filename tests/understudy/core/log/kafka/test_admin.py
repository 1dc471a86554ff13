from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from kafka import errors
from support.driving import at

from understudy.core.log.contract import NewTopic
from understudy.core.log.errors import LogError
from understudy.core.log.kafka.admin import explain

if TYPE_CHECKING:
    from support.kafka_harness import KafkaHarness


def test_a_refusal_is_given_in_the_broker_s_words() -> None:
    explain(0, "to do it", None)
    with pytest.raises(LogError, match="The broker refuses to do it: Replication factor: 3 larger than 1"):
        explain(errors.InvalidReplicationFactorError.errno, "to do it", "Replication factor: 3 larger than 1")
    with pytest.raises(errors.NotControllerError):
        explain(errors.NotControllerError.errno, "to do it", None)


@pytest.mark.kafka
def test_a_replication_factor_beyond_the_cluster_is_refused_with_the_reason(kafka: KafkaHarness) -> None:
    with kafka.log.admin() as admin, pytest.raises(LogError, match=r"to create topic .*[Rr]eplication factor"):
        admin.create([NewTopic(kafka.name("topic"), 1, replication_factor=100)])


@pytest.mark.kafka
def test_a_setting_that_does_not_exist_is_refused_with_its_name(kafka: KafkaHarness) -> None:
    with kafka.log.admin() as admin, pytest.raises(LogError, match=r"no\.such\.setting"):
        admin.create([NewTopic(kafka.name("topic"), 1, config={"no.such.setting": "1"})])


@pytest.mark.kafka
def test_nothing_asked_is_nothing_done(kafka: KafkaHarness) -> None:
    with kafka.log.admin() as admin:
        admin.create([])
        admin.delete([])
        admin.set_positions(kafka.name("group"), {})
        assert admin.describe([]) == {}
        assert admin.end_offsets([]) == {}
        assert admin.offsets_at([at(kafka.create_topic("topic"))], 0) != {}
