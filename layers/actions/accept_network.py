"""A merged network that somebody agreed to becomes a draft edition."""

import re

import numpy as np

from layers.actions.compare_networks import NetworkReport
from layers.actions.import_layer import ImportOptions, ImportReport, LayerName, import_layer
from layers.errors import LayerRefused
from layers.exchange.mapping import ColumnMapping
from layers.exchange.progress import Progress, silent
from layers.exchange.reader import SourceLayer
from layers.session import Database
from layers.vocabulary import CodeScheme

_NAMED = 5


def check_accepted(report: NetworkReport) -> None:
    """Raise where nobody has decided about some of the grids.

    Raises
    ------
    LayerRefused
        With the codes of the first of them.
    """
    waiting = report.open_codes
    if waiting:
        more = f" and {len(waiting) - _NAMED} more" if len(waiting) > _NAMED else ""
        raise LayerRefused(
            f"Nobody has decided about {', '.join(waiting[:_NAMED])}{more}. Accept them with "
            "--accept all, or one by one, or keep a department's grid with --keep NAME:CODE; "
            "then a draft can be made."
        )


def accept_network(
    database: Database, report: NetworkReport, *, name: str, progress: Progress = silent
) -> ImportReport:
    """Store a merged network as a draft edition; nothing of it is in force yet.

    Parameters
    ----------
    database : Database
        With its areas loaded: a grid's community must be known.
    report : NetworkReport
        Every grid of which was accepted or kept.
    name : str
        Of the edition.
    progress : callable, optional

    Returns
    -------
    ImportReport
        With the number of the draft, and every grid that fell out.

    Raises
    ------
    LayerRefused
        Where grids are still open.
    """
    check_accepted(report)
    frame = report.merged
    national = all(re.fullmatch("[0-9]{15}", code) for code in frame["code"])
    source = SourceLayer(frame, np.arange(1, len(frame) + 1, dtype=np.int64), name, "cgcs2000")
    options = ImportOptions(scheme=CodeScheme.NATIONAL if national else CodeScheme.FREE)
    return import_layer(
        database, LayerName.GRIDS, source, ColumnMapping(), options=options, progress=progress
    )
