"""How long work tells how far it is."""

from collections.abc import Callable

Progress = Callable[[str, int, int | None], None]
"""Told the name of a step, how much is done, and how much there is where that is known."""


def silent(step: str, done: int, total: int | None) -> None:
    """Tell nobody."""
