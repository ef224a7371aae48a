"""The auditor tells holes from silence."""

import subprocess
from typing import Any

import pytest

from tests import audit

REPORT = """{"dependencies": [
 {"name": "a", "version": "1.0", "vulns": []},
 {"name": "b", "version": "2.0", "vulns": [{"id": "PYSEC-1", "fix_versions": ["2.1"]}]}],
 "fixes": []}"""


def answers(output: str) -> Any:
    return lambda *_args, **_options: subprocess.CompletedProcess([], 1, output, "no route to host")


def test_a_hole_is_told_and_fails(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(subprocess, "run", answers(REPORT))
    assert audit.main("requirements.lock") == 1
    assert "b 2.0: PYSEC-1; mended in 2.1" in capsys.readouterr().out
    monkeypatch.setattr(audit, "EXPLAINED", {"PYSEC-1": "we never call it"})
    assert audit.main("requirements.lock") == 0


def test_silence_is_told_and_is_no_failure(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(subprocess, "run", answers(""))
    assert audit.main("requirements.lock") == 0
    assert "SKIPPED, not audited" in capsys.readouterr().out

    def hangs(*_args: Any, **options: Any) -> None:
        raise subprocess.TimeoutExpired("pip-audit", options["timeout"])

    monkeypatch.setattr(subprocess, "run", hangs)
    assert audit.main("requirements.lock") == 0
