"""How commands speak: how far a step is, notes, JSON, and what a rule is called."""

import json
import sys
from collections.abc import Iterable
from typing import Any, Final

import typer

RULES: Final = {
    "inside": "格内 · inside one grid",
    "boundary": "边界上 · on a shared boundary",
    "snapped": "就近归格 · outside, taken to the nearest grid",
    "fallback": "兜底 · outside, in the queue of the area around it",
    "outside": "格外 · outside every grid and area",
    "unplaced": "无坐标 · no usable coordinates",
}
"""What each rule says of a point, in both languages."""


class Progress:
    """Show on standard error how far a step is: one line rewritten, or a line a step."""

    def __init__(self) -> None:
        self._live = sys.stderr.isatty()
        self._step = ""

    def __call__(self, step: str, done: int, total: int | None = None) -> None:
        """Show a step."""
        of = f" / {total:,}" if total else ""
        if self._live:
            typer.echo(f"\r\033[K{step} {done:,}{of}", err=True, nl=False)
        elif step != self._step:
            typer.echo(f"{step}{f' {total:,} rows' if total else ''} …", err=True)
        self._step = step

    def end(self) -> None:
        """Clear the line."""
        if self._live:
            typer.echo("\r\033[K", err=True, nl=False)


def print_json(answer: Any) -> None:
    """Print the result for machines: one line, with every letter as it is."""
    typer.echo(json.dumps(answer, ensure_ascii=False))


def print_notes(notes: Iterable[str]) -> None:
    """Say on standard error what had to be decided on the way."""
    for note in notes:
        typer.echo(f"· {note}", err=True)


def plural(count: int, one: str, more: str) -> str:
    """Return a count with its English noun.

    >>> plural(1, "error", "errors"), plural(1200, "error", "errors")
    ('1 error', '1,200 errors')
    """
    return f"{count:,} {one if count == 1 else more}"
