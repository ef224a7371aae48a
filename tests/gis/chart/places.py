"""A place small enough to know by heart: four grids, four buildings, 24 households, five cases."""

from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import shapely
from geopandas import GeoDataFrame

from gis.chart.definition import ChartData, ChartDefinition, StatusScheme, StatusStyle

BEIJING = timezone(timedelta(hours=8))
MOMENT = datetime(2026, 11, 24, 9, 5, tzinfo=BEIJING)

NORMAL = StatusStyle(
    "normal", "无隐患", "No hazard", "circle", "#289863", "#608569", 0, 1, True, False
)
MINOR = StatusStyle(
    "minor", "一般隐患", "Minor hazard", "triangle", "#FADE26", "#F2F25F", 2, 2, False, False
)
MAJOR = StatusStyle(
    "major", "重大隐患", "Major hazard", "octagon", "#AF0910", "#D41708", 3, 3, False, False
)
UNCHECKED = StatusStyle(
    "unchecked", "未检查", "Not checked", "question", "#606468", "#B2B3B4", 1, 4, False, True
)
SCHEME = StatusScheme("hazard", "安全隐患", "Hazards", (NORMAL, MINOR, MAJOR, UNCHECKED))

REPORTED = StatusStyle(
    "reported", "已上报", "Reported", "circle_open", "#606468", "#B2B3B4", 1, 1, False, False
)
ESCALATED = StatusStyle(
    "escalated", "已升级", "Escalated", "triangle_double", "#9C67BD", "#986699", 8, 2, False, False
)
CLOSED = StatusStyle(
    "closed", "已结案", "Closed", "check", "#289863", "#608569", 10, 3, True, False
)
STATES = (REPORTED, ESCALATED, CLOSED)

STATUSES: list[str | None] = [
    *(["normal"] * 4 + ["major", "minor"]),
    *(["normal"] * 3 + ["minor", None, None]),
    *(["normal"] * 5 + ["unchecked"]),
    *(["normal"] * 6),
]
"""Of the 24 households, six in each building."""


def definition(**changes: object) -> ChartDefinition:
    given = {
        "name": "town",
        "title_zh": "白云社区作战图",
        "title_en": "Baiyun battle chart",
        "scheme": SCHEME,
        "case_states": STATES,
    }
    return ChartDefinition(**(given | changes))  # type: ignore[arg-type]


def data(lon: float = 111.2, lat: float = 39.86, **changes: object) -> ChartData:
    """Make the place at the given corner; about 400 m wide on the equator."""
    corners = [(lon + 0.002 * column, lat + 0.002 * row) for row in (1, 0) for column in (0, 1)]
    grids = GeoDataFrame(
        {
            "code": [f"15062200300300{i}" for i in range(1, 5)],
            "name": ["白云第一网格", "白云第二网格", "白云第三网格", "农贸市场网格"],
            "kind": ["basic", "basic", "basic", "dedicated"],
            "responsible": ["网格员一号"] * 4,
            "open_cases": [3, 0, 1, 0],
            "household_count": [6, 6, 6, 6],
        },
        geometry=[shapely.box(x, y, x + 0.002, y + 0.002) for x, y in corners],
        crs="EPSG:4490",
    )
    buildings = GeoDataFrame(
        {
            "code": [f"B{i}" for i in range(1, 5)],
            "name": [f"{i}号楼" for i in range(1, 5)],
            "address": [f"迎泽街{i}号" for i in range(1, 5)],
            "grid_code": grids["code"],
        },
        geometry=[shapely.box(x + 0.0004, y + 0.0008, x + 0.0016, y + 0.0012) for x, y in corners],
        crs="EPSG:4490",
    )
    owner = np.repeat(np.arange(4), 6)
    households = GeoDataFrame(
        {
            "code": [f"B{b + 1}-{i % 6 // 3 + 1}-{i % 3 + 1}01" for i, b in enumerate(owner)],
            "building_code": buildings["code"].to_numpy()[owner],
            "unit": [str(i % 6 // 3 + 1) for i in range(24)],
            "floor": [str(i % 3 + 1) for i in range(24)],
            "room": [f"{i % 3 + 1}01" for i in range(24)],
            "grid_code": grids["code"].to_numpy()[owner],
            "status": STATUSES,
            "open_cases": [2] + [0] * 23,
        },
        geometry=shapely.centroid(buildings.geometry.to_numpy())[owner],
        crs="EPSG:4490",
    )
    cases = GeoDataFrame(
        {
            "id": [f"C{i}" for i in range(1, 6)],
            "category_zh": ["路灯不亮", "占用消防通道", "暴露垃圾", "噪声扰民", "井盖缺失"],
            "category_en": ["Street lamp", "Fire lane", "Rubbish", "Noise", "Manhole cover"],
            "state": ["reported", "escalated", "reported", "closed", "reported"],
            "reported_at": [datetime(2026, 11, 23, 17, 30, tzinfo=UTC)] * 5,
            "grid_code": [*grids["code"][[0, 0, 0, 1]], None],
            "overdue": [False, True, None, True, None],
        },
        geometry=[
            shapely.Point(x, y)
            for x, y in [
                (lon + 0.0003, lat + 0.0023),
                (lon + 0.0010, lat + 0.0036),
                (lon + 0.0017, lat + 0.0023),
                (lon + 0.0030, lat + 0.0023),
                (lon + 0.0030, lat + 0.0003),
            ]
        ],
        crs="EPSG:4490",
    )
    areas = GeoDataFrame(
        {"code": ["150622003003"], "name": ["白云社区"], "level": ["community"]},
        geometry=[shapely.box(lon, lat, lon + 0.004, lat + 0.004)],
        crs="EPSG:4490",
    )
    given = {
        "data_time": MOMENT,
        "edition": 7,
        "grids": grids,
        "buildings": buildings,
        "households": households,
        "cases": cases,
        "areas": areas,
    }
    return ChartData(**(given | changes))  # type: ignore[arg-type]


def nothing() -> GeoDataFrame:
    return GeoDataFrame(geometry=[])
