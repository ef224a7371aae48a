import csv
import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
import shapely
from typer.testing import CliRunner, Result

from api.cli import app
from layers.errors import (
    EditionHasErrors,
    InstantInvalid,
    LayerRefused,
    MappingInvalid,
    NoEditionInForce,
)
from layers.session import Database
from tests.layers.actions.made import middle, read, square

GUIDE = Path(__file__).parents[3] / "docs" / "guide"
GRIDS = ("import", "grids", "grids.geojson", "--codes", "free")


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fresh_database_url: str) -> Path:
    """An empty working directory, and the database of the test's own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LIANXIN_DATABASE_URL", fresh_database_url)
    return tmp_path


def lianxin(*words: str, status: int = 0) -> Result:
    result = CliRunner().invoke(app, list(words))
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == status, result.output
    return result


def as_json(*words: str, status: int = 0) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(lianxin(*words, "--json", status=status).stdout)
    return answer


def write_grids(folder: Path, *codes: str, size: float = 0.01) -> None:
    features = [
        {
            "type": "Feature",
            "properties": {"code": code},
            "geometry": json.loads(json.dumps(square(n, size=size).__geo_interface__)),
        }
        for n, code in enumerate(codes)
    ]
    collection = {"type": "FeatureCollection", "features": features}
    (folder / "grids.geojson").write_text(json.dumps(collection))


def write_csv(path: Path, *rows: dict[str, object]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def _halves(shape: shapely.Polygon) -> tuple[tuple[float, ...], tuple[float, ...]]:
    west, south, east, north = shape.bounds
    middle_lon = (west + east) / 2
    return (west, south, middle_lon, north), (middle_lon, south, east, north)


def test_a_place_is_loaded_from_its_files(work: Path, fresh_database: Database) -> None:
    write_grids(work, "1", "2")
    point = middle(0)
    write_csv(work / "cases.csv", {"id": "a", "lon": point.x, "lat": point.y, "when": "2026-01-02"})

    grids = lianxin(*GRIDS, "--publish")
    flags = ("--datum", "wgs84", "--map", "source_id=id", "--map", "occurred_at=when")
    cases = lianxin("import", "cases", "cases.csv", *flags, "--set", "category=60099")

    assert "新增 2 inserted" in grids.stdout
    assert "edition 1 is in force" in grids.stdout
    assert "新增 1 inserted" in cases.stdout
    assert "格内 · inside one grid" in cases.stdout
    assert read(fresh_database, "SELECT grid_code, source FROM cases") == [("1", "cases")]


def test_the_same_command_again_changes_nothing_and_says_so(work: Path) -> None:
    write_grids(work, "1", "2")
    first = as_json(*GRIDS, "--publish")

    again = as_json(*GRIDS, "--publish")

    assert (first["inserted"], first["published"]["edition"]) == (2, 1)
    assert (again["inserted"], again["unchanged"], again["published"]) == (0, 2, None)
    assert again["edition"] == 1


def test_rejected_rows_go_to_a_file_with_their_reason(work: Path) -> None:
    write_csv(
        work / "places.csv",
        {"code": "150622", "name": "准格尔旗"},
        {"code": "x", "name": "坏"},
    )

    answer = as_json("import", "areas", "places.csv", status=1)

    assert (answer["inserted"], answer["rejected"]) == (1, 1)
    assert answer["rejects_file"] == "places.areas.rejects.csv"
    with (work / "places.areas.rejects.csv").open(encoding="utf-8-sig", newline="") as file:
        (row,) = csv.DictReader(file)
    assert (row["row"], row["code"], row["name"]) == ("2", "x", "坏")
    assert "6, 9 or 12 digits" in row["reason"]


def test_a_household_whose_coordinates_are_no_numbers_is_told_which(work: Path) -> None:
    write_csv(
        work / "homes.csv",
        {"code": "h1", "lon": "abc", "lat": 39.9},
        {"code": "h2", "lon": 111.2, "lat": ""},
        {"code": "h3", "lon": 111.2, "lat": 39.9},
    )

    lianxin("import", "households", "homes.csv", "--codes", "free", "--datum", "wgs84", status=1)

    with (work / "homes.households.rejects.csv").open(encoding="utf-8-sig", newline="") as file:
        first, second = (row["reason"] for row in csv.DictReader(file))
    assert "lon is “abc”, no number" in first
    assert "lat is empty" in second


def test_the_rejects_file_can_be_named(work: Path) -> None:
    write_csv(work / "places.csv", {"code": "x", "name": "坏"})

    lianxin("import", "areas", "places.csv", "--rejects", "bad.csv", status=1)

    assert (work / "bad.csv").exists()


def test_findings_are_printed_with_their_place_and_stop_the_publishing(work: Path) -> None:
    write_grids(work, "1", "2", size=0.012)

    result = lianxin(*GRIDS, "--publish", status=1)

    assert "错误 error [overlap]" in result.stdout
    assert "@ 111.2" in result.stdout
    assert "lianxin edition publish 1 --yes --accept-findings" in result.stdout
    with pytest.raises(EditionHasErrors):
        lianxin("edition", "publish", "1", "--yes")
    assert "[overlap]" in lianxin("edition", "publish", "1", status=1).stdout
    shown = lianxin("edition", "show", "1", status=1)
    assert "[overlap]" in shown.stdout

    lianxin("edition", "publish", "1", "--yes", "--accept-findings", "surveyed so")

    (listed,) = json.loads(lianxin("edition", "list", "--json").stdout)
    assert (listed["status"], listed["override_reason"]) == ("published", "surveyed so")
    assert "接受原因 accepted because: surveyed so" in lianxin("edition", "show", "1").stdout


def test_publishing_is_a_dry_run_until_told_otherwise_and_can_be_gone_back_on(work: Path) -> None:
    write_grids(work, "1", "2")
    lianxin(*GRIDS, "--publish")
    write_grids(work, "8", "9")
    lianxin(*GRIDS)

    told = lianxin("edition", "publish", "2").stdout
    assert "dry run, nothing changed" in told
    assert "lianxin edition publish 2 --yes" in told
    assert as_json("edition", "publish", "2") == {
        "dry_run": True, "edition": 2, "in_force": 1, "buildings": 0, "households": 0, "cases": 0,
        "errors": 0,
    }  # fmt: skip
    assert as_json("edition", "list")[0]["status"] == "checked"
    lianxin("edition", "publish", "2", "--yes")

    assert "lianxin edition publish 3 --yes" in lianxin("edition", "restore", "1").stdout
    lianxin("edition", "publish", "3", "--yes")
    editions = as_json("edition", "list")
    assert [each["status"] for each in editions] == ["published", "superseded", "superseded"]


def test_an_edition_of_the_past_says_since_when_it_held(work: Path) -> None:
    write_grids(work, "1", "2")
    lianxin(*GRIDS)
    with pytest.raises(InstantInvalid, match="no date or time"):
        lianxin("edition", "publish", "1", "--valid-from", "long ago")
    lianxin("edition", "publish", "1", "--yes", "--valid-from", "1959-01-01")
    (edition,) = as_json("edition", "list")
    assert edition["valid_from"] == "1958-12-31T16:00:00+00:00"


def test_a_rare_finding_is_not_crowded_out_by_a_frequent_one(work: Path) -> None:
    outlines = [(f"twin-{n}", square(n)) for n in range(30) for _ in "ab"]
    outlines += [("cut", shapely.box(*piece)) for piece in _halves(square(40))]
    features = [
        {"type": "Feature", "properties": {"code": f"{code}-{n}" if code != "cut" else code},
         "geometry": shapely.geometry.mapping(outline)}
        for n, (code, outline) in enumerate(outlines)
    ]  # fmt: skip
    collection = {"type": "FeatureCollection", "features": features}
    (work / "houses.geojson").write_text(json.dumps(collection))

    shown = lianxin("import", "buildings", "houses.geojson", "--codes", "free", status=1).stdout

    assert "[cut_building]" in shown
    assert shown.count("[duplicate_geometry]") == 19
    assert "11 more; --json" in shown
    assert "duplicate_geometry 30, cut_building 1" in shown


def test_a_mapping_comes_from_a_file_and_flags_override_it(
    work: Path, fresh_database: Database
) -> None:
    write_csv(work / "places.csv", {"Nr": "7", "A": "a", "B": "b", "Art": "N"})
    (work / "map.toml").write_text(
        '[columns]\ncode = "Nr"\nname = "A"\nlevel = "Art"\n[values.level]\nN = "community"\n'
    )

    flags = ("--codes", "free", "--mapping", "map.toml", "--map", "name=B")
    lianxin("import", "areas", "places.csv", *flags)

    assert read(fresh_database, "SELECT code, name, level FROM areas") == [("7", "b", "community")]


def test_wrong_use_says_what_would_be_right(work: Path) -> None:
    write_csv(work / "c.csv", {"id": 1, "lon": 1, "lat": 2, "day": "04/05/2018"})
    flags = ("import", "cases", "c.csv", "--datum", "wgs84", "--set", "category=60099")

    assert "none of areas, grids" in lianxin("import", "streets", "c.csv", status=2).output
    assert "for grids only" in lianxin(*flags, "--publish", status=2).output
    with pytest.raises(NoEditionInForce):
        lianxin(*flags)
    with pytest.raises(MappingInvalid, match="not a time zone"):
        lianxin(*flags, "--timezone", "Mars/Base")
    with pytest.raises(LayerRefused, match="--date-order"):
        lianxin(*flags, "--map", "occurred_at=day")


def test_progress_is_a_line_a_step_where_nobody_watches(work: Path) -> None:
    write_grids(work, "1")

    result = lianxin(*GRIDS)

    assert "checking the coverage 1 rows …" in result.stderr
    assert "\r" not in result.stderr


def test_before_anything_is_loaded_the_list_says_how_to_begin(work: Path) -> None:
    assert "lianxin import grids FILE" in lianxin("edition", "list").stdout


@pytest.mark.parametrize("guide", ["import.md", "import.zh-CN.md"])
def test_the_guide_shows_the_mapping_that_lies_beside_it(guide: str) -> None:
    shown = (GUIDE / guide).read_text(encoding="utf-8").split("```toml\n")[1].split("```")[0]
    beside = (GUIDE / "baltimore.toml").read_text(encoding="utf-8")
    assert tomllib.loads(shown) == tomllib.loads(beside)


@pytest.mark.real
def test_baltimore_by_the_commands_of_the_guide(
    work: Path, shared_data: Path, fresh_database: Database
) -> None:
    areas = f"{shared_data}/cases/baltimore_areas_epsg2804.gpkg:council_districts"
    lianxin("import", "grids", areas, "--map", "code=id", "--codes", "free", "--publish")

    answer = as_json(
        "import", "cases", f"{shared_data}/cases/baltimore_311_2018.csv", "--datum", "wgs84",
        "--timezone", "America/New_York", "--mapping", str(GUIDE / "baltimore.toml"),
    )  # fmt: skip

    assert (answer["inserted"], answer["rejected"]) == (10_000, 0)
    assert answer["rules"]["unplaced"] == 590
    assert sum(answer["rules"].values()) == 10_000
    open_cases = "SELECT count(*) FROM cases WHERE state NOT IN ('closed', 'duplicate')"
    assert read(fresh_database, open_cases) == [(198,)]
