"""Who may see what of persons and homes: by role, and by where the row lies."""

from enum import StrEnum
from typing import Final

from layers.viewer import Viewer
from layers.vocabulary import Role


class PersonField(StrEnum):
    """What is masked for everybody, and read by a call that states its purpose."""

    NAME = "name"
    PHONE = "phone"
    ID_NUMBER = "id_number"
    BIRTH_DATE = "birth_date"


class ExactField(StrEnum):
    """What is exact for those at home in the area, and coarse for everybody else."""

    DOOR = "door"
    LOCATION = "location"
    HEALTH = "health"


AT_HOME: Final = frozenset({Role.WORKER, Role.COMMUNITY})
"""Roles that know the people of their area."""


def may_read(who: Viewer | None, path: str | None) -> bool:
    """Whether the viewer may read a person's row at all, masked as it is."""
    if who is None:
        return False
    return who.role is Role.SYSTEM or (who.role in AT_HOME and who.within(path))


def may_handle(who: Viewer | None, path: str | None) -> bool:
    """Whether somebody handles a confidential case: the own grid's worker, the own community."""
    return who is not None and path is not None and who.role in AT_HOME and who.within(path)


def may_see(
    who: Viewer | None, path: str | None, field: PersonField | ExactField, *, campaign: bool = False
) -> bool:
    """Whether the viewer sees a field as it is, without asking.

    Parameters
    ----------
    who : Viewer or None
        Nobody sees nothing.
    path : str or None
        Where the person lives, as of ``grids``; None where no grid owns the place.
    field : PersonField or ExactField
        Name, phone, ID number and birth date are masked for everybody.
    campaign : bool
        Whether a campaign that is running covers the place: without one nobody sees health.

    Examples
    --------
    >>> worker = Viewer("w", Role.WORKER, "150622/150622003/")
    >>> may_see(worker, "150622/150622003/A/", ExactField.DOOR)
    True
    >>> may_see(worker, "150622/150622003/A/", PersonField.NAME)
    False
    """
    if isinstance(field, PersonField) or (field is ExactField.HEALTH and not campaign):
        return False
    return may_read(who, path)


def may_unmask(who: Viewer | None, path: str | None, field: PersonField) -> bool:
    """Whether the viewer may ask, with a purpose, for a field as it is.

    A worker may in the own grid, a community in the own community, the service itself nowhere: it
    has no purpose. An area of everywhere is nobody's own.

    Examples
    --------
    >>> may_unmask(Viewer("s", Role.STREET, "150622/"), "150622/A/", PersonField.PHONE)
    False
    """
    if who is None or who.role not in AT_HOME or not who.area:
        return False
    return field in PersonField and who.within(path)


def outside(who: Viewer | None, path: str | None) -> bool:
    """Whether the viewer is outside the community that owns a place: small numbers are hidden."""
    return who is not None and not may_read(who, path)
