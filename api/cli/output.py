"""How commands speak: how far a step is, notes, JSON, and what a rule is called."""

import json
import sys
import time
from collections.abc import Callable, Iterable
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


_BAR: Final = 24
_REDRAWN_S: Final = 0.1
_TOLD_S: Final = 10.0
"""How often somebody is told who does not look at a terminal: a log gets no thousand lines."""


class Progress:
    """Show on standard error how far a step is: a bar on a terminal, else a line now and then."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._live = sys.stderr.isatty()
        self._step = ""
        self._started = self._shown = 0.0

    def __call__(self, step: str, done: int, total: int | None = None) -> None:
        """Show a step: what is done of it, how fast it goes, and how long it will take."""
        now = self._clock()
        if step != self._step:
            self._step, self._started, self._shown = step, now, now
            if not self._live:
                typer.echo(f"{step}{f' {total:,} rows' if total else ''} …", err=True)
                return
        elif now - self._shown < (_REDRAWN_S if self._live else _TOLD_S):
            return
        self._shown = now
        line = progress_line(step, done, total, now - self._started)
        if self._live:
            typer.echo(f"\r\033[K{line}", err=True, nl=False)
        else:
            typer.echo(line, err=True)

    def end(self) -> None:
        """Clear the line."""
        if self._live:
            typer.echo("\r\033[K", err=True, nl=False)


def progress_line(step: str, done: int, total: int | None, seconds: float) -> str:
    """Return a step's progress in words.

    >>> progress_line("route", 2_500_000, 10_000_000, 5.0)
    'route ██████░░░░░░░░░░░░░░░░░░  25 %  2,500,000 / 10,000,000  500,000 rows/s  0:15 left'
    >>> progress_line("read", 40, None, 0.0)
    'read 40'
    """
    pace = done / seconds if seconds > 0 else 0.0
    fast = f"  {pace:,.0f} rows/s" if pace else ""
    if not total:
        return f"{step} {done:,}{fast}"
    share = min(done / total, 1.0)
    bar = "█" * round(share * _BAR) + "░" * (_BAR - round(share * _BAR))
    left = ""
    if pace and done < total:
        minutes, rest = divmod(round((total - done) / pace), 60)
        hours, minutes = divmod(minutes, 60)
        left = f"  {hours}:{minutes:02}:{rest:02} left" if hours else f"  {minutes}:{rest:02} left"
    return f"{step} {bar} {share:>4.0%}  {done:,} / {total:,}{fast}{left}".replace("%", " %")


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
