"""A small town in memory, and a way to have a body answered however it is cut."""

from collections.abc import Callable, Iterable
from itertools import pairwise
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest

from api.forms.answering import Answering, Order
from gis.areas import AreaIndex
from gis.ownership import GridIndex
from gis.routing import Router
from layers.actions.boundaries import InForce
from tests.api.conftest import BANNER, COMMUNITY, EAST_GRID, STREET, WEST_GRID, square

Answer = Callable[..., bytes]


@pytest.fixture(scope="session")
def in_force() -> InForce:
    """Two grids side by side in a street in a banner."""
    grids = GridIndex([WEST_GRID, EAST_GRID], np.array([square(0), square(1)]))
    outlines = [square(-1, -1, size=0.12), square(0, size=0.06)]
    areas = AreaIndex([BANNER, STREET], np.array(outlines), root=BANNER)
    above = f"{BANNER}/{STREET}/"
    return InForce(
        edition_id=7,
        edition_name="made",
        router=Router(grids, areas),
        grids=grids,
        grid_names=("白云第一网格", "白云“第二”网格"),
        grid_paths=(f"{above}{COMMUNITY}/{WEST_GRID}/", f"{above}{COMMUNITY}/{EAST_GRID}/"),
        responsibles=("张三", None),
        queue_codes=(BANNER, STREET),
        area_names=MappingProxyType({BANNER: "准格尔旗", STREET: "蓝天街道"}),
        area_paths=MappingProxyType({BANNER: f"{BANNER}/", STREET: above}),
        banner_code=BANNER,
    )


@pytest.fixture
def answer(in_force: InForce) -> Answer:
    """Answer a body that comes in pieces."""

    def answered(pieces: bytes | Iterable[bytes], content_type: str, **order: Any) -> bytes:
        work = Answering(Order(content_type, **{"datum": "cgcs2000", **order}), in_force)
        out: list[bytes] = []
        for piece in [pieces] if isinstance(pieces, bytes) else pieces:
            out += map(bytes, work.feed(piece))
        out += map(bytes, work.finish())
        return b"".join(out)

    return answered


def cut(body: bytes, *places: int) -> list[bytes]:
    """Cut a body at some places."""
    ends = [0, *sorted(places), len(body)]
    return [body[start:end] for start, end in pairwise(ends)]
