"""The page of a proposal: whole by itself, and safe whatever somebody is called."""

import re

import numpy as np

from gis.proposal import Bounds, propose, score
from gis.proposal.sheet import Shown, sheet
from tests.gis.proposal.places import board, land

HOSTILE = "</script><img src=x onerror=alert(1)>{{7*7}}"


def page(name: str = "白云第一网格", *, before: bool = True) -> str:
    ground = board(4, 2)
    proposal = propose(ground)
    codes = ("150622003003001", "150622003003002")
    shown = Shown(codes, (name, name), proposal.grids, proposal.score)
    whole = np.array([land(4, 2)])
    in_force = Shown(("G1",), (name,), whole, score(ground, whole)) if before else None
    return sheet(name, ground, shown, in_force, Bounds())


def test_it_names_every_grid_and_compares_the_networks() -> None:
    html = page()
    assert html.count("400 户") == 2
    assert "150622003003002" in html
    assert "现行 in force" in html
    assert "现行 in force" not in page(before=False)


def test_it_asks_no_network_and_runs_nothing() -> None:
    html = page()
    assert re.findall(r"(?:src|href)=", html) == []
    assert "<script" not in html
    assert "default-src 'none'" in html


def test_a_hostile_name_is_text() -> None:
    html = page(HOSTILE)
    assert "<img" not in html
    assert "&lt;img src=x onerror=alert(1)&gt;{{7*7}}" in html


def test_the_same_proposal_is_the_same_page() -> None:
    assert page() == page()
