"""Many cases routed at once: who owns each, by which rule, as columns for COPY."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from gis.geometry import OUTSIDE
from gis.routing import Placements, Rule
from layers.actions.boundaries import InForce


def owner_columns(in_force: InForce, placements: Placements) -> dict[str, pa.Array]:
    """Return rule, owner, path and distance of each placement, and its edition."""
    grids = np.asarray(placements.positions)
    queues = queues_of(in_force, placements)
    codes = _taken(in_force.grids.codes, grids)
    queue_codes = [
        None if own != OUTSIDE else queue for own, queue in zip(grids, queues, strict=True)
    ]
    paths = [
        in_force.grid_paths[own]
        if own != OUTSIDE
        else (in_force.area_paths[queue] if queue is not None else None)
        for own, queue in zip(grids, queues, strict=True)
    ]
    text = pa.large_string()
    distance = np.asarray(placements.distance_to_boundary_m, dtype=np.float64)
    return {
        "rule": pa.array([str(Rule(rule)) for rule in placements.rules], type=text),
        "edition_id": pa.array(np.full(len(grids), in_force.edition_id, dtype=np.int32)),
        "grid_code": codes,
        "queue_code": pa.array(queue_codes, type=text),
        "path": pa.array(paths, type=text),
        "distance_to_boundary_m": pa.array(distance, mask=~np.isfinite(distance)),
        "candidates": pa.array(_candidates(placements), type=text),
    }


def queues_of(in_force: InForce, placements: Placements) -> list[str | None]:
    """Return the area in whose queue each would wait: the smallest around it, or the banner."""
    return [
        in_force.root_code if position == OUTSIDE else in_force.queue_codes[position]
        for position in placements.area_positions
    ]


def _candidates(placements: Placements) -> list[str]:
    """Return, as JSON, the grids that each accuracy circle touches."""
    written = ["[]"] * len(placements)
    for position in map(int, np.flatnonzero(np.isfinite(placements.accuracy_m))):
        found = placements[position].candidates
        written[position] = json.dumps([asdict(candidate) for candidate in found])
    return written


def _taken(codes: Sequence[str], positions: NDArray[Any]) -> pa.Array:
    every = pa.array(codes, type=pa.large_string())
    return every.take(pa.array(positions, mask=positions == OUTSIDE))
