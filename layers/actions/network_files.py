"""Departments' networks, communities, buildings and cases, read from files for a comparison."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from gis.errors import MissingCrs
from gis.networks import Buildings, Communities, Network
from gis.proposal import Bounds
from layers.actions.importing.grids import FIELDS as GRID_FIELDS
from layers.actions.importing.words import GRID_KINDS
from layers.errors import MappingInvalid
from layers.exchange.fields import FieldKind, FieldSpec
from layers.exchange.mapping import ColumnMapping, written
from layers.exchange.progress import Progress, silent
from layers.exchange.reader import SourceLayer, read_layer, split_source
from layers.vocabulary import GridKind

_CODE: Final = FieldSpec(
    "code",
    FieldKind.CODE,
    synonyms=(
        *GRID_FIELDS[0].synonyms, "area_code", "building_code", "adcode", "楼栋编码", "社区编码",
    ),
)  # fmt: skip
_NETWORK: Final = (_CODE, *(spec for spec in GRID_FIELDS if spec.name != "code"))
_BUILDING: Final = (
    _CODE,
    FieldSpec("households", synonyms=("household_count", "户数", "住户数", "housing", "housing20")),
)
_CASE: Final = (FieldSpec("id", synonyms=("source_id", "case_id", "案件编号", "工单号")),)


@dataclass(frozen=True)
class CompareOrder:
    """What is compared, and what somebody decided about it.

    Parameters
    ----------
    networks : mapping of str to str
        Each department's name and its file, as ``FILE`` or ``FILE:LAYER``; the first one's borders
        lead.
    code : mapping of str to str
        The column of a network's codes; under ``""`` that of all others.
    communities, buildings, cases : str, optional
        Files. A building counts as one household where no column says how many it has.
    datum : str, optional
        Of files that declare none.
    keep : sequence of (str, str)
        Networks' names and codes of cells to be kept as they are.
    accept : frozenset of str, or None
        The codes of merged grids that somebody agreed to; None for all of them.
    bounds : Bounds, optional
        How many households a basic grid should have; None: grids stay as they were drawn. Plays
        no part where no column says how many households a building has.
    """

    networks: Mapping[str, str]
    code: Mapping[str, str] = field(default_factory=dict)
    communities: str | None = None
    buildings: str | None = None
    cases: str | None = None
    datum: str | None = None
    keep: Sequence[tuple[str, str]] = ()
    accept: frozenset[str] | None = frozenset()
    bounds: Bounds | None = field(default_factory=Bounds)

    def __post_init__(self) -> None:
        for name in self.code:
            if name and name not in self.networks:
                raise MappingInvalid(
                    f"--code {name}=…: there is no network {name}. "
                    f"There are: {', '.join(self.networks)}."
                )


@dataclass(frozen=True)
class Inputs:
    """What the files hold."""

    networks: tuple[Network, ...]
    communities: Communities | None
    buildings: Buildings | None
    cases: gpd.GeoDataFrame | None
    """Columns id and geometry."""
    attributes: Mapping[tuple[str, str], Mapping[str, str]]
    """Of each old grid its name, kind and so on, where the file gives them."""
    notes: tuple[str, ...]
    households_known: bool = False
    """Whether a file says how many households the buildings have."""


def read_inputs(order: CompareOrder, progress: Progress = silent) -> Inputs:
    """Read all files of an order."""
    notes: list[str] = []
    networks: list[Network] = []
    attributes: dict[tuple[str, str], dict[str, str]] = {}
    for name, source in order.networks.items():
        layer = _read(source, order, progress, notes)
        fields = _fields(layer, _NETWORK, order.code.get(name) or order.code.get(""))
        codes = _codes(layer, fields, notes)
        dedicated = {
            code
            for code, kind in zip(codes, fields["kind"], strict=True)
            if GRID_KINDS.get(_text(kind).lower()) == GridKind.DEDICATED
        }
        networks.append(Network.of(name, codes, layer.frame.geometry.to_numpy(), dedicated))
        for code, row in zip(codes, fields.to_dict("records"), strict=True):
            kept = {str(key): _text(value) for key, value in row.items() if _text(value)}
            attributes.setdefault((name, code), kept)
    communities = _communities(order, progress, notes)
    buildings, known = _buildings(order, progress, notes)
    cases = _cases(order, progress, notes)
    return Inputs(
        tuple(networks), communities, buildings, cases, attributes,
        tuple(dict.fromkeys(notes)), known,
    )  # fmt: skip


def _read(source: str, order: CompareOrder, progress: Progress, notes: list[str]) -> SourceLayer:
    path, _ = split_source(source)
    try:
        layer = read_layer(source, progress=progress)
    except MissingCrs:
        if order.datum is None:
            raise
        layer = read_layer(source, datum=order.datum, progress=progress)
    notes += layer.notes
    empty = int(layer.frame.geometry.isna().sum())
    if empty:
        notes.append(f"{path.name}: {empty} rows without a place are left out.")
    return layer


def _fields(layer: SourceLayer, specs: Sequence[FieldSpec], code: str | None) -> pd.DataFrame:
    mapping = ColumnMapping({"code": code}) if code else ColumnMapping()
    return mapping.apply(layer.frame, specs)


def _codes(layer: SourceLayer, fields: pd.DataFrame, notes: list[str]) -> list[str]:
    """Return each row's code; its number in the file where it has none."""
    codes = [_text(value) for value in fields["code"]]
    if not all(codes):
        notes.append(f"{layer.name}: rows without a code are known by their number.")
    return [code or str(row) for code, row in zip(codes, layer.rows, strict=True)]


def _text(value: Any) -> str:
    return "" if value is None or pd.isna(value) else written(value).strip()


def _communities(order: CompareOrder, progress: Progress, notes: list[str]) -> Communities | None:
    if order.communities is None:
        return None
    layer = _read(order.communities, order, progress, notes)
    shapes = layer.frame.geometry.to_numpy()
    level = next((c for c in layer.frame.columns if str(c).lower() in ("level", "级别")), None)
    if level is not None:
        # a table of areas has streets and the banner too
        shapes = np.where(layer.frame[level].isin(["community", "社区"]), shapes, None)
    codes = _codes(layer, _fields(layer, (_CODE,), None), notes)
    return Communities.of(codes, shapes)


def _buildings(
    order: CompareOrder, progress: Progress, notes: list[str]
) -> tuple[Buildings | None, bool]:
    """Return the buildings, and whether anybody counted their households."""
    if order.buildings is None:
        return None, False
    layer = _read(order.buildings, order, progress, notes)
    fields = _fields(layer, _BUILDING, None)
    counts = pd.to_numeric(fields["households"], errors="coerce").to_numpy(dtype=float)
    unknown = bool(np.isnan(counts).all())
    if unknown:
        notes.append(f"{layer.name}: no column of households; each building counts as one.")
        counts = np.ones(len(layer))
    codes = _codes(layer, fields, notes)
    return Buildings.of(codes, layer.frame.geometry.to_numpy(), counts), not unknown


def _cases(order: CompareOrder, progress: Progress, notes: list[str]) -> gpd.GeoDataFrame | None:
    if order.cases is None:
        return None
    layer = _read(order.cases, order, progress, notes)
    shapes = layer.frame.geometry
    placed = ~shapes.isna()
    if not (shapely.get_type_id(shapes[placed].to_numpy()) == shapely.GeometryType.POINT).all():
        raise MappingInvalid(f"{Path(order.cases).name}: cases are points. Name a file of points.")
    fields = ColumnMapping().apply(layer.frame, _CASE)
    ids = [_text(value) or str(row) for value, row in zip(fields["id"], layer.rows, strict=True)]
    return gpd.GeoDataFrame({"id": ids}, geometry=shapes.to_numpy(), crs=layer.frame.crs)
