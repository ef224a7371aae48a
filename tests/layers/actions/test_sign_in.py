import uuid
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import jwt
import pytest
from sqlalchemy import text

from layers.actions.accounts import (
    NewAccount,
    add_account,
    disable_account,
    enable_account,
    reset_password,
    sign_out_everywhere,
)
from layers.actions.identify import Identities
from layers.actions.sign_in import Credentials, sign_in
from layers.actions.sign_in_delays import ACCOUNT, ADDRESS, PAIR
from layers.actions.tokens import (
    ACCESS_LIFE,
    KIOSK_LIFE,
    REFRESH_LIFE,
    SESSION_LIFE,
    give_kiosk,
    give_session,
    grant_tokens,
    read_access,
    refresh_tokens,
    revoke_token,
    sign_access,
)
from layers.errors import AccountInvalid, NotAllowed, SignInRefused, SignInTooSoon
from layers.secrets import SigningKeys
from layers.session import Database
from layers.settings import Settings
from layers.viewer import Viewer
from layers.vocabulary import Role
from tests.layers.actions.stored import BAIYUN, BAIYUN_PATH, FIRST, NANYUAN, store_place
from tests.layers.signing_in import NOON, PASSWORD, Counting, quick_hashes

SECOND = timedelta(seconds=1)
FIRST_PATH = f"{BAIYUN_PATH}{FIRST}/"


@pytest.fixture(autouse=True)
def hashes() -> Iterator[Counting]:
    with quick_hashes() as counting:
        yield counting


@pytest.fixture
def place(database: Database) -> Database:
    """A place with a worker, a community's account and an auditor; as it is served."""
    store_place(database)
    add_account(database, NewAccount("worker", Role.WORKER, FIRST), PASSWORD)
    add_account(database, NewAccount("baiyun", Role.COMMUNITY, BAIYUN), PASSWORD)
    add_account(database, NewAccount("auditor", Role.AUDITOR), PASSWORD)
    add_account(database, NewAccount("gone", Role.AUDITOR), PASSWORD)
    disable_account(database, "gone", NOON)
    return Database(database.engine, sessions=database._sessions, service=True)


@pytest.fixture(autouse=True)
def _back(database: Database) -> Iterator[None]:
    yield
    with database.transaction():
        pass  # back to the role of the tests


@pytest.fixture
def keys(tmp_path: Path) -> SigningKeys:
    return SigningKeys(Settings(data_dir=tmp_path / "data"))


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = NOON.timestamp()

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def identities(place: Database, keys: SigningKeys, clock: Clock) -> Identities:
    return Identities(place, keys, clock)


def typed(account: str, password: str = PASSWORD, address: str = "10.0.0.1") -> Credentials:
    return Credentials(account, password, address)


def fail(database: Database, account: str, times: int, address: str = "10.6.6.6") -> None:
    """Guess wrongly, each time as soon as one may."""
    at, failed = NOON - timedelta(minutes=10), 0
    while failed < times:
        try:
            sign_in(database, typed(account, "wrong password", address), at)
        except SignInTooSoon as error:
            at += error.wait_s * SECOND
        except SignInRefused:
            failed += 1


def test_who_signs_in_is_seen_in_the_own_area(place: Database) -> None:
    who = sign_in(place, typed(" Worker "), NOON)
    assert who == Viewer("worker", Role.WORKER, FIRST_PATH)
    assert sign_in(place, typed("auditor"), NOON) == Viewer("auditor", Role.AUDITOR, "")


@pytest.mark.parametrize(
    "given",
    [typed("worker", "wrong"), typed("nobody"), typed("gone"), typed("a\0b"), typed("x" * 5000),
     typed("worker", "x" * 100_000), typed("", "")],
)  # fmt: skip
def test_every_refusal_says_and_does_the_same(
    place: Database, hashes: Counting, given: Credentials
) -> None:
    before = hashes.verified
    with pytest.raises(SignInRefused) as refused:
        sign_in(place, given, NOON)
    assert str(refused.value) == "Name and password don't match an account that may sign in."
    assert hashes.verified == before + 1


def test_guesses_slow_down_whether_or_not_there_is_the_account(
    place: Database, hashes: Counting
) -> None:
    waits = []
    for account in ("worker", "nobody"):
        fail(place, account, PAIR.free, f"10.0.0.{len(waits)}")
        before = hashes.verified
        with pytest.raises(SignInTooSoon, match="Try again in") as slowed:
            sign_in(place, typed(account, address=f"10.0.0.{len(waits)}"), NOON - 10 * 60 * SECOND)
        assert hashes.verified == before  # not even looked at
        waits.append(slowed.value.wait_s)
    assert waits == [1, 1]


def test_an_attacker_elsewhere_does_not_lock_a_colleague_out(place: Database) -> None:
    sign_in(place, typed("worker"), NOON - timedelta(days=3))
    for number in range(3):
        fail(place, "worker", 10, f"10.6.6.{number}")
    assert sign_in(place, typed("worker"), NOON).account == "worker"


def test_nor_does_one_at_the_same_address_who_tries_other_names(place: Database) -> None:
    sign_in(place, typed("worker"), NOON - timedelta(days=3))
    for number in range(ADDRESS.free + 3):
        fail(place, f"name{number}", 1, "10.0.0.1")
    assert sign_in(place, typed("worker"), NOON - 600 * SECOND).account == "worker"
    with pytest.raises(SignInTooSoon):
        sign_in(place, typed("baiyun"), NOON - 600 * SECOND)


def test_no_wait_is_for_ever(place: Database) -> None:
    for number in range(4):
        fail(place, "worker", 8, f"10.6.6.{number}")
    last = NOON + timedelta(minutes=5)
    assert sign_in(place, typed("worker", address="10.9.9.9"), last).account == "worker"
    assert max(ACCOUNT.longest_s, ADDRESS.longest_s, PAIR.longest_s) <= 300


def test_an_ipv6_network_counts_as_one_address(place: Database) -> None:
    for number in range(PAIR.free):
        with pytest.raises(SignInRefused):
            sign_in(place, typed("worker", "wrong", f"2001:db8::{number}"), NOON)
    with pytest.raises(SignInTooSoon):
        sign_in(place, typed("worker", PASSWORD, "2001:db8::ffff"), NOON)


def test_a_success_forgets_the_failures_before_it(place: Database) -> None:
    fail(place, "worker", 4, "10.0.0.1")
    sign_in(place, typed("worker"), NOON)
    with pytest.raises(SignInRefused):
        sign_in(place, typed("worker", "wrong"), NOON + SECOND)
    assert sign_in(place, typed("worker"), NOON + SECOND).account == "worker"


def test_an_access_token_says_who_looks_for_ten_minutes(
    place: Database, keys: SigningKeys, identities: Identities, clock: Clock
) -> None:
    who = sign_in(place, typed("worker"), NOON)
    given = grant_tokens(place, keys, who, NOON)
    assert given.expires_in_s == 600
    assert identities.ask(given.access_token).viewer == who
    found = identities.known(given.access_token)
    assert found is not None
    assert found.viewer == who
    clock.now += 601
    with pytest.raises(SignInRefused, match="expired"):
        identities.known(given.access_token)


def test_a_refresh_token_is_good_once_and_a_second_use_ends_the_family(
    place: Database, keys: SigningKeys, identities: Identities
) -> None:
    first = grant_tokens(place, keys, sign_in(place, typed("worker"), NOON), NOON)
    second = refresh_tokens(place, keys, first.refresh_token, NOON + SECOND)
    third = refresh_tokens(place, keys, second.refresh_token, NOON + 2 * SECOND)
    with pytest.raises(SignInRefused):
        refresh_tokens(place, keys, first.refresh_token, NOON + 3 * SECOND)
    with pytest.raises(SignInRefused):
        refresh_tokens(place, keys, third.refresh_token, NOON + 4 * SECOND)
    with pytest.raises(SignInRefused, match="revoked"):
        identities.ask(third.access_token)


def test_a_family_lives_two_weeks_however_often_it_is_refreshed(
    place: Database, keys: SigningKeys
) -> None:
    given = grant_tokens(place, keys, sign_in(place, typed("worker"), NOON), NOON)
    given = refresh_tokens(place, keys, given.refresh_token, NOON + REFRESH_LIFE - SECOND)
    with pytest.raises(SignInRefused):
        refresh_tokens(place, keys, given.refresh_token, NOON + REFRESH_LIFE)


@pytest.mark.parametrize("way", ["disabled", "reset", "signed out", "revoked", "revoked by access"])
def test_what_was_revoked_ends_within_five_seconds(
    place: Database, database: Database, keys: SigningKeys, identities: Identities, clock: Clock,
    way: str,
) -> None:  # fmt: skip
    who = sign_in(place, typed("worker"), NOON)
    given, session = grant_tokens(place, keys, who, NOON), give_session(place, who, NOON)
    tokens = [given.access_token, session]
    for token in tokens:
        assert identities.ask(token).viewer == who
    if way == "disabled":
        disable_account(database, "worker", NOON)
    elif way == "signed out":
        sign_out_everywhere(database, "worker")
    elif way == "reset":
        reset_password(database, "worker", "another green lamp")
    else:
        revoke_token(place, keys, given.refresh_token if way == "revoked" else tokens[0], NOON)
        revoke_token(place, keys, session, NOON)
    with database.transaction() as rows:  # the tests' clock is not the database's
        rows.execute(text("UPDATE tokens SET revoked_at = :now WHERE revoked_at > :now"),
                     {"now": NOON})  # fmt: skip
    clock.now += 5
    for token in tokens:
        assert identities.known(token) is None
        with pytest.raises(SignInRefused):
            identities.ask(token)
    with pytest.raises(SignInRefused):
        refresh_tokens(place, keys, given.refresh_token, NOON + SECOND)
    if way == "disabled":
        with pytest.raises(SignInRefused):
            sign_in(place, typed("worker"), NOON)
        enable_account(database, "worker")
        assert sign_in(place, typed("worker"), NOON) == who


def test_a_session_lasts_a_working_day(
    place: Database, identities: Identities, clock: Clock
) -> None:
    session = give_session(place, sign_in(place, typed("baiyun"), NOON), NOON)
    assert identities.ask(session).viewer.area == BAIYUN_PATH
    clock.now += SESSION_LIFE.total_seconds()
    with pytest.raises(SignInRefused):
        identities.ask(session)


def test_a_refresh_token_lets_nobody_in_by_itself(
    place: Database, keys: SigningKeys, identities: Identities
) -> None:
    given = grant_tokens(place, keys, sign_in(place, typed("worker"), NOON), NOON)
    with pytest.raises(SignInRefused):
        identities.ask(given.refresh_token)
    session = give_session(place, sign_in(place, typed("worker"), NOON), NOON)
    with pytest.raises(SignInRefused):
        refresh_tokens(place, keys, session, NOON)


def test_a_kiosk_shows_one_chart_of_the_own_area(
    place: Database, database: Database, identities: Identities, clock: Clock
) -> None:
    who = sign_in(place, typed("baiyun"), NOON)
    token, until = give_kiosk(place, who, FIRST, NOON)
    assert until == NOON + KIOSK_LIFE
    found = identities.ask(token)
    assert (found.viewer, found.chart) == (Viewer("baiyun", Role.WALL, FIRST_PATH), FIRST)
    for chart in (NANYUAN, "all"):
        with pytest.raises(NotAllowed):
            give_kiosk(place, who, chart, NOON)
    with pytest.raises(AccountInvalid):
        give_kiosk(place, who, "nowhere", NOON)
    with pytest.raises(NotAllowed):
        give_kiosk(place, sign_in(place, typed("worker"), NOON), FIRST, NOON)
    with pytest.raises(NotAllowed, match="account of this service"):
        give_kiosk(place, Viewer("openid:u1", Role.COMMUNITY, BAIYUN_PATH), FIRST, NOON)
    disable_account(database, "baiyun")
    clock.now += 5
    with pytest.raises(SignInRefused):
        identities.ask(token)


def forged(keys: SigningKeys, **changes: object) -> str:
    begun = int(NOON.timestamp())
    claims = {"iss": "lianxin", "sub": "x", "role": "banner", "area": "", "majors": None,
              "sid": uuid.uuid4().hex, "iat": begun, "exp": begun + 600}  # fmt: skip
    key = keys.newest()
    return jwt.encode(claims | changes, key.bytes, "HS256", headers={"kid": key.kid})


def test_a_token_that_we_did_not_sign_is_none(keys: SigningKeys, tmp_path: Path) -> None:
    assert read_access(keys, forged(keys)).viewer.role is Role.BANNER
    theirs = SigningKeys(Settings(data_dir=tmp_path / "theirs"))
    good = forged(keys)
    head, body, _ = good.split(".")
    unsigned = jwt.encode({"sub": "x", "role": "banner"}, None, "none")
    for token in (
        forged(theirs), f"{head}.{body}.", f"{head}.{body}.AAAA", unsigned, "..", "a.b.c", "",
        forged(keys, iss="another"), forged(keys, role="king"), forged(keys, sid="?"),
        jwt.encode({"sub": "x"}, b"k" * 64, "HS512", headers={"kid": keys.newest().kid}),
        jwt.encode({"sub": "x"}, b"k" * 64, headers={"kid": "../../etc"}),
    ):  # fmt: skip
        with pytest.raises(SignInRefused):
            read_access(keys, token)


def test_rotating_the_keys_signs_nobody_out(keys: SigningKeys) -> None:
    who = Viewer("worker", Role.WORKER, "A/")
    before = sign_access(keys, who, uuid.uuid4(), NOON)
    keys.rotate(ACCESS_LIFE, NOON + SECOND)
    after = sign_access(keys, who, uuid.uuid4(), NOON + SECOND)
    assert read_access(keys, before).viewer == read_access(keys, after).viewer == who
    assert jwt.get_unverified_header(before)["kid"] != jwt.get_unverified_header(after)["kid"]
    keys.rotate(timedelta(seconds=-1), NOON + 2 * SECOND)
    for token in (before, after):
        with pytest.raises(SignInRefused):
            read_access(keys, token)


def test_a_retired_key_makes_no_token_that_lives_longer(keys: SigningKeys) -> None:
    token = forged(keys, exp=int(NOON.timestamp()) + 10**8)
    keys.rotate(ACCESS_LIFE, NOON)
    assert read_access(keys, token).expires_at == (NOON + ACCESS_LIFE).timestamp()


def test_only_hashes_of_secrets_are_stored(place: Database, database: Database,
                                           keys: SigningKeys) -> None:  # fmt: skip
    who = sign_in(place, typed("baiyun"), NOON)
    given = grant_tokens(place, keys, who, NOON)
    secrets = [given.refresh_token, give_session(place, who, NOON),
               give_kiosk(place, who, BAIYUN, NOON)[0], PASSWORD]  # fmt: skip
    with database.transaction() as session:
        rows = [
            str(row)
            for table in ("accounts", "tokens", "sign_in_attempts")
            for row in session.execute(text(f"SELECT to_jsonb(t)::text FROM {table} AS t"))  # noqa: S608
        ]
    assert len(rows) > 7
    assert not [secret for secret in secrets if any(secret[4:] in row for row in rows)]
