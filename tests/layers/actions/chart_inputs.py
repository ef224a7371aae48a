"""Files from which a chart is drawn, and what a chart's page shows."""

import json
import re
from pathlib import Path
from typing import Any

import geopandas as gpd
import shapely

HOSTILE = "{{7*7}}</script><img src=x onerror=alert(1)>"


def write_grids(folder: Path) -> Path:
    """Three squares in a row, one of them with a hostile name."""
    path = folder / "grids.gpkg"
    squares = [shapely.box(111 + i / 100, 39, 111.01 + i / 100, 39.01) for i in range(3)]
    frame = gpd.GeoDataFrame(
        {"id": [1, 2, 3], "label_zh": ["东", "中", HOSTILE]}, geometry=squares, crs=4326
    )
    frame.to_file(path, layer="council")
    return path


def write_cases(folder: Path) -> Path:
    """Six cases: one confidential, one in the second square, one nowhere, one far away."""
    path = folder / "cases.csv"
    path.write_text(
        "SRType,SRStatus,CreatedDate,Longitude,Latitude\n"
        "53001,Open,04/13/2018 11:11:26 AM,111.005,39.005\n"
        "Rubbish,Closed (Duplicate),04/14/2018 01:06:56 PM,111.005,39.006\n"
        "51002,New,04/14/2018 01:06:56 PM,111.005,39.007\n"
        "Rubbish,Pending,,111.015,39.005\n"
        "Rubbish,Strange,,,\n"
        "Rubbish,New,,0,0\n",
        encoding="utf-8",
    )
    return path


def contents(page: str) -> dict[str, Any]:
    """What the page shows, read back out of it."""
    found = re.search(r'<script type="application/json" id="chart-data">(.*?)</script>', page)
    assert found is not None
    shown: dict[str, Any] = json.loads(found.group(1))
    return shown


def states(page: str) -> dict[str, int]:
    """How many cases there are in each state that occurs."""
    shown = contents(page)["head"]["states"]
    return {each["code"]: each["count"] for each in shown if each["count"]}
