"""A chart's page as a file: whole or not at all."""

from pathlib import Path

import pytest

from layers.actions.chart_page import check_page, write_page
from layers.errors import MappingInvalid


def test_a_page_replaces_the_one_before(tmp_path: Path) -> None:
    out = tmp_path / "chart.html"
    for page in ("第一", "第二"):
        write_page(page, out)
        assert out.read_text("utf-8") == page
    assert [each.name for each in tmp_path.iterdir()] == ["chart.html"]


def test_a_page_that_cannot_be_written_leaves_the_one_before(tmp_path: Path) -> None:
    out = tmp_path / "chart.html"
    write_page("first", out)
    with pytest.raises(UnicodeEncodeError):
        write_page("half \ud800", out)
    assert out.read_text("utf-8") == "first"
    assert [each.name for each in tmp_path.iterdir()] == ["chart.html"]


@pytest.mark.parametrize("name", ["chart.png", "nowhere/chart.html", "chart"])
def test_no_page_no_folder(tmp_path: Path, name: str) -> None:
    with pytest.raises(MappingInvalid):
        check_page(tmp_path / name)
