"""What can be set from outside, from where, and what a wrong value is answered."""

import os
from pathlib import Path

import pytest

from layers.errors import SettingsInvalid
from layers.settings import default_data_dir, describe, load_settings


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A working directory without a file, and no variables of whoever runs the tests."""
    monkeypatch.chdir(tmp_path)
    for name in list(os.environ):
        if name.startswith("LIANXIN_"):
            monkeypatch.delenv(name)


def test_defaults_need_nothing() -> None:
    settings = load_settings()
    assert (settings.host, settings.port, settings.database_url) == ("127.0.0.1", 8000, None)
    assert settings.data_dir.is_absolute()


def test_command_line_beats_environment_beats_file(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("lianxin.toml").write_text('port = 1111\nlanguage = "en"\nlog_level = "debug"\n')
    monkeypatch.setenv("LIANXIN_PORT", "2222")
    monkeypatch.setenv("LIANXIN_LANGUAGE", "zh")
    settings = load_settings(port=3333, host=None)
    assert (settings.port, settings.language, settings.log_level) == (3333, "zh", "debug")
    sources = {line.name: line.source for line in describe(settings, port=3333)}
    assert sources["port"] == "command line"
    assert sources["language"] == "environment"
    assert sources["log_level"] == "lianxin.toml"
    assert sources["host"] == "default"


def test_empty_variable_is_one_that_is_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIANXIN_DATABASE_URL", "")
    monkeypatch.setenv("LIANXIN_PORT", "")
    settings = load_settings()
    assert settings.database_url is None
    assert {line.source for line in describe(settings)} == {"default"}


def test_data_of_an_ordinary_user_are_at_home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setenv("HOME", "/home/clerk")
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    assert default_data_dir() == Path("/home/clerk/.local/share/lianxin")
    monkeypatch.setenv("XDG_DATA_HOME", "/srv/data")
    assert default_data_dir() == Path("/srv/data/lianxin")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert default_data_dir() == Path("/var/lib/lianxin")


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("LIANXIN_PORT", "99999", "LIANXIN_PORT is '99999'"),
        ("LIANXIN_PORT", "http", "LIANXIN_PORT is 'http'"),
        ("LIANXIN_LANGUAGE", "fr", "LIANXIN_LANGUAGE is 'fr'"),
        ("LIANXIN_STATEMENT_TIMEOUT_S", "-1", "LIANXIN_STATEMENT_TIMEOUT_S is '-1'"),
        ("LIANXIN_DATABASE_URL", "mysql://li:mima@db/grid", "must look like postgresql://"),
    ],
)
def test_wrong_value_is_named(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, said: str
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(SettingsInvalid) as failure:
        load_settings()
    assert variable in str(failure.value)
    assert said in str(failure.value)
    assert "mima" not in str(failure.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("prot = 8001\n", "there is no setting prot"),
        ("port = \n", "not valid TOML"),
        ("port = 0\n", "port (lianxin.toml) is 0"),
    ],
)
def test_wrong_file_is_named(text: str, said: str) -> None:
    Path("lianxin.toml").write_text(text)
    with pytest.raises(SettingsInvalid) as failure:
        load_settings()
    assert "lianxin.toml" in str(failure.value)
    assert said in str(failure.value)


def test_list_shows_everything_but_the_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIANXIN_DATABASE_URL", "postgresql://li:mi:m@ma@db:5433/grid")
    lines = {line.variable: line for line in describe(load_settings())}
    assert lines["LIANXIN_DATABASE_URL"].value == "postgresql://li:***@db:5433/grid"
    assert all(line.meaning for line in lines.values())
