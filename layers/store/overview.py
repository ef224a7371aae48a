"""What is loaded, counted in one statement."""

from importlib.resources import files

from sqlalchemy import Integer, String, TextClause, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY

from layers.store.territory import Hold
from layers.vocabulary import ENDED_STATES


def overview() -> TextClause:
    """Select how much there is of everything, in one row."""
    statement = text((files(__package__) / "overview.sql").read_text(encoding="utf-8"))
    return statement.bindparams(
        bindparam("ended", sorted(state.value for state in ENDED_STATES), ARRAY(String)),
        bindparam("bulk", int(Hold.BULK), Integer),
    )
