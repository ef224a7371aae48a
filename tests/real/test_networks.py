"""Baltimore's own cuts of the city laid over one another."""

from pathlib import Path

import numpy as np
import pytest
import shapely

from gis.networks import Communities, Network, compare, crosswalk, overlay, propose
from layers.exchange.reader import read_layer
from tests.real.partitions import LAYERS

pytestmark = pytest.mark.real


def outlines(folder: Path, name: str, column: str) -> tuple[list[str], np.ndarray]:
    frame = read_layer(f"{folder / LAYERS[name]}").frame
    return frame[column].astype(str).tolist(), frame.geometry.to_numpy()


def assert_shares(proposal) -> None:
    shares: dict[tuple[str, str], float] = {}
    for row in crosswalk(proposal):
        key = (row.network, row.old_code)
        shares[key] = shares.get(key, 0) + row.area_share
    assert len(shares) == sum(len(network) for network in proposal.laid.networks)
    assert list(shares.values()) == pytest.approx([1] * len(shares))


def test_police_districts_and_neighbourhoods(shared_data: Path) -> None:
    police = Network.of("police", *outlines(shared_data, "police_1959", "name"))
    hoods = Network.of("hoods", *outlines(shared_data, "neighborhoods_2010", "name"))
    laid = overlay([police, hoods])
    found = compare(laid)
    assert found.agreements == ()
    disputed = [code for finding in found.of("network_conflict") for code in finding.codes]
    crossed = {code for code in disputed if code.startswith("hoods:")}
    assert 0 < len(crossed) < len(hoods)
    # along the shore a district covers what no neighbourhood does
    assert any(finding.codes[0] == "hoods" for finding in found.of("network_hole"))

    proposal = propose(laid)
    assert [grid.source for grid in sorted(proposal.grids, key=lambda g: g.source)] == [
        ("police", code) for code in police.codes
    ]
    shapes = np.array([grid.geometry for grid in proposal.grids])
    assert shapely.coverage_is_valid(shapes)
    assert_shares(proposal)


def test_tracts_as_communities_of_blocks(shared_data: Path) -> None:
    codes, tracts = outlines(shared_data, "tracts", "geoid")
    blocks = Network.of("blocks", *outlines(shared_data, "blocks", "geoid20"))
    proposal = propose(overlay([blocks], Communities.of(codes, tracts)))
    grids = np.array([grid.geometry for grid in proposal.grids])
    assert shapely.coverage_is_valid(grids)
    names = [grid.code for grid in proposal.grids]
    assert len(set(names)) == len(names)
    assert all(grid.code.startswith(grid.community_code) for grid in proposal.grids)
    around = dict(zip(codes, tracts, strict=True))
    over = [
        shapely.difference(grid.geometry, around[grid.community_code]).area
        for grid in proposal.grids
    ]
    assert max(over) < 1e-11
    assert_shares(proposal)
