"""Who may see what: what is shown of a person to those who may not read it, and who may."""

from layers.policy.access import (
    AT_HOME,
    ExactField,
    PersonField,
    may_handle,
    may_read,
    may_see,
    may_unmask,
    outside,
)
from layers.policy.masks import (
    COMPOUND_SURNAMES,
    CONFIDENTIAL_FIELDS,
    age_band,
    mask_address,
    mask_case,
    mask_id_number,
    mask_name,
    mask_phone,
    mask_reporter,
    phone_digits,
)

__all__ = [
    "AT_HOME",
    "COMPOUND_SURNAMES",
    "CONFIDENTIAL_FIELDS",
    "ExactField",
    "PersonField",
    "age_band",
    "mask_address",
    "mask_case",
    "mask_id_number",
    "mask_name",
    "mask_phone",
    "mask_reporter",
    "may_handle",
    "may_read",
    "may_see",
    "may_unmask",
    "outside",
    "phone_digits",
]
