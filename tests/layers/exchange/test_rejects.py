"""Rejected rows are kept, with their reason."""

from pathlib import Path

import numpy as np
import pandas as pd
import shapely

from layers.exchange.rejects import Reject, write_rejects


def test_rejects_keep_row_reason_and_record_in_the_order_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "rejects.csv"
    rejects = [
        Reject(9, "坐标缺失", {"code": "0012", "geometry": None, "n": np.nan}),
        Reject(2, "a, b", {"code": "x", "geometry": shapely.Point(1, 2), "row": "r", "n": 1}),
    ]
    assert write_rejects(path, rejects) == 2
    assert path.read_bytes().startswith(b"\xef\xbb\xbf")
    read = pd.read_csv(path, dtype=str, keep_default_na=False)
    assert list(read.columns) == ["row", "reason", "code", "geometry", "row_2", "n"]
    assert read.to_numpy().tolist() == [
        ["2", "a, b", "x", "POINT (1 2)", "r", "1"],
        ["9", "坐标缺失", "0012", "", "", ""],
    ]
    assert [p.name for p in tmp_path.iterdir()] == ["rejects.csv"]


def test_nothing_rejected_makes_no_file(tmp_path: Path) -> None:
    assert write_rejects(tmp_path / "rejects.csv", []) == 0
    assert list(tmp_path.iterdir()) == []
