"""Grids: a file becomes a draft edition, checked as a coverage; nothing of it is in force yet."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import shapely
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from gis.coverage import Finding, check_grids
from gis.crs import STORAGE_SRID
from gis.findings import worst_first
from gis.geometry import Geometries
from layers.actions.check_stored import check_stored
from layers.actions.importing.batch import (
    Batch,
    ImportOptions,
    only,
    settle_duplicates,
)
from layers.actions.importing.codes import MERGED_COMMUNITY, require_scheme
from layers.actions.importing.shapes import settle_polygons
from layers.actions.importing.staging import Counts
from layers.actions.importing.words import GRID_KINDS
from layers.exchange.copy import copy_table, ewkb
from layers.exchange.fields import FieldKind, FieldSpec
from layers.exchange.progress import Progress
from layers.models import Edition
from layers.paths import path_below
from layers.store import driver, territory
from layers.vocabulary import UNPUBLISHED, CodeScheme, EditionStatus, GridKind

FIELDS = (
    FieldSpec(
        "code",
        FieldKind.CODE,
        required=True,
        synonyms=("grid_code", "geoid", "geoid20", "key_code", "网格编码", "编码", "网格编号"),
    ),
    FieldSpec("name", synonyms=("grid_name", "网格名称", "名称")),
    FieldSpec("name_en", synonyms=("english_name", "英文名称")),
    FieldSpec(
        "kind", FieldKind.CHOICE, synonyms=("grid_kind", "网格类型", "类型"), choices=GRID_KINDS
    ),
    FieldSpec("community_code", FieldKind.CODE, synonyms=("community", "社区编码", "所属社区编码")),
    FieldSpec("responsible", synonyms=("grid_worker", "responsible_person", "责任人", "网格员")),
)

_NATIONAL = "^[0-9]{15}$"


@dataclass(frozen=True)
class Drafted:
    """The edition that a file of grids became, or already was."""

    counts: Counts
    findings: list[Finding]
    edition_id: int | None


def draft_edition(
    session: Session, batch: Batch, options: ImportOptions, progress: Progress
) -> Drafted:
    """Check grids, and store them as a draft unless an edition holds just these."""
    require_scheme(batch, options.scheme, _NATIONAL, "a grid's 15 digits")
    communities, paths = _paths(session, batch, options.scheme)
    findings = _settle_shapes(batch, drawn_outlines(session, communities), options, progress)
    findings = worst_first([*findings, *_check_stored(session, batch, options.scheme)])
    table = _table(batch, options.scheme, communities, paths)
    if not table.num_rows:
        return Drafted(Counts(), findings, None)
    kept = [finding_json(finding) for finding in findings]
    content = _content_hash(table)
    same = session.scalars(territory.editions_with_content(content)).first()
    if same is not None:
        _renew_findings(session, same, kept)
        return Drafted(Counts(unchanged=table.num_rows), findings, same)
    edition = Edition(
        name=batch.source.name,
        source=options.source or batch.source.name,
        content_hash=content,
        findings=kept,
    )
    session.add(edition)
    session.flush()
    progress("storing grids", 0, table.num_rows)
    table = table.append_column(
        "edition_id", pa.array(np.full(table.num_rows, edition.id, dtype=np.int32))
    )
    copy_table(driver(session), "grids", table)
    edition.status = EditionStatus.CHECKED
    return Drafted(Counts(inserted=table.num_rows), findings, edition.id)


def _renew_findings(session: Session, edition_id: int, kept: list[dict[str, Any]]) -> None:
    """Keep with a draft what the checks find today; what was put in force stays as it was.

    An outline of its community may have come since, or a row that fell out been mended: what is
    printed now is what publishing will go by.
    """
    edition = session.get_one(Edition, edition_id)
    if edition.status in UNPUBLISHED:
        edition.findings = kept
        edition.status = EditionStatus.CHECKED


def finding_json(finding: Finding) -> dict[str, Any]:
    """Write a finding as it is kept with its edition."""
    return {
        "rule": finding.rule,
        "severity": finding.severity,
        "codes": list(finding.codes),
        "measure": finding.measure,
        "unit": finding.unit,
        "message_zh": finding.message_zh,
        "message_en": finding.message_en,
        "place": place_of(finding),
        "geometry": None
        if finding.geometry is None
        else json.loads(shapely.to_geojson(finding.geometry)),
    }


def place_of(finding: Finding) -> list[float] | None:
    """Return a longitude and latitude where a finding can be seen, if it has a place."""
    if finding.geometry is None or shapely.is_empty(finding.geometry):
        return None
    place = shapely.point_on_surface(finding.geometry)
    return [round(float(shapely.get_x(place)), 7), round(float(shapely.get_y(place)), 7)]


def _settle_shapes(
    batch: Batch, parents: Geometries | None, options: ImportOptions, progress: Progress
) -> list[Finding]:
    """Check the grids as they came, then make of each what can be stored."""
    if options.merge_pieces:
        settle_duplicates(batch, "code", merge_pieces=True)
    progress("checking the coverage", 0, int(batch.alive.sum()))
    findings = check_grids(
        only(batch.text("code"), batch.alive).tolist(),
        only(batch.geometry, batch.alive),
        parents,
        dedicated=batch.text("kind") == GridKind.DEDICATED,
    )
    # Rows that fell out are passed as empty, so that the others keep their number in the file.
    findings = [finding for finding in findings if finding.codes or finding.geometry is not None]
    settle_duplicates(batch, "code", merge_pieces=False)
    settle_polygons(batch, required=True, subject="a grid")
    return findings


def _check_stored(session: Session, batch: Batch, scheme: CodeScheme) -> list[Finding]:
    """Hold the grids that can be stored against the buildings and households that are."""
    return check_stored(
        session,
        batch.text("code")[batch.alive].tolist(),
        batch.geometry[batch.alive],
        dedicated=(batch.text("kind") == GridKind.DEDICATED)[batch.alive],
        scheme=scheme,
    )


def _paths(session: Session, batch: Batch, scheme: CodeScheme) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return each grid's community and path; a community that isn't loaded is a reject."""
    known = {row[0]: row[3] for row in session.execute(territory.area_paths())}
    codes, given = batch.text("code"), batch.text("community_code")
    communities = np.full(len(batch), None, dtype=object)
    paths = np.full(len(batch), None, dtype=object)
    for position in map(int, np.flatnonzero(batch.alive)):
        code, community = codes[position], given[position]
        above = community
        if scheme is CodeScheme.NATIONAL:
            community, above, problem = _national_parent(known, code, community)
            if problem:
                batch.reject_one(position, problem)
                continue
        if above is not None and above not in known:
            batch.reject_one(
                position, f"its community {above} is not loaded; import the areas first"
            )
            continue
        communities[position] = community
        paths[position] = path_below(known[above] if above is not None else "", code)
    return communities, paths


def _national_parent(
    known: dict[str, str], code: str, given: str | None
) -> tuple[str | None, str | None, str | None]:
    """Return the community of a grid, the area above it, and why it cannot be there.

    A grid merged from several communities may belong to the street alone.
    """
    prefix = code[:12]
    if code[9:12] < MERGED_COMMUNITY:
        if given is not None and given != prefix:
            return None, None, f"names {given} as its community, but its code {code} says {prefix}"
        return prefix, prefix, None
    if given is not None or prefix in known:
        return given or prefix, given or prefix, None
    return None, code[:9], None


def drawn_outlines(session: Session, communities: Iterable[str | None]) -> Geometries | None:
    """Return the outlines of the communities that the grids must fill, where they are drawn."""
    wanted = {code for code in communities if code is not None}
    drawn = [
        bytes(area.wkb)
        for area in session.execute(territory.areas())
        if area.wkb is not None and area.code in wanted
    ]
    return np.array(shapely.from_wkb(drawn), dtype=object) if drawn else None


def _table(
    batch: Batch, scheme: CodeScheme, communities: NDArray[Any], paths: NDArray[Any]
) -> pa.Table:
    """Return the grids as the table holds them, by code."""
    text = pa.large_string()
    names, kinds, codes = batch.text("name"), batch.text("kind"), batch.text("code")
    given = {
        name: pa.array(batch.text(name).tolist(), type=text) for name in ("name_en", "responsible")
    }
    return batch.table(
        {
            **given,
            "name": pa.array([n or c for n, c in zip(names, codes, strict=True)], type=text),
            "kind": pa.array([kind or GridKind.BASIC.value for kind in kinds], type=text),
            "community_code": pa.array(communities.tolist(), type=text),
            "path": pa.array(paths.tolist(), type=text),
            "code_scheme": pa.array([scheme.value] * len(batch), type=text),
            "boundary": ewkb(batch.geometry),
        }
    ).sort_by("code")


def _content_hash(table: pa.Table) -> str:
    """Return a fingerprint of all that is stored of the grids, whatever their order in the file."""
    digest = hashlib.sha256(f"EPSG:{STORAGE_SRID}".encode())
    for name in sorted(table.column_names):
        for value in table.column(name).to_pylist():
            part = value if isinstance(value, bytes) else str(value).encode()
            digest.update(len(part).to_bytes(8, "big") + part)
    return digest.hexdigest()
