"""What ``--help`` shows, to somebody at a terminal of 80 columns."""

import re
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from api.cli import app

Path = tuple[str, ...]


def commands() -> dict[Path, Any]:
    """Every command and every group of commands, by the words that one types."""
    found: dict[Path, Any] = {(): typer.main.get_command(app)}
    waiting = [()]
    while waiting:
        path: Path = waiting.pop()
        for name, command in getattr(found[path], "commands", {}).items():
            found[*path, name] = command
            waiting.append((*path, name))
    return found


def shown(path: Path) -> str:
    result = CliRunner().invoke(app, [*path, "--help"], env={"COLUMNS": "80", "TERM": "dumb"})
    assert result.exit_code == 0
    return result.stdout


@pytest.mark.parametrize("path", list(commands()), ids=" ".join)
def test_every_word_of_the_help_is_shown(path: Path) -> None:
    seen = shown(path)
    assert max(len(line) for line in seen.splitlines()) <= 80
    words = set(re.sub(r"[│╭╮╰╯─]", " ", seen).split())
    command = commands()[path]
    texts = [command.help, *(getattr(each, "help", None) for each in command.params)]
    for text in texts:
        lost = set((text or "").split()) - words
        assert not lost, f"lianxin {' '.join(path)} --help does not show {lost}"


def test_brackets_are_no_markup() -> None:
    assert "[columns], [constants]" in " ".join(re.sub("│", " ", shown(("import",))).split())


def test_an_option_of_several_commands_reads_the_same() -> None:
    said: dict[str, set[str]] = {}
    for command in commands().values():
        for each in command.params:
            said.setdefault(each.opts[0], set()).add(getattr(each, "help", ""))
    for name in ("--json", "--datum", "--x", "--y", "--code", "--encoding", "--timezone"):
        assert len(said[name]) == 1, said[name]
