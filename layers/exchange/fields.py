"""The fields of a layer: what a file's column can become, and by which names it is known."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum


class FieldKind(Enum):
    """How the values of a field are read."""

    TEXT = "text"
    CODE = "code"
    COUNT = "count"
    NUMBER = "number"
    INSTANT = "instant"
    CHOICE = "choice"


@dataclass(frozen=True)
class FieldSpec:
    """One field: its name, how it is read, and the headers that mean it without being told.

    ``choices`` maps every accepted spelling, in lower case, to the stored word.
    """

    name: str
    kind: FieldKind = FieldKind.TEXT
    required: bool = False
    synonyms: tuple[str, ...] = ()
    choices: Mapping[str, str] = field(default_factory=dict)
    least: float | None = None
    most: float | None = None
