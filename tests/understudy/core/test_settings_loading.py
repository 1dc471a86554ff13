from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from textwrap import dedent

import pytest

from understudy.core.settings import SettingsError
from understudy.core.settings_loading import load

Write = Callable[[str], Path]


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    monkeypatch.chdir(tmp_path)

    def write(text: str) -> Path:
        file = tmp_path / "understudy.toml"
        file.write_text(dedent(text))
        return file

    return write


def refusal(file: Path | None = None) -> str:
    with pytest.raises(SettingsError) as refused:
        load(file)
    return str(refused.value)


def test_the_file_of_the_working_directory_is_read(write: Write) -> None:
    write("""
        endpoint = "flights"
        [input]
        start = 2013-04-01T00:00:00Z
        [comparator.tolerances.number]
        absolute = 0.5
    """)

    settings = load()

    assert settings.endpoint == "flights"
    assert settings.input.start == datetime(2013, 4, 1, tzinfo=UTC)
    assert settings.comparator.tolerances["number"].absolute == 0.5


def test_the_environment_beats_the_file_and_flags_beat_both(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    write("""
        endpoint = "flights"
        [kafka]
        bootstrap = "file:1"
        [worker]
        micro_batch_records = 1
        interval_s = 1
    """)
    monkeypatch.setenv("UNDERSTUDY_WORKER__MICRO_BATCH_RECORDS", "2")
    monkeypatch.setenv("UNDERSTUDY_KAFKA__BOOTSTRAP", "environment:2")

    settings = load(flags={"kafka": {"bootstrap": "flag:3"}})

    assert settings.kafka.bootstrap == "flag:3"
    assert settings.worker.micro_batch_records == 2
    assert settings.worker.interval_s == 1


def test_the_environment_alone_is_enough(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    del write
    monkeypatch.setenv("UNDERSTUDY_ENDPOINT", "flights")
    monkeypatch.setenv("UNDERSTUDY_INPUT__EVENT_ID", "id")
    monkeypatch.setenv("UNDERSTUDY_INPUT__SLICES", '["origin", "carrier"]')

    assert (load().input.event_id, load().input.slices) == ("id", ("origin", "carrier"))


def test_paths_of_the_file_are_relative_to_it(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    file = write("""
        endpoint = "flights"
        [input]
        schema = "event.avsc"
        writers = "/schemas"
    """)
    monkeypatch.chdir("/")

    settings = load(file)

    assert settings.require_schema() == file.parent / "event.avsc"
    assert settings.input.writers == Path("/schemas")
    assert settings.models.registry == str(file.parent / "models")


def test_a_registry_that_is_a_url_is_left_as_it_is(write: Write) -> None:
    file = write("endpoint = 'flights'\n[models]\nregistry = 's3://bucket/models'")

    assert load(file).models.registry == "s3://bucket/models"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("[kafka]\nbootstrp = 'x'", "there is no setting [kafka] bootstrp; did you mean bootstrap?"),
        ("[kafak]", "there is no setting kafak; did you mean kafka?"),
        ("[input]\nencoding = 'avroo'", "[input] encoding: Input should be 'single-object', 'confluent' or 'bare'"),
        ("[input]\nstart = 'noon'", "[input] start: Input should be 'earliest' or 'latest', or: Input should be a"),
        ("[input]\nslices = 'origin'", "[input] slices is a list: write ['origin']."),
        ("[worker]\nmicro_batch_records = 'many'", "[worker] micro_batch_records: Input should be a valid integer"),
        ("[comparator.tolerances.number]\nabsolut = 1", "no setting [comparator] tolerances.number.absolut"),
    ],
)
def test_an_error_names_file_key_and_remedy(write: Write, text: str, line: str) -> None:
    file = write("endpoint = 'flights'\n" + text)

    told = refusal(file)

    assert told.startswith(f"{file}: ")
    assert line in told
    assert "\n" not in told


def test_every_error_has_its_line(write: Write) -> None:
    file = write("endpoint = 'a b'\n[kafka]\nbootstrp = 'x'")

    assert len(refusal(file).splitlines()) == 2


def test_an_error_of_the_environment_names_the_variable(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    write("endpoint = 'flights'")
    monkeypatch.setenv("UNDERSTUDY_WORKER__INTERVAL_S", "soon")

    assert refusal().startswith("The environment's UNDERSTUDY_WORKER__INTERVAL_S: [worker] interval_s: ")


def test_an_error_of_a_flag_is_told_as_one(write: Write) -> None:
    write("endpoint = 'flights'")

    with pytest.raises(SettingsError, match=r"^The flags: \[input\] encoding"):
        load(flags={"input": {"encoding": "x"}})


def test_a_misspelt_section_in_the_environment_is_refused(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    write("endpoint = 'flights'")
    monkeypatch.setenv("UNDERSTUDY_KAFAK__BOOTSTRAP", "x")

    assert "UNDERSTUDY_KAFAK__BOOTSTRAP sets nothing: there is no section [kafak]; did you mean kafka?" in refusal()


def test_a_list_in_the_environment_is_json(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    write("endpoint = 'flights'")
    monkeypatch.setenv("UNDERSTUDY_INPUT__SLICES", "origin")

    assert "are JSON" in refusal()


def test_a_password_is_not_repeated(write: Write) -> None:
    assert "secret" not in refusal(write("endpoint = 'flights'\n[kafka]\nsasl_password = ['secret']"))


def test_a_missing_file_is_told_apart_from_a_missing_setting(write: Write, tmp_path: Path) -> None:
    assert "There is no understudy.toml here" in refusal()
    assert f"There is no file {tmp_path / 'other.toml'}" in refusal(tmp_path / "other.toml")
    assert f"{tmp_path / 'understudy.toml'}: endpoint is missing." == refusal(write(""))


def test_a_file_that_is_no_toml_is_refused(write: Write, tmp_path: Path) -> None:
    assert "is not TOML" in refusal(write("endpoint: flights"))
    assert "cannot be read" in refusal(tmp_path)
