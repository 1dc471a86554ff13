from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support.endpoint import until
from support.fleet import CANDIDATE, PATIENCE_S, Fleet, fleet
from support.small_endpoint import PRODUCTION

from understudy.app.supervising.launching import Launch
from understudy.core.log.memory import MemoryLog
from understudy.deployments.errors import Refused
from understudy.models.errors import RefusedArtifact

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

EVENTS = 100


@pytest.fixture
def endpoint(tmp_path: Path) -> Iterator[Fleet]:
    with fleet(MemoryLog(), tmp_path) as made:
        made.deploy(PRODUCTION)
        made.router()
        made.produce(EVENTS)
        yield made


@pytest.mark.parametrize(("kind", "slot"), [("production", "w"), ("candidate", "w.candidate")])
def test_a_worker_answers_under_a_slot_that_says_what_it_is(endpoint: Fleet, kind: str, slot: str) -> None:
    worker = endpoint.work(Launch(PRODUCTION, kind, "w"))  # type: ignore[arg-type]  # one of the kinds

    until(lambda: len(endpoint.told()) == EVENTS, PATIENCE_S, "the answers")

    group = endpoint.settings.names.worker_group(PRODUCTION)
    with endpoint.log.admin() as admin:
        assert [member.slot for member in admin.members(group)] == [f"{group}.{slot}"]
    assert worker.health.unready() == ""


def test_a_careful_worker_answers_the_same(endpoint: Fleet) -> None:
    endpoint.work(Launch(PRODUCTION, "production", "w", careful=True))

    until(lambda: len(endpoint.told()) == EVENTS, PATIENCE_S, "the answers")

    assert {row["outcome"] for row in endpoint.rows("predictions")} == {"answered"}


def test_a_worker_ends_by_itself_when_its_version_is_withdrawn(endpoint: Fleet) -> None:
    endpoint.deploy(CANDIDATE, "shadow")
    worker = endpoint.work(Launch(CANDIDATE, "candidate", "w"))
    until(lambda: len(endpoint.told("shadow-predictions")) == EVENTS or worker.health.unready() == "", 60, "it to run")

    endpoint.rollback(CANDIDATE)

    endpoint.over(worker)
    with endpoint.log.admin() as admin:
        assert admin.members(endpoint.settings.names.worker_group(CANDIDATE)) == []


def test_a_version_that_is_withdrawn_already_is_not_worked_for(endpoint: Fleet) -> None:
    endpoint.deploy(CANDIDATE, "shadow")
    endpoint.rollback(CANDIDATE)

    endpoint.over(endpoint.work(Launch(CANDIDATE, "candidate", "w")))


@pytest.mark.parametrize("kind", ["production", "reclaimer"])
def test_a_version_that_was_never_deployed_is_refused(endpoint: Fleet, kind: str) -> None:
    worker = endpoint.work(Launch(CANDIDATE, kind, "w"))  # type: ignore[arg-type]  # one of the kinds

    with pytest.raises(Refused, match=f"{CANDIDATE} is not deployed: run `understudy deploy {CANDIDATE}` first"):
        endpoint.over(worker)


def test_an_artifact_that_is_not_the_one_deployed_is_refused_before_it_is_read(endpoint: Fleet, tmp_path: Path) -> None:
    [manifest] = tmp_path.rglob("sums/v1/manifest.json")
    pinned = endpoint.state().versions[PRODUCTION].sha256
    manifest.write_text(manifest.read_text().replace(pinned, "0" * 64))
    (manifest.parent / "model.skops").write_bytes(b"not even a model")

    worker = endpoint.work(Launch(PRODUCTION, "production", "w"))

    with pytest.raises(RefusedArtifact, match=f"sha256 {pinned} is deployed, but {'0' * 64} is registered"):
        endpoint.over(worker)
    assert endpoint.told() == []
