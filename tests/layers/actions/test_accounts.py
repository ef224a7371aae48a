from collections.abc import Iterator

import pytest
from sqlalchemy import text

from layers.actions.accounts import (
    NewAccount,
    add_account,
    any_account,
    demo_accounts,
    disable_account,
    list_accounts,
    nine_accounts,
    reset_password,
)
from layers.actions.seed_reference import seed_reference
from layers.errors import AccountConflict, AccountInvalid, AccountNotFound, PasswordRefused
from layers.session import Database
from layers.vocabulary import Duty, Role
from tests.layers.actions.made import grids, publish
from tests.layers.actions.stored import BAIYUN, BANNER, FIRST, SECOND, STREET, store_place
from tests.layers.signing_in import PASSWORD, quick_hashes


@pytest.fixture(autouse=True)
def _quick() -> Iterator[None]:
    with quick_hashes():
        yield


@pytest.fixture
def place(database: Database) -> Database:
    """Two communities with three grids."""
    store_place(database)
    return database


def test_a_worker_has_a_grid_and_all_five_duties(place: Database) -> None:
    assert not any_account(place)
    made = add_account(place, NewAccount(" Zhang.San ", Role.WORKER, FIRST))
    assert len(made) == 19
    account = list_accounts(place)[0]
    assert (account.name, account.area, account.in_force) == ("zhang.san", FIRST, True)
    assert account.duties == tuple(Duty)
    assert any_account(place)


@pytest.mark.parametrize(
    ("new", "said"),
    [
        (NewAccount("a", Role.WORKER), "needs the code of its grid"),
        (NewAccount("a", Role.WORKER, BAIYUN), "is a community; the role worker is of a grid"),
        (NewAccount("a", Role.STREET, "150622999"), "has the code 150622999"),
        (NewAccount("a", Role.SYSTEM), "is the service's own"),
        (NewAccount("a", Role.DEPARTMENT), "has the majors"),
        (NewAccount("a", Role.DEPARTMENT, majors=("54", "99")), "no major 99"),
        (NewAccount("a", Role.ANALYST, majors=("54",)), "only it has"),
        (NewAccount("a", Role.AUDITOR, duties=(Duty.POLICY,)), "Duties are a worker's"),
        (NewAccount("a/b", Role.AUDITOR), "is no name"),
        (NewAccount("a\0b", Role.AUDITOR), "is no name"),
        (NewAccount("", Role.AUDITOR), "is no name"),
    ],
)
def test_what_does_not_go_together_is_refused(place: Database, new: NewAccount, said: str) -> None:
    with pytest.raises(AccountInvalid, match=said):
        add_account(place, new, PASSWORD)
    assert list_accounts(place) == []


def test_a_name_is_taken_for_good(place: Database) -> None:
    add_account(place, NewAccount("li", Role.AUDITOR), PASSWORD)
    disable_account(place, "LI")
    with pytest.raises(AccountConflict):
        add_account(place, NewAccount("Li", Role.ANALYST), PASSWORD)
    assert list_accounts(place)[0].disabled_at is not None
    with pytest.raises(AccountNotFound, match="lianxin user list"):
        disable_account(place, "nobody")


def test_a_weak_password_makes_no_account(place: Database) -> None:
    with pytest.raises(PasswordRefused):
        add_account(place, NewAccount("a", Role.AUDITOR), "password1234")
    add_account(place, NewAccount("a", Role.AUDITOR), PASSWORD)
    with pytest.raises(PasswordRefused):
        reset_password(place, "a", "123456789012")


def test_nine_accounts_are_shared_out_over_the_grids(place: Database) -> None:
    made = nine_accounts(place, BAIYUN)
    assert [new.area for new, _ in made] == [FIRST, SECOND] * 4 + [FIRST]
    assert made[8][0].name == f"{BAIYUN}-9"
    assert len({password for _, password in made}) == 9
    with pytest.raises(AccountConflict):
        nine_accounts(place, BAIYUN)
    with pytest.raises(AccountInvalid, match="has the code"):
        nine_accounts(place, "150622003999")


def test_the_demo_has_an_account_a_role_in_the_fullest_community(place: Database) -> None:
    demo_accounts(place, PASSWORD)
    made = {account.name: account for account in list_accounts(place)}
    assert set(made) == {str(role) for role in Role} - {"system"}
    areas = [made[name].area for name in ("worker", "community", "street", "banner", "wall")]
    assert areas == [FIRST, BAIYUN, STREET, BANNER, None]
    assert made["department"].majors == ("54",)
    assert len(demo_accounts(place, PASSWORD)) == 9
    assert len(list_accounts(place)) == 9


def test_an_account_follows_its_code_and_says_when_that_is_gone(database: Database) -> None:
    seed_reference(database)
    publish(database, grids("AB"))
    add_account(database, NewAccount("w", Role.WORKER, "A"), PASSWORD)
    publish(database, grids("BC"))
    assert not list_accounts(database)[0].in_force


def test_no_password_is_stored(place: Database) -> None:
    add_account(place, NewAccount("a", Role.AUDITOR), PASSWORD)
    with place.transaction() as session:
        row = session.execute(text("SELECT to_jsonb(a)::text FROM accounts AS a")).scalar_one()
    assert PASSWORD not in row
    assert "$argon2id$" in row
