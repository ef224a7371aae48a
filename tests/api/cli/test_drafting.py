"""Drafts from the command line: uploaded, checked again, discarded."""

from pathlib import Path

import pytest

from layers.errors import EditionNotFound
from layers.session import Database
from tests.api.cli.test_import import as_json, lianxin, read, work, write_grids

__all__ = ["work"]

UPLOAD = ("edition", "upload", "grids.geojson", "--codes", "free")


def test_a_file_becomes_a_draft_is_checked_and_discarded(
    work: Path, fresh_database: Database
) -> None:
    write_grids(work, "A", "B")

    told = as_json(*UPLOAD)
    assert (told["status"], told["grids"], told["errors"], told["rejects"]) == ("checked", 2, 0, [])
    number = str(told["edition"])
    assert as_json(*UPLOAD)["edition"] == told["edition"]  # the same content, the same draft

    assert "lianxin edition publish" in lianxin("edition", "check", number).stdout
    assert "nothing changed" in lianxin("edition", "discard", number).stdout
    assert read(fresh_database, "SELECT count(*) FROM editions") == [(1,)]
    lianxin("edition", "discard", number, "--yes")
    assert read(fresh_database, "SELECT count(*) FROM editions") == [(0,)]


def test_errors_and_rows_that_fell_out_are_told(work: Path) -> None:
    write_grids(work, "A", "B", size=0.02)  # they overlap
    told = as_json(*UPLOAD, status=1)
    assert {finding["rule"] for finding in told["findings"]} == {"overlap"}

    write_grids(work, "A", "")
    told = as_json(*UPLOAD)
    assert [reject["row"] for reject in told["rejects"]] == [2]


def test_there_is_no_such_draft(work: Path) -> None:
    with pytest.raises(EditionNotFound, match="7"):
        lianxin("edition", "check", "7")
