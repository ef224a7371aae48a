"""The tables."""

from layers.models.accounts import Account, SignInAttempt, Token
from layers.models.audit import AuditRow, AuditSeal
from layers.models.base import Base
from layers.models.cases import Case, CasePlacement, Category, IdempotencyKey
from layers.models.people import Reading, Resident
from layers.models.premises import Building, Compound, Household
from layers.models.statuses import Status, StatusScheme, StatusValue
from layers.models.territory import Area, Edition, Grid

__all__ = [
    "Account",
    "Area",
    "AuditRow",
    "AuditSeal",
    "Base",
    "Building",
    "Case",
    "CasePlacement",
    "Category",
    "Compound",
    "Edition",
    "Grid",
    "Household",
    "IdempotencyKey",
    "Reading",
    "Resident",
    "SignInAttempt",
    "Status",
    "StatusScheme",
    "StatusValue",
    "Token",
]
