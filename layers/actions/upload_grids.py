"""A file of grids that somebody sends: checked, and a draft edition if it can be one."""

from dataclasses import dataclass
from pathlib import Path

from layers.actions.import_layer import ImportOptions, ImportReport, LayerName, import_layer
from layers.exchange.mapping import ColumnMapping
from layers.exchange.reader import read_layer
from layers.session import Database
from layers.vocabulary import CodeScheme


@dataclass(frozen=True)
class GridsFile:
    """A file and what its sender says of it; empty where the file says it itself.

    Attributes
    ----------
    path : Path
        With the ending that tells its format.
    source : str
        Whose file it is, or how it was named.
    code, name : str
        Columns.
    datum : str
    scheme : CodeScheme
        Codes by the national digits, or of one's own.
    """

    path: Path
    source: str
    code: str = ""
    name: str = ""
    datum: str = ""
    scheme: CodeScheme = CodeScheme.NATIONAL


def upload_grids(database: Database, file: GridsFile) -> ImportReport:
    """Load the grids of a file as a draft, as ``lianxin import grids`` does.

    Returns
    -------
    ImportReport
        With the number of the draft, the rows that fell out, and what the checks found.

    Raises
    ------
    FileUnreadable, LayerRefused, MappingInvalid
        In words, where nothing can be made of it.
    """
    columns = {"code": file.code, "name": file.name}
    mapping = ColumnMapping.from_flags(
        [f"{field}={column}" for field, column in columns.items() if column], []
    )
    rows = read_layer(file.path, datum=file.datum or None)
    options = ImportOptions(scheme=file.scheme, source=file.source)
    return import_layer(database, LayerName.GRIDS, rows, mapping, options=options)
