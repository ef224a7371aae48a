"""Grids in a file that somebody sent: checked, and stored as a draft edition."""

from dataclasses import dataclass
from pathlib import Path

from layers.actions.import_layer import ImportOptions, ImportReport, LayerName, import_layer
from layers.actions.list_editions import EditionSummary, show_edition
from layers.errors import LayerRefused
from layers.exchange.mapping import ColumnMapping
from layers.exchange.reader import read_layer
from layers.exchange.tangles import refuse_tangles
from layers.exchange.uploads import check_upload
from layers.session import Database
from layers.vocabulary import CodeScheme


@dataclass(frozen=True)
class Upload:
    """A file of grids, and what was said about it."""

    file: Path
    code: str | None = None
    name: str | None = None
    datum: str | None = None
    layer: str | None = None
    encoding: str | None = None
    scheme: CodeScheme = CodeScheme.NATIONAL
    merge_pieces: bool = False
    source: str | None = None


@dataclass(frozen=True)
class Uploaded:
    """The edition that the grids became, or were already, and what fell out."""

    edition: EditionSummary
    report: ImportReport
    notes: tuple[str, ...]

    @property
    def is_new(self) -> bool:
        """Whether no edition held just these grids before."""
        return bool(self.report.inserted)


def upload_grids(database: Database, upload: Upload) -> Uploaded:
    """Make a draft of the grids of a file, as an import does.

    Parameters
    ----------
    database : Database
        Where the draft goes.
    upload : Upload
        Its file may be a stranger's.

    Returns
    -------
    Uploaded
        The draft with what the checks found, and the rows that could not be taken.

    Raises
    ------
    FileUnreadable
        The file is damaged, or is not what its ending says.
    MappingInvalid
        It has no such column.
    LayerRefused
        Its datum or columns are not known, no row of it is a grid, or an outline is a tangle.
    """
    check_upload(upload.file)
    grids = read_layer(
        upload.file, layer=upload.layer, datum=upload.datum, encoding=upload.encoding
    )
    refuse_tangles(grids.frame.geometry.to_numpy(), grids.rows, upload.file.name)
    named = (("code", upload.code), ("name", upload.name))
    mapping = ColumnMapping.from_flags([f"{field}={column}" for field, column in named if column])
    options = ImportOptions(
        scheme=upload.scheme, merge_pieces=upload.merge_pieces, source=upload.source
    )
    report = import_layer(database, LayerName.GRIDS, grids, mapping, options=options)
    if report.edition_id is None:
        why = f" Row {report.rejects[0].row}: {report.rejects[0].reason}." if report.rejects else ""
        raise LayerRefused(f"No row of {upload.file.name} can be taken as a grid.{why}")
    return Uploaded(show_edition(database, report.edition_id), report, grids.notes)
