"""Which grids of a file are dedicated, and so may lie on basic ones."""

import numpy as np
from numpy.typing import NDArray

from layers.actions.chart_sources import texts
from layers.actions.importing.words import GRID_KINDS
from layers.exchange.fields import FieldKind, FieldSpec
from layers.exchange.mapping import ColumnMapping, find_column
from layers.exchange.reader import SourceLayer
from layers.vocabulary import GridKind

_KIND = FieldSpec("kind", FieldKind.CHOICE, choices=GRID_KINDS)


def dedicated_grids(
    layer: SourceLayer, column: str | None
) -> tuple[NDArray[np.bool_] | None, tuple[str, ...]]:
    """Return which rows are dedicated grids, and what to say of how that is known.

    Parameters
    ----------
    layer : SourceLayer
        The grids.
    column : str, optional
        The column that says basic or dedicated. Without it the column counts that an import would
        take for it (``kind``, 网格类型 …), if it calls any grid dedicated.

    Returns
    -------
    ndarray of bool, shape (n,), or None
        None where no column says it: then all are basic.
    tuple of str
        Notes.

    Raises
    ------
    MappingInvalid
        If there is no such column.
    """
    columns = [str(name) for name in layer.frame.columns]
    if column is None:
        name = ColumnMapping().resolve(columns, [_KIND]).get("kind")
        if name is None:
            return None, ()
    else:
        name = find_column(columns, column, file=layer.name)
    said = [(text or "").replace("_", " ").lower() for text in texts(layer.frame[name])]
    dedicated = np.array([GRID_KINDS.get(text) == GridKind.DEDICATED for text in said], dtype=bool)
    if column is None:
        if not dedicated.any():
            return None, ()
        taken = f"{dedicated.sum():,} grids are dedicated by their column {name}: these may lie on"
        return dedicated, (f"{taken} basic ones. Another column is named with --kind.",)
    unknown = sorted({text for text in said if text and text not in GRID_KINDS})
    if not unknown:
        return dedicated, ()
    listed = ", ".join(unknown[:5])
    return dedicated, (f"{name}: {listed} is neither basic nor dedicated; taken as basic.",)
