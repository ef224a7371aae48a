import json
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from layers.errors import SecretUnusable
from layers.secrets import SigningKeys, secret
from layers.settings import Settings

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
KEPT = timedelta(minutes=10)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path / "data")


def test_a_secret_is_made_once_and_for_its_owner_alone(settings: Settings) -> None:
    made = secret(settings, "blind_index")
    assert len(made) == 32
    assert secret(settings, "blind_index") == made
    assert secret(settings, "other", 48) != made
    file = settings.data_dir / "secrets" / "blind_index"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert sorted(entry.name for entry in file.parent.iterdir()) == ["blind_index", "other"]


def test_the_environment_comes_first(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIANXIN_BLIND_INDEX", "_-" + "A" * 30)
    assert secret(settings, "blind_index") == b"\xff\xe0" + b"\x00" * 22
    assert not (settings.data_dir / "secrets").exists()


@pytest.mark.parametrize("text", ["short", "!" * 40, "+/" * 20, "密" * 40])
def test_a_secret_that_is_none_is_refused_and_not_repeated(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setenv("LIANXIN_BLIND_INDEX", text)
    with pytest.raises(SecretUnusable, match="LIANXIN_BLIND_INDEX must be base64url") as refused:
        secret(settings, "blind_index")
    assert text not in str(refused.value)


def test_a_file_that_others_may_read_is_refused(settings: Settings) -> None:
    secret(settings, "blind_index")
    file = settings.data_dir / "secrets" / "blind_index"
    file.chmod(0o644)
    with pytest.raises(SecretUnusable, match="chmod 600"):
        secret(settings, "blind_index")


def test_a_new_key_signs_and_the_one_before_verifies(settings: Settings) -> None:
    ours, theirs = SigningKeys(settings), SigningKeys(settings)
    first = ours.newest()
    assert theirs.newest() == first
    second = ours.rotate(KEPT, NOON)[0]
    assert [key.kid for key in theirs.all()] == [second.kid, first.kid]
    assert theirs.newest().bytes == second.bytes != first.bytes
    assert theirs.find(first.kid) is not None
    third = ours.rotate(KEPT, NOON + timedelta(minutes=11))[0]
    assert [key.kid for key in theirs.all()] == [third.kid, second.kid]
    assert theirs.find(first.kid) is None


def test_keys_of_the_environment_are_rotated_there(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LIANXIN_SIGNING_KEYS", f"new:{'A' * 43}, old:{'B' * 43}")
    keys = SigningKeys(settings)
    assert keys.newest().kid == "new"
    assert keys.find("old") is not None
    with pytest.raises(SecretUnusable, match="LIANXIN_SIGNING_KEYS"):
        keys.rotate(KEPT)


def test_a_damaged_key_file_is_said_to_be_one(settings: Settings) -> None:
    SigningKeys(settings).newest()
    file = settings.data_dir / "secrets" / "signing_keys"
    assert json.loads(file.read_text())[0]["retired_at"] is None
    file.write_text("{}")
    with pytest.raises(SecretUnusable, match="does not hold signing keys"):
        SigningKeys(settings).newest()
