"""Compare departments' networks from files, and propose one out of them; no database needed."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any, Final

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from gis.crs import STORAGE_CRS
from gis.findings import Finding
from gis.networks import (
    Comparison,
    CrosswalkRow,
    MergedGrid,
    Proposal,
    Tolerances,
    compare,
    crosswalk,
    overlay,
    propose,
)
from gis.ownership import GridIndex
from layers.actions.network_files import CompareOrder, Inputs, read_inputs
from layers.errors import MappingInvalid
from layers.exchange.progress import Progress, silent
from layers.vocabulary import GridKind

__all__ = ["CompareOrder", "NetworkReport", "compare_networks"]

_COLUMNS: Final = (
    "code", "name", "name_en", "kind", "community_code", "responsible", "staff", "communities",
    "merged", "source_network", "source_code", "kept", "decision", "area_m2", "household_count",
    "geometry",
)  # fmt: skip


@dataclass(frozen=True)
class NetworkReport:
    """What a comparison showed, the network proposed, and what follows it."""

    inputs: Inputs
    comparison: Comparison
    proposal: Proposal
    rows: tuple[CrosswalkRow, ...]
    accepted: frozenset[str]
    """Codes of the merged grids that somebody agreed to; kept cells are agreed to."""

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What was found in the networks, and what the proposal leaves for a person."""
        return (*self.comparison.findings, *self.proposal.unsettled)

    @property
    def open_codes(self) -> tuple[str, ...]:
        """The codes of the merged grids about which nobody has decided."""
        codes = (grid.code for grid in self.proposal.grids)
        return tuple(code for code in codes if code not in self.accepted)

    @cached_property
    def merged(self) -> gpd.GeoDataFrame:
        """The merged network, with the columns that a draft edition is imported from.

        ``decision`` is accepted or open; ``responsible`` whoever answers for the old grid that
        brings most of its households (else of its ground), the network named first before others;
        ``staff`` everybody who answered for an old grid most of which is in it, with the network.
        """
        records = [self._record(grid) for grid in self.proposal.grids]
        columns = {name: [record.get(name) for record in records] for name in _COLUMNS}
        geometry = columns.pop("geometry")
        return gpd.GeoDataFrame(columns, geometry=geometry, crs=STORAGE_CRS)

    @cached_property
    def crosswalk(self) -> pd.DataFrame:
        """Old grids → new ones: ground, households, and who answered; new_code empty: outside."""
        return pd.DataFrame([
            {
                "network": row.network,
                "old_code": row.old_code,
                "new_code": row.new_code,
                "area_m2": round(row.area_m2, 3),
                "area_share": row.area_share,
                "household_count": round(row.household_count, 3),
                "household_share": row.household_share,
                "responsible": self._attribute(row, "responsible"),
            }
            for row in self.rows
        ])  # fmt: skip

    @cached_property
    def moves(self) -> pd.DataFrame | None:
        """Each case's grid in every old network, and its new one; empty where there is none."""
        cases = self.inputs.cases
        if cases is None:
            return None
        points = cases.geometry.to_numpy()
        lon, lat = shapely.get_x(points), shapely.get_y(points)
        table: dict[str, Any] = {"case": cases["id"]}
        for network in self.inputs.networks:
            table[f"old_{network.name}"] = _owners(network.codes, network.geometries, lon, lat)
        codes = [grid.code for grid in self.proposal.grids]
        shapes = np.array([grid.geometry for grid in self.proposal.grids], dtype=object)
        table["new_code"] = _owners(codes, shapes, lon, lat)
        return pd.DataFrame(table)

    def _record(self, grid: MergedGrid) -> dict[str, Any]:
        of_source = self.inputs.attributes.get(grid.source, {}) if grid.source else {}
        same = {key: of_source.get(key) for key in ("name", "name_en")}
        network, code = grid.source or (None, None)
        return same | {
            "code": grid.code,
            "name": same["name"] or grid.code,
            "kind": str(GridKind.DEDICATED if grid.dedicated else GridKind.BASIC),
            "community_code": grid.community_code,
            "responsible": self._answering(grid),
            "staff": ", ".join(self._staff.get(grid.code, ())) or None,
            "communities": " ".join(grid.communities),
            "merged": grid.is_merged,
            "source_network": network,
            "source_code": code,
            "kept": grid.kept,
            "decision": "accepted" if grid.code in self.accepted else "open",
            "area_m2": round(grid.area_m2, 1),
            "household_count": round(grid.household_count, 1),
            "geometry": grid.geometry,
        }

    @cached_property
    def _rows_of(self) -> Mapping[str | None, list[CrosswalkRow]]:
        rows: dict[str | None, list[CrosswalkRow]] = {}
        for row in self.rows:
            rows.setdefault(row.new_code, []).append(row)
        return rows

    @cached_property
    def _staff(self) -> Mapping[str | None, list[str]]:
        """Everybody who answered for an old grid, under the new grid with most of it."""
        most: dict[tuple[str, str], CrosswalkRow] = {}
        for row in self.rows:
            known = most.get((row.network, row.old_code))
            size = (row.household_count, row.area_m2)
            if known is None or size > (known.household_count, known.area_m2):
                most[row.network, row.old_code] = row
        staff: dict[str | None, list[str]] = {}
        for row in most.values():
            name = self._attribute(row, "responsible")
            if name:
                staff.setdefault(row.new_code, []).append(f"{row.network}:{name}")
        return {code: list(dict.fromkeys(names)) for code, names in staff.items()}

    def _answering(self, grid: MergedGrid) -> str | None:
        order = [network.name for network in self.inputs.networks]
        ranked = sorted(
            (
                row
                for row in self._rows_of.get(grid.code, [])
                if self._attribute(row, "responsible")
            ),
            key=lambda row: (order.index(row.network), -row.household_count, -row.area_m2),
        )
        return self._attribute(ranked[0], "responsible") if ranked else None

    def _attribute(self, row: CrosswalkRow, name: str) -> str | None:
        return self.inputs.attributes.get((row.network, row.old_code), {}).get(name)


def compare_networks(
    order: CompareOrder, *, tolerances: Tolerances | None = None, progress: Progress = silent
) -> NetworkReport:
    """Compare departments' networks, and propose one out of them.

    Parameters
    ----------
    order : CompareOrder
        The files, and what somebody decided.
    tolerances : Tolerances, optional
    progress : callable, optional
        Told the name of each step.

    Returns
    -------
    NetworkReport

    Raises
    ------
    FileUnreadable, MappingInvalid
        Where a file or a column cannot be used, or a decision names what is not there.
    InvalidGrids
        Where a network has no grid, or a cell that is to be kept does not exist.
    """
    inputs = read_inputs(order, progress)
    progress("overlaying networks", 0, None)
    laid = overlay(inputs.networks, inputs.communities, inputs.buildings)
    progress("comparing", 0, None)
    comparison = compare(laid, tolerances)
    progress("proposing", 0, None)
    bounds = order.bounds if inputs.households_known else None
    proposal = propose(laid, tolerances, keep=order.keep, bounds=bounds)
    before = partial(propose, laid, tolerances, bounds=bounds)
    accepted = _accepted(order, proposal, before)
    return NetworkReport(inputs, comparison, proposal, crosswalk(proposal), accepted)


def _accepted(
    order: CompareOrder, proposal: Proposal, before: Callable[[], Proposal]
) -> frozenset[str]:
    codes = {grid.code for grid in proposal.grids}
    if order.accept is None:
        return frozenset(codes)
    strange = order.accept - codes
    if strange and order.keep:
        # a cell that is kept may have taken all the ground of a grid that was agreed to
        strange -= {grid.code for grid in before().grids}
    if strange:
        raise MappingInvalid(
            f"--accept {min(strange)}: the proposal has no such grid. Compare again without "
            "--accept to see its codes."
        )
    return (order.accept & codes) | {grid.code for grid in proposal.grids if grid.kept}


def _owners(codes: Any, shapes: Any, lon: Any, lat: Any) -> list[str | None]:
    owners = GridIndex(codes, shapes).owners(lon, lat)
    return [codes[owner] if owner >= 0 else None for owner in owners.tolist()]
