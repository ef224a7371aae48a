"""``lianxin user`` and ``lianxin keys``."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from api.cli import app
from api.cli.serving import _hint_at_the_first_account
from layers.actions.sign_in import Credentials, sign_in
from layers.errors import AccountInvalid, AccountNotFound, SignInRefused
from layers.session import Database
from tests.layers.actions.stored import BAIYUN, FIRST, store_place
from tests.layers.signing_in import NOON, PASSWORD, quick_hashes


@pytest.fixture
def place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fresh_database_url: str,
    fresh_database: Database,
) -> Iterator[Database]:  # fmt: skip
    """A place of the test's own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LIANXIN_DATABASE_URL", fresh_database_url)
    store_place(fresh_database)
    with quick_hashes():
        yield fresh_database


def lianxin(*words: str, given: str | None = None) -> Result:
    result = CliRunner().invoke(app, list(words), input=given)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result


def may_sign_in(database: Database, account: str, password: str) -> bool:
    try:
        sign_in(database, Credentials(account, password, f"10.0.0.{len(password)}"), NOON)
    except SignInRefused:
        return False
    return True


def test_an_account_from_its_making_to_its_end(place: Database) -> None:
    assert "lianxin user add NAME --role administrator" in lianxin("user", "list").stdout
    made = lianxin("user", "add", "zhang", "--role", "worker", "--area", FIRST, "--json").stdout
    password = json.loads(made)[0]["password"]
    assert may_sign_in(place, "zhang", password)
    words = ("user", "add", "li", "--role", "department", "--majors", "53，54", "--password-stdin")
    assert PASSWORD not in lianxin(*words, given=f"{PASSWORD}\n").stdout
    assert may_sign_in(place, "li", PASSWORD)
    listed = {row["name"]: row for row in json.loads(lianxin("user", "list", "--json").stdout)}
    assert listed["li"]["majors"] == ["53", "54"]
    assert listed["zhang"]["duties"] == [
        "collector", "service", "hazard", "mediation", "policy",
    ]  # fmt: skip
    lianxin("user", "disable", "zhang")
    assert not may_sign_in(place, "zhang", password)
    assert "已停用 disabled" in lianxin("user", "list").stdout
    lianxin("user", "enable", "zhang")
    assert "已全部退出 signed out" in lianxin("user", "sign-out", "zhang").stdout
    assert may_sign_in(place, "zhang", password)
    again = json.loads(lianxin("user", "reset", "zhang", "--json").stdout)["password"]
    assert not may_sign_in(place, "zhang", password)
    assert may_sign_in(place, "zhang", again)


def test_the_service_says_how_to_make_the_first_account(
    place: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    _hint_at_the_first_account(place)
    assert "lianxin user add NAME --role administrator" in capsys.readouterr().out
    lianxin("user", "add", "boss", "--role", "administrator")
    _hint_at_the_first_account(place)
    assert capsys.readouterr().out == ""


def test_nine_accounts_are_printed_with_their_passwords_once(place: Database) -> None:
    said = lianxin("user", "nine", BAIYUN).stdout
    assert said.count("密码 password:") == 9
    assert "shown this once" in said
    assert lianxin("user", "list").stdout.count("worker") == 9


def test_what_cannot_be_is_said_in_words(place: Database) -> None:
    with pytest.raises(AccountInvalid, match="There is no role king; there are: worker"):
        lianxin("user", "add", "a", "--role", "king")
    with pytest.raises(AccountInvalid, match="There are these duties: collector"):
        lianxin("user", "add", "a", "--role", "worker", "--area", FIRST, "--duties", "spy")
    with pytest.raises(AccountNotFound):
        lianxin("user", "disable", "nobody")


def test_keys_are_rotated_and_never_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIANXIN_DATA_DIR", str(tmp_path / "data"))
    first = json.loads(lianxin("keys", "list", "--json").stdout)
    assert len(first) == 1
    second = json.loads(lianxin("keys", "rotate", "--json").stdout)
    assert [key["kid"] for key in second][1:] == [first[0]["kid"]]
    said = lianxin("keys", "rotate", "--at-once").stdout
    assert "签发中 signs" in said
    assert len(said.splitlines()) == 1
    kept = json.loads((tmp_path / "data" / "secrets" / "signing_keys").read_text())
    assert kept[0]["text"] not in said
