"""The options that several commands have: one wording, one meaning."""

from typing import Annotated, Final

import typer

FILE_OR_LAYER: Final = "FILE[:LAYER]"
_DATUMS = "wgs84, cgcs2000, gcj02, bd09, EPSG:n or ESRI:n"

_CODE = typer.Option(help="Column of the grids' codes.", metavar="COLUMN")

Code = Annotated[str, _CODE]
CodeIfGrids = Annotated[str | None, _CODE]
Datum = Annotated[
    str | None,
    typer.Option(help=f"Of a file that declares none, as a CSV: {_DATUMS}.", metavar="DATUM"),
]
X = Annotated[str | None, typer.Option(help="Column of longitudes or eastings.", metavar="COLUMN")]
Y = Annotated[str | None, typer.Option(help="Column of latitudes or northings.", metavar="COLUMN")]
Encoding = Annotated[
    str | None, typer.Option(help="Code page, if it is found wrong.", metavar="NAME")
]
Timezone = Annotated[
    str | None,
    typer.Option(help="Of times that name none; LIANXIN_TIMEZONE otherwise.", metavar="ZONE"),
]
AcceptFindings = Annotated[
    str | None,
    typer.Option(help="Why grids may be published in spite of errors.", metavar="REASON"),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
