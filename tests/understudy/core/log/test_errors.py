from __future__ import annotations

import pytest

from understudy.core.log.errors import LogError, OutputMissing, OutputRefused, OutputTooLarge, OutputUnavailable


@pytest.mark.parametrize("kind", [OutputMissing, OutputTooLarge, OutputUnavailable])
def test_a_refused_output_names_its_topic_besides_its_text(kind: type[OutputRefused]) -> None:
    refusal = kind("What happened, and what to do.", topic="lane")
    assert isinstance(refusal, LogError)
    assert (str(refusal), refusal.topic) == ("What happened, and what to do.", "lane")
