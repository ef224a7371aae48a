"""Compounds, buildings and households, with the grids that own them."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import shapely
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from gis.coverage import Finding, check_buildings
from layers.actions.boundaries import InForce, load_in_force
from layers.actions.importing.batch import (
    Batch,
    ImportOptions,
    only,
    settle_duplicates,
)
from layers.actions.importing.codes import require_scheme
from layers.actions.importing.owners import owner_columns
from layers.actions.importing.shapes import mended_findings, settle_points, settle_polygons
from layers.actions.importing.staging import Counts, Merge, merge
from layers.actions.importing.statuses import SCHEMES, set_statuses, status_fields
from layers.errors import NoEditionInForce
from layers.exchange.copy import ewkb, point_ewkb, stage
from layers.exchange.fields import FieldKind, FieldSpec
from layers.exchange.progress import Progress
from layers.store import driver, premises, territory

_OWNER = ("grid_code", "path")

COMPOUND_FIELDS = (
    FieldSpec("code", FieldKind.CODE, required=True, synonyms=("compound_code", "小区编码")),
    FieldSpec("name", synonyms=("compound_name", "小区名称")),
    FieldSpec("community_code", FieldKind.CODE, synonyms=("community",)),
)

BUILDING_FIELDS = (
    FieldSpec(
        "code", FieldKind.CODE, required=True, synonyms=("building_code", "楼栋编码", "楼栋编号")
    ),
    FieldSpec("name", synonyms=("building_name", "楼栋名称")),
    FieldSpec("compound_code", FieldKind.CODE),
    FieldSpec("address"),
    FieldSpec("floors", FieldKind.COUNT, least=1),
    FieldSpec("units", FieldKind.COUNT, least=1),
)


def household_fields(session: Session) -> tuple[FieldSpec, ...]:
    """Return the fields of a household; its statuses are words of the schemes in the database."""
    return (
        FieldSpec(
            "code", FieldKind.CODE, required=True, synonyms=("household_code", "户编码", "户编号")
        ),
        FieldSpec("building_code", FieldKind.CODE),
        FieldSpec("unit"),
        FieldSpec("floor", FieldKind.COUNT, least=-99, most=999),
        FieldSpec("room"),
        FieldSpec("resident_count", FieldKind.COUNT),
        *status_fields(session),
    )


@dataclass(frozen=True)
class Loaded:
    """What loading a layer of premises did."""

    counts: Counts
    findings: list[Finding] = field(default_factory=list)
    unowned: int | None = None


def load_compounds(
    session: Session, batch: Batch, options: ImportOptions, progress: Progress
) -> Loaded:
    """Check and merge compounds; their outline may be missing."""
    known = [row[0] for row in session.execute(territory.area_paths())]
    batch.reject_unlisted(
        "community_code", known, "its community {} is not loaded; import the areas first"
    )
    findings = _settle_outlines(batch, options, required=False, subject="a compound")
    table = batch.table({"name": _name_or_code(batch), "boundary": ewkb(batch.geometry)})
    columns = _given(batch, "name", "community_code")
    plan = Merge(
        "compounds",
        ("code",),
        (*columns, "boundary"),
        only_new=() if "name" in columns else ("name",),
        kept=("boundary",),
    )
    return Loaded(_merge(session, table, plan, progress), findings)


def load_buildings(
    session: Session, batch: Batch, options: ImportOptions, progress: Progress
) -> Loaded:
    """Check and merge buildings; each is owned by the grid that owns its anchor."""
    require_scheme(batch, options.scheme, "^[0-9]{17}$", "a building's 17 digits")
    _require_listed(batch, "compound_code", session.scalars(premises.compound_codes()), "compound")
    findings = _check_buildings(batch, progress)
    mended = _settle_outlines(batch, options, required=True, subject="a building")
    if mended:  # the checks have told of each already
        batch.notes.append(f"{len(mended)} invalid outlines were stored mended.")
    anchors = shapely.point_on_surface(batch.geometry)
    owners = owner_columns(_in_force(session), shapely.get_x(anchors), shapely.get_y(anchors))
    table = batch.table(
        {"outline": ewkb(batch.geometry), "anchor": ewkb(anchors), **owners.columns}
    )
    columns = _given(batch, "name", "compound_code", "address", "floors", "units")
    plan = Merge("buildings", ("code",), (*columns, "outline", "anchor", *_OWNER))
    counts = _merge(session, table, plan, progress)
    return Loaded(counts, findings, int((batch.alive & ~owners.owned).sum()))


def load_households(
    session: Session, batch: Batch, options: ImportOptions, progress: Progress
) -> Loaded:
    """Check and merge households and their statuses; one without a place lives at its building."""
    require_scheme(
        batch, options.scheme, "^[0-9]{17}.+$", "a household's: its building's 17 digits and more"
    )
    settle_points(batch, required=False, subject="a household")
    lon, lat = _places(session, batch)
    settle_duplicates(batch, "code", merge_pieces=False)
    progress("finding owners", 0, len(batch))
    owners = owner_columns(_in_force(session), lon, lat)
    table = batch.table({"location": point_ewkb(lon, lat), **owners.columns})
    columns = _given(batch, "building_code", "unit", "floor", "room", "resident_count")
    plan = Merge("households", ("code",), (*columns, "location", *_OWNER))
    counts = _merge(session, table, plan, progress)
    given = [scheme for scheme in SCHEMES if batch.has(scheme)]
    source = options.source or batch.source.name
    touched = set_statuses(driver(session), "staged_households", given, source)
    if touched.opened or touched.closed:
        batch.notes.append(f"{touched.opened} statuses begin, {touched.closed} end.")
    return Loaded(counts, unowned=int((batch.alive & ~owners.owned).sum()))


def _check_buildings(batch: Batch, progress: Progress) -> list[Finding]:
    """Look for buildings that come twice or in pieces, before anything is taken out."""
    polygonal = batch.alive & np.isin(shapely.get_type_id(batch.geometry), (3, 6))
    progress("checking buildings", 0, int(polygonal.sum()))
    codes = only(batch.text("code"), polygonal).tolist()
    findings = check_buildings(codes, only(batch.geometry, polygonal))
    # Other rows are passed as empty, so that these keep their number in the file.
    return [finding for finding in findings if finding.codes or finding.geometry is not None]


def _settle_outlines(
    batch: Batch, options: ImportOptions, *, required: bool, subject: str
) -> list[Finding]:
    before = batch.geometry.copy()
    mended = settle_polygons(batch, required=required, subject=subject)
    reasons = shapely.is_valid_reason(before[mended])
    findings = mended_findings(batch.text("code")[mended], batch.geometry[mended], reasons)
    settle_duplicates(batch, "code", merge_pieces=options.merge_pieces)
    settle_polygons(batch, required=required, subject=subject)
    return findings


def _places(session: Session, batch: Batch) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return where each household is: its own point, or its building's anchor."""
    lon, lat = shapely.get_x(batch.geometry), shapely.get_y(batch.geometry)
    if batch.has("building_code"):
        rows = session.execute(premises.building_places()).all()
        _require_listed(batch, "building_code", [row[0] for row in rows], "building")
        anchors = pd.DataFrame(rows, columns=["code", "lon", "lat"]).set_index("code")
        wanted = pd.Series(batch.text("building_code"))
        placeless = ~np.isfinite(lon)
        at = anchors.reindex(wanted[placeless])
        lon[placeless], lat[placeless] = at["lon"].to_numpy(float), at["lat"].to_numpy(float)
    batch.reject(~np.isfinite(lon), lambda position: _why_placeless(batch, position))
    return lon, lat


def _why_placeless(batch: Batch, position: int) -> str:
    why = batch.source.problems.get(int(batch.rows[position]))
    words = "has neither a place of its own nor a building that is loaded"
    return f"{words}: {why}" if why else words


def _require_listed(batch: Batch, name: str, codes: Any, subject: str) -> None:
    batch.reject_unlisted(
        name, codes, f"its {subject} {{}} is not loaded; import the {subject}s first"
    )


def _in_force(session: Session) -> InForce | None:
    try:
        return load_in_force(session)
    except NoEditionInForce:
        return None


def _given(batch: Batch, *names: str) -> tuple[str, ...]:
    return tuple(name for name in names if batch.has(name))


def _name_or_code(batch: Batch) -> pa.Array:
    if not batch.has("name"):
        return batch.columns["code"]
    return pc.coalesce(batch.columns["name"], batch.columns["code"])


def _merge(session: Session, table: pa.Table, plan: Merge, progress: Progress) -> Counts:
    """Stage a table and merge it into its target."""
    connection, name = driver(session), f"staged_{plan.target}"
    if "path" in table.column_names:  # neighbours together: pages and indexes are filled in turn
        table = table.sort_by("path")
    total = table.num_rows
    stage(connection, name, table, lambda done: progress("staging", done, total))
    progress("merging", 0, total)
    counts = merge(connection, name, plan, total)
    progress("merging", total, total)
    return counts
