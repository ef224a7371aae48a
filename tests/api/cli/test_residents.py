"""``lianxin import residents`` and ``lianxin keys``, as an operator types them."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from api.cli import app
from layers.session import Database
from tests.layers.actions.made import layer, load, middle, read

ID_NUMBER, PHONE = "150622199001011239", "13812345678"
HEADER = "居民编码,户编码,姓名,性别,出生日期,手机,身份证号,采集依据\n"


@pytest.fixture
def work(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    fresh_database: Database,
    fresh_database_url: str,
) -> Path:
    """A working directory with a file of people, and a database with their home."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LIANXIN_DATABASE_URL", fresh_database_url)
    monkeypatch.setenv("LIANXIN_DATA_DIR", str(tmp_path / "data"))
    load(fresh_database, "households", layer([{"code": "h1"}], [middle(0)]))
    rows = [
        f"r1,h1,王小明,男,1990年1月1日,{PHONE},{ID_NUMBER},本人同意",
        f"r2,h1,李丽,女,1949-12-31,,{ID_NUMBER[:-2]},本人同意",
    ]
    (tmp_path / "people.csv").write_text(HEADER + "\n".join(rows), "utf-8")
    return tmp_path


def lianxin(*words: str, status: int = 0) -> Result:
    result = CliRunner().invoke(app, list(words))
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == status, result.output
    return result


def test_people_are_loaded_and_no_output_repeats_them(work: Path, fresh_database: Database) -> None:
    said = lianxin("import", "residents", "people.csv", "--codes", "free", status=1).output
    rejects = (work / "people.residents.rejects.csv").read_text("utf-8-sig")
    assert rejects.splitlines() == [
        "row,reason", "2,id_number has neither 15 digits nor 17 and a digit or X",
    ]  # fmt: skip
    for secret in ("王小明", "李丽", PHONE, ID_NUMBER[:-2]):
        assert secret not in said + rejects
    assert read(fresh_database, "SELECT code, sex, birth_date::text FROM residents") == [
        ("r1", "male", "1990-01-01")
    ]


def test_keys_are_files_of_their_own_and_rotate(work: Path, fresh_database: Database) -> None:
    lianxin("import", "residents", "people.csv", "--codes", "free", status=1)
    secrets = work / "data" / "secrets"
    before = (secrets / "resident_key").read_text()
    done = json.loads(lianxin("keys", "rotate-residents", "--json").stdout.splitlines()[-1])
    assert done["sealed_count"] == 1
    assert (secrets / "resident_key").read_text() != before
    assert (secrets / "resident_key_former").read_text() == before
    assert {path.stat().st_mode & 0o777 for path in secrets.iterdir()} == {0o600}
    assert read(fresh_database, "SELECT key_id FROM residents") == [(done["key_id"],)]
    again = lianxin("import", "residents", "people.csv", "--codes", "free", status=1)
    assert "不变 1 unchanged" in again.output
