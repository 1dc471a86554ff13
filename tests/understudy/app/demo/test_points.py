from __future__ import annotations

from rich.console import Console

from understudy.app.demo.points import command, point


def lines(what: object) -> list[str]:
    console = Console(width=120, color_system=None, legacy_windows=False)
    with console.capture() as capture:
        console.print(what)
    return [line.rstrip() for line in capture.get().splitlines()]


def test_a_point_has_a_mark_and_wraps_under_itself() -> None:
    first, second = lines(point("word " * 20, good=True))

    assert first.startswith("  ✓ word")
    assert second.startswith("    word")
    assert max(len(first), len(second)) <= 80


def test_what_went_wrong_and_what_just_is_have_other_marks() -> None:
    assert lines(point("it failed", good=False)) == ["  ✗ it failed"]
    assert lines(point("it is")) == ["  · it is"]


def test_a_command_stands_behind_a_prompt() -> None:
    assert lines(command("understudy promote m:v2")) == ["  $ understudy promote m:v2"]
