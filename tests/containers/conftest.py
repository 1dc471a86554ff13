"""The compose file's services, and who uses them from outside."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support.compose_stack import running_stack
from support.observer import Observer

from examples.flights import events

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from support.compose_stack import Stack


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The endpoint of the compose file, for all tests of a module."""
    with running_stack(tmp_path_factory.mktemp("compose")) as stack:
        yield stack


@pytest.fixture(scope="module")
def observer(stack: Stack) -> Iterator[Observer]:
    """An independent read_committed reader."""
    observer = Observer(stack.bootstrap)
    yield observer
    observer.close()


@pytest.fixture(scope="session")
def flights() -> Sequence[bytes]:
    """Events as their producers write them."""
    return [each.value for each in events.encoded(events.events(2_000))]
