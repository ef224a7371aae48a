"""``lianxin audit``: list, seal, verify, unusual."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from api.cli import app
from layers.actions.audit import Act, AuditEntry, record_apart
from layers.errors import AuditBroken
from layers.session import Database


@pytest.fixture(autouse=True)
def _here(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    fresh_database_url: str,
    fresh_database: Database,
) -> None:
    """A data folder and a database of the test's own, with two acts."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LIANXIN_DATABASE_URL", fresh_database_url)
    monkeypatch.setenv("LIANXIN_DATA_DIR", str(tmp_path / "data"))
    for number in range(2):
        record_apart(
            fresh_database, AuditEntry(Act.UNMASK, "resident", f"R{number}", fields=("phone",))
        )


def lianxin(*words: str, status: int = 0) -> Result:
    result = CliRunner().invoke(app, ["audit", *words])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == status, result.output
    return result


def as_json(*words: str, status: int = 0) -> Any:
    return json.loads(lianxin(*words, "--json", status=status).stdout)


def test_the_acts_are_listed_and_filtered() -> None:
    assert [act["object_code"] for act in as_json("list")] == ["R1", "R0"]
    assert [act["object_code"] for act in as_json("list", "--object", "resident/R0")] == ["R0"]
    assert as_json("list", "--until", "2020-01-01") == []
    shown = lianxin("list", "--limit", "1").stdout
    assert "system (system)  unmask resident R1  phone  local:" in shown
    assert "there are earlier ones" in shown
    assert "nothing of the kind" in lianxin("list", "--account", "bai").stdout


def test_sealing_and_verifying(tmp_path: Path) -> None:
    assert "not sealed yet, nothing is proved of 2 rows (1–2)" in lianxin("verify").stdout
    assert as_json("seal") == {"blocks": [1], "rows": 2}
    assert "nothing to seal" in lianxin("seal").stdout
    secrets = tmp_path / "data" / "secrets"
    assert secrets.stat().st_mode & 0o777 == 0o700
    kept = {path.name: path.stat().st_mode & 0o777 for path in secrets.iterdir()}
    assert kept == {"audit_key": 0o600, "audit_last_seal": 0o600}
    report = as_json("verify")
    assert (report["whole"], report["row_count"], report["unsealed"]) == (True, 2, None)
    assert "the audit is whole: 1 block, 2 rows" in lianxin("verify").stdout


def test_a_changed_row_is_told_and_the_exit_status_is_1(fresh_database: Database) -> None:
    lianxin("seal")
    with fresh_database.raw() as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute("UPDATE audit SET account = 'another' WHERE id = 2")
    shown = lianxin("verify", status=1).stdout
    assert "第 1 块第 2 行被改动" in shown
    assert "Block 1: row 2 was changed" in shown
    assert [fault["row"] for fault in as_json("verify", status=1)["faults"]] == [2]


def test_another_key_proves_nothing_and_that_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    lianxin("seal")
    monkeypatch.setenv("LIANXIN_AUDIT_KEY", "A" * 43)
    assert "Put the former audit_key back" in lianxin("verify", status=1).stdout


def test_a_cut_end_is_accepted_only_with_a_reason(fresh_database: Database) -> None:
    lianxin("seal")
    with fresh_database.raw() as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute("DELETE FROM audit_seals")
    assert "Block 1 is gone" in lianxin("verify", status=1).stdout
    with pytest.raises(AuditBroken, match="--accept-loss"):
        lianxin("seal")
    lianxin("seal", "--accept-loss", " ", status=2)
    lianxin("seal", "--accept-loss", "restored after the disk failed")
    assert as_json("list", "--action", "accept-loss")[0]["purpose"].startswith("restored")


def test_unusual_reads() -> None:
    assert "nothing unusual" in lianxin("unusual").stdout
    assert as_json("unusual", "--since", "2026-01-01", "--until", "2026-02-01")["findings"] == []
    lianxin("unusual", "--since", "2999-01-01", status=2)
