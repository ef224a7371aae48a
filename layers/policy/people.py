"""A resident's row as a viewer may see it: what is masked for all, and what for strangers."""

from collections.abc import Mapping
from datetime import date
from typing import Any, Final

from layers.policy.access import ExactField, may_see
from layers.policy.masks import age_band, mask_address, mask_id_number, mask_name, mask_phone
from layers.viewer import Viewer

_DOOR: Final = ("unit", "floor", "room")
_PLAIN: Final = (
    "id", "code", "household_code", "path", "sex", "since", "until", "basis", "source",
    "grid_code", "building_code", "building_name",
)  # fmt: skip


def mask_resident(fields: Mapping[str, Any], who: Viewer | None, today: date) -> dict[str, Any]:
    """Return a resident as a viewer sees him without asking.

    Parameters
    ----------
    fields : mapping
        The row, ID number and phone opened.
    who : Viewer or None
        Whoever looks; the door shows to those at home in the area alone.
    today : date
        On which the age counts.
    """
    at_home = may_see(who, fields["path"], ExactField.DOOR)
    return {
        **{name: fields[name] for name in _PLAIN},
        "name": mask_name(fields["name"]),
        "phone": mask_phone(fields["phone"]),
        "id_number": mask_id_number(fields["id_number"]),
        "age_band": age_band(fields["birth_date"], today),
        "address": mask_address(fields["address"]),
        **{name: fields[name] if at_home else None for name in _DOOR},
    }
