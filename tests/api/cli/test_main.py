"""The command line as a whole: its help, its exit statuses, and that errors are one line."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

HEAVY = ("geopandas", "pandas", "sqlalchemy", "fastapi", "uvicorn", "folium", "pyogrio", "alembic")


def run(*words: str, **more: str) -> "subprocess.CompletedProcess[str]":
    environment = {k: v for k, v in os.environ.items() if not k.startswith("LIANXIN_")}
    return subprocess.run(
        [sys.executable, "-c", "import api.cli; api.cli.main()", *words],
        env={**environment, "COLUMNS": "100", **more},
        capture_output=True,
        text=True,
        check=False,
    )


def test_help_names_every_command_under_its_heading() -> None:
    said = run("--help").stdout
    for word in ("demo", "serve", "settings", "db", "import", "edition", "route", "chart"):
        assert re.search(rf"^│ {word} ", said, re.MULTILINE), word
    headings = [said.index(heading) for heading in ("Start", "Load and check", "Find and show")]
    assert headings == sorted(headings)


def test_command_line_loads_nothing_heavy_before_a_command_needs_it() -> None:
    program = f"import sys, api.cli; print([m for m in {HEAVY!r} if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_wrong_word_is_status_2() -> None:
    assert run("serv").returncode == 2
    assert run("serve", "--port", "0").returncode == 2


def test_error_is_one_line_and_status_2() -> None:
    done = run("settings", LIANXIN_PORT="http")
    assert done.returncode == 2
    assert done.stdout == ""
    assert re.fullmatch(r"lianxin: LIANXIN_PORT is 'http'.*\n", done.stderr)


@pytest.mark.parametrize("words", [("--debug", "settings"), ("settings", "--debug")])
def test_debug_shows_where_it_arose(words: tuple[str, ...]) -> None:
    done = run(*words, LIANXIN_PORT="http")
    assert done.returncode != 0
    assert "Traceback" in done.stderr
    assert "SettingsInvalid" in done.stderr


def test_settings_are_listed_without_the_password(tmp_path: Path) -> None:
    url = "postgresql://li:mi@ma@db/grid"
    done = run("settings", "--json", LIANXIN_DATABASE_URL=url, LIANXIN_DATA_DIR=str(tmp_path))
    lines = {line["variable"]: line for line in json.loads(done.stdout)}
    assert lines["LIANXIN_DATABASE_URL"]["value"] == "postgresql://li:***@db/grid"
    assert lines["LIANXIN_DATA_DIR"] == {
        "name": "data_dir",
        "variable": "LIANXIN_DATA_DIR",
        "value": str(tmp_path),
        "source": "environment",
        "meaning": "私有数据库和网格索引快照所在目录 · "
        "the folder of the private database, and of snapshots of the grids' index",
    }
    assert "ma@db" not in run("settings", LIANXIN_DATABASE_URL=url).stdout


def test_version_is_the_projects() -> None:
    assert re.fullmatch(r"lianxin \d+\.\d+\.\d+\n", run("--version").stdout)


def test_nobody_is_told_to_upgrade_what_is_not_ours(empty_database_url: str) -> None:
    with psycopg.connect(empty_database_url.replace("+psycopg", "")) as connection:
        connection.execute("CREATE TABLE grids (id int)")
    done = run("db", "status", LIANXIN_DATABASE_URL=empty_database_url)
    assert done.returncode == 1
    assert "not known to this version" in done.stdout
    assert "lianxin db upgrade" not in done.stdout


def test_database_is_upgraded_and_tells_its_state(empty_database_url: str) -> None:
    settings = {"LIANXIN_DATABASE_URL": empty_database_url}
    done = run("db", "status", "--json", **settings)
    assert done.returncode == 1
    assert json.loads(done.stdout)["schema"]["state"] == "empty"
    assert "lianxin db upgrade" in run("db", "status", **settings).stdout

    done = run("db", "upgrade", "--json", **settings)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["steps"]
    assert report["reference"]["inserted"] > 50  # categories, statuses

    done = run("db", "status", "--json", **settings)
    assert done.returncode == 0
    assert json.loads(done.stdout)["schema"]["state"] == "current"
    done = run("db", "upgrade", "--json", **settings)
    assert json.loads(done.stdout) == {"steps": [], "reference": {"inserted": 0, "updated": 0}}
