"""The residents' register: sealed, seen by area, unmasked for a purpose, limited, recorded."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from uuid import UUID, uuid4

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from layers.actions import resident_file, residents, unmask
from layers.actions.audit import AuditEntry
from layers.actions.residents import Wanted, find_residents, list_residents, show_resident
from layers.actions.rotate_keys import rotate_residents
from layers.actions.seed_reference import seed_reference
from layers.actions.unmask import Unmasking
from layers.errors import (
    CursorInvalid,
    KeyMissing,
    ReadingRefused,
    ResidentNotFound,
    SealBroken,
    TooManyReadings,
)
from layers.policy import PersonField
from layers.sealing import Keys, load_keys, replace_key
from layers.session import Database
from layers.settings import Settings
from layers.viewer import SYSTEM, Viewer, seen_by
from layers.vocabulary import Purpose, Role
from tests.layers.actions.made import FREE, grids, layer, load, middle, publish, read

ID_NUMBER = "150622199001011239"
OLD_NUMBER = "150622650102123"
PHONE = "13812345678"
WORKER = Viewer("worker-a", Role.WORKER, "A/")
COMMUNITY = Viewer("community-a", Role.COMMUNITY, "A/")
NEIGHBOUR = Viewer("worker-b", Role.WORKER, "B/")

ROWS = [
    {"code": "r1", "household_code": "h", "name": "王小明", "sex": "男", "birth_date": "1990-01-01",
     "phone": PHONE, "id_number": ID_NUMBER, "basis": "本人同意"},
    {"code": "r2", "household_code": "h", "name": "欧阳娜", "sex": "女", "birth_date": "1965-01-02",
     "phone": "0477-8521234", "id_number": OLD_NUMBER, "basis": "本人同意"},
    {"code": "r3", "household_code": "i", "name": "Bateer", "sex": None, "birth_date": None,
     "phone": None, "id_number": None, "basis": "法定职责"},
]  # fmt: skip


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path / "data")


@pytest.fixture
def keys(settings: Settings) -> Keys:
    return load_keys(settings)


@pytest.fixture
def register(database: Database, keys: Keys) -> Database:
    """A home in each of two grids, and people in them; an operator's database."""
    publish(database, grids("AB"))
    load(database, "households", layer([{"code": c} for c in "hi"], [middle(0), middle(1)]))
    report = load(database, "residents", layer(ROWS), replace(FREE, keys=keys))
    assert (report.inserted, report.rejects) == (3, ())
    return database


@pytest.fixture
def served(register: Database) -> Iterator[Database]:
    """The same as it is served to others."""
    yield Database(register.engine, sessions=register._sessions, service=True)
    with register.transaction():
        pass  # back to the role of the tests


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[AuditEntry]:
    entries: list[AuditEntry] = []

    def note(session: Session, entry: AuditEntry) -> None:
        assert session.in_transaction()
        entries.append(entry)

    for module in (residents, unmask):
        monkeypatch.setattr(module, "record", note)
    return entries


def number_of(database: Database, code: str) -> UUID:
    with seen_by(SYSTEM):
        found = read(database, "SELECT id FROM residents WHERE code = :code", code=code)[0][0]
    assert isinstance(found, UUID)
    return found


def asking(resident: UUID, *fields: PersonField) -> Unmasking:
    return Unmasking(resident, fields or (PersonField.PHONE,), Purpose.VISIT, "入户走访核对电话")


def the_list(database: Database, settings: Settings, who: Viewer | None) -> list[str]:
    with seen_by(who):
        page = list_residents(database, settings, Wanted(), limit=10)
    return sorted(each["code"] for each in page.residents)


def test_the_list_is_masked_and_of_the_own_area(served: Database, settings: Settings) -> None:
    with seen_by(WORKER):
        page = list_residents(served, settings, Wanted(), limit=10)
    shown = {each["code"]: each for each in page.residents}
    assert sorted(shown) == ["r1", "r2"]
    assert (shown["r1"]["name"], shown["r1"]["phone"]) == ("王**", "138****5678")
    assert (shown["r2"]["name"], shown["r2"]["phone"]) == ("欧阳**", "047****1234")
    assert shown["r1"]["id_number"] == "****1239"
    assert shown["r1"]["age_band"] == "35-59"
    assert "birth_date" not in shown["r1"]
    assert not [name for name in shown["r1"] if "sealed" in name or "index" in name]


@pytest.mark.parametrize("role", [r for r in Role if r not in {"worker", "community", "system"}])
def test_no_other_role_sees_any_resident(served: Database, settings: Settings, role: Role) -> None:
    assert the_list(served, settings, Viewer("x", role, "")) == []


def test_an_operators_database_shows_no_more_to_a_viewer(
    register: Database, settings: Settings
) -> None:
    assert the_list(register, settings, NEIGHBOUR) == ["r3"]
    assert the_list(register, settings, Viewer("s", Role.STREET, "")) == []


def test_nobody_reads_of_nobody(served: Database, settings: Settings) -> None:
    with pytest.raises(ReadingRefused, match="signed in"):
        the_list(served, settings, None)


def test_pages_follow_one_another(served: Database, settings: Settings) -> None:
    with seen_by(COMMUNITY):
        first = list_residents(served, settings, Wanted(household="h"), limit=1)
        second = list_residents(served, settings, Wanted(), limit=1, cursor=first.next_cursor)
        with pytest.raises(CursorInvalid):
            list_residents(served, settings, Wanted(), limit=1, cursor="AAAA")
    codes = [first.residents[0]["code"], second.residents[0]["code"]]
    assert (sorted(codes), second.next_cursor) == (["r1", "r2"], None)


def test_below_the_api_a_neighbours_resident_is_not_there(served: Database) -> None:
    with seen_by(NEIGHBOUR):
        assert read(served, "SELECT code FROM residents WHERE code = 'r1' OR true") == [("r3",)]
        assert read(served, "SELECT count(*) FROM readings") == [(0,)]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE residents SET path = 'B/'",
        "UPDATE residents SET household_code = 'i'",
        "DELETE FROM residents",
        "DELETE FROM readings",
        "UPDATE readings SET account = 'another'",
    ],
)
def test_a_worker_changes_no_register(served: Database, settings: Settings, statement: str) -> None:
    with seen_by(WORKER):
        unmask.unmask(served, settings, asking(number_of(served, "r1")))
    with seen_by(WORKER), served.transaction() as session:
        assert session.execute(text(statement)).rowcount == 0  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO residents (code, household_code, name, basis, source)"
        " VALUES ('z', 'h', 'x', 'x', 'x')",
        "INSERT INTO readings (account, kind, fields) VALUES ('another', 'search', '{}')",
        "INSERT INTO readings (role, kind, fields) VALUES ('auditor', 'search', '{}')",
    ],
)
def test_a_worker_adds_nothing_in_anothers_name(served: Database, statement: str) -> None:
    with (
        seen_by(WORKER),
        pytest.raises(DBAPIError) as refused,
        served.transaction() as session,
    ):
        session.execute(text(statement))
    assert isinstance(refused.value.orig, psycopg.errors.InsufficientPrivilege)


def test_a_resident_follows_the_household_into_another_grid(
    served: Database, settings: Settings
) -> None:
    with seen_by(SYSTEM), served.transaction() as session:
        session.execute(text("UPDATE households SET grid_code = 'B', path = 'B/' WHERE code = 'h'"))
    assert the_list(served, settings, WORKER) == []
    assert the_list(served, settings, NEIGHBOUR) == ["r1", "r2", "r3"]


def test_unmasking_tells_the_field_and_is_recorded(
    served: Database, settings: Settings, told: list[AuditEntry]
) -> None:
    number = number_of(served, "r1")
    with seen_by(WORKER):
        fields = unmask.unmask(
            served, settings, asking(number, PersonField.PHONE, PersonField.ID_NUMBER)
        )
    assert fields == {"phone": PHONE, "id_number": ID_NUMBER}
    assert [(e.action, e.object_code, e.purpose, e.fields, e.count) for e in told] == [
        ("unmask", str(number), "visit: 入户走访核对电话", ("phone", "id_number"), 1)
    ]
    with seen_by(COMMUNITY):
        assert read(served, "SELECT account, role, kind, fields FROM readings") == [
            ("worker-a", "worker", "unmask", ["phone", "id_number"])
        ]
    with seen_by(NEIGHBOUR):
        assert read(served, "SELECT count(*) FROM readings") == [(0,)]


@pytest.mark.parametrize(
    ("who", "error"),
    [
        (NEIGHBOUR, ResidentNotFound),
        (Viewer("s", Role.STREET, "A/"), ResidentNotFound),
        (Viewer("a", Role.ADMINISTRATOR, ""), ResidentNotFound),
        (Viewer("w", Role.WORKER, ""), ReadingRefused),
    ],
)
def test_whoever_may_not_unmask_is_refused_and_that_is_recorded(
    served: Database,
    settings: Settings,
    told: list[AuditEntry],
    who: Viewer,
    error: type[Exception],
) -> None:
    number = number_of(served, "r1")
    with seen_by(who), pytest.raises(error):
        unmask.unmask(served, settings, asking(number))
    assert [(e.action, e.object_code, e.count) for e in told] == [("refuse", str(number), 0)]
    with seen_by(SYSTEM):
        assert read(served, "SELECT count(*) FROM readings") == [(0,)]


def test_unmasking_is_limited_in_number(
    served: Database, settings: Settings, told: list[AuditEntry]
) -> None:
    few = settings.model_copy(update={"unmask_per_hour": 2})
    number = number_of(served, "r1")
    with seen_by(WORKER):
        for _ in range(2):
            unmask.unmask(served, few, asking(number))
        with pytest.raises(TooManyReadings, match="LIANXIN_UNMASK_PER_HOUR"):
            unmask.unmask(served, few, asking(number))
    with seen_by(COMMUNITY):  # another's allowance is another
        unmask.unmask(served, few, asking(number))
    assert [e.action for e in told] == ["unmask", "unmask", "refuse", "unmask"]


def test_an_operators_database_knows_the_viewer_who_read(
    register: Database, settings: Settings
) -> None:
    few = settings.model_copy(update={"unmask_per_hour": 1})
    number = number_of(register, "r1")
    with seen_by(WORKER):
        unmask.unmask(register, few, asking(number))
        with pytest.raises(TooManyReadings):
            unmask.unmask(register, few, asking(number))
    assert read(register, "SELECT account, role FROM readings") == [("worker-a", "worker")]


def test_what_was_read_yesterday_counts_for_the_day_alone(
    served: Database, register: Database, settings: Settings
) -> None:
    number = number_of(served, "r1")
    with seen_by(WORKER):
        unmask.unmask(served, settings, asking(number))
    with seen_by(SYSTEM), served.transaction() as session:
        session.execute(text("RESET ROLE"))
        session.execute(text("UPDATE readings SET read_at = read_at - interval '2 hours'"))
    hourly = settings.model_copy(update={"unmask_per_hour": 1})
    daily = settings.model_copy(update={"unmask_per_day": 1})
    with seen_by(WORKER):
        with pytest.raises(TooManyReadings, match="LIANXIN_UNMASK_PER_DAY"):
            unmask.unmask(served, daily, asking(number))
        unmask.unmask(served, hourly, asking(number))


@pytest.mark.parametrize(
    ("given", "codes"),
    [
        ({"id_number": ID_NUMBER}, ["r1"]),
        ({"id_number": "150622 19900101 1239"}, ["r1"]),
        ({"id_number": "１５０６２２６５０１０２１２３"}, ["r2"]),
        ({"name": "欧阳娜"}, ["r2"]),
        ({"name": "欧阳"}, []),
        ({"id_number": "1506"}, []),
    ],
)
def test_a_search_finds_exactly_what_is_asked_for(
    served: Database,
    settings: Settings,
    told: list[AuditEntry],
    given: dict[str, str],
    codes: list[str],
) -> None:
    with seen_by(WORKER):
        found = find_residents(served, settings, **given)
    assert [each["code"] for each in found] == codes
    assert [(e.action, e.fields, e.count) for e in told] == [("read", tuple(given), len(codes))]
    with seen_by(NEIGHBOUR):
        assert find_residents(served, settings, **given) == ()


def test_searching_is_limited_too(served: Database, settings: Settings) -> None:
    none = settings.model_copy(update={"search_per_hour": 0})
    with seen_by(WORKER), pytest.raises(TooManyReadings, match="LIANXIN_SEARCH_PER_HOUR"):
        find_residents(served, none, name="王小明")


def test_the_file_holds_everything_and_who_read_it(
    served: Database, settings: Settings, told: list[AuditEntry]
) -> None:
    number = number_of(served, "r1")
    with seen_by(WORKER):
        unmask.unmask(served, settings, asking(number))
        with pytest.raises(ReadingRefused, match="community"):
            resident_file.make_file(served, settings, number, Purpose.SUBJECT_REQUEST, "本人要求")
    with seen_by(COMMUNITY):
        made = resident_file.make_file(
            served, settings, number, Purpose.SUBJECT_REQUEST, "本人要求"
        )
    assert made.resident["id_number"] == ID_NUMBER
    assert [(each["account"], each["kind"]) for each in made.readings] == [
        ("community-a", "file"),
        ("worker-a", "unmask"),
    ]
    assert [e.action for e in told] == ["unmask", "refuse", "export"]


def test_the_file_holds_cases_of_that_very_phone(
    register: Database, served: Database, settings: Settings
) -> None:
    seed_reference(register)
    phones = {
        "own": "+86 138-1234-5678", "own too": "138 1234 5678 转 2", "ends alike": "913812345678",
        "longer": "138123456789", "elsewhere": PHONE,
    }  # fmt: skip
    with register.transaction() as session:
        for name, phone in phones.items():
            session.execute(
                text(
                    "INSERT INTO cases (source_id, category, reporter_kind, reporter, rule, path)"
                    " VALUES (:name, '54001', 'resident',"
                    " jsonb_build_object('phone', CAST(:phone AS text)), 'unplaced', :path)"
                ),
                {"name": name, "phone": phone, "path": "B/" if name == "elsewhere" else "A/"},
            )
    numbers = dict(read(register, "SELECT id, source_id FROM cases"))
    with seen_by(COMMUNITY):
        made = resident_file.make_file(
            served, settings, number_of(served, "r1"), Purpose.SUBJECT_REQUEST, "本人要求"
        )
    assert [numbers[each["id"]] for each in made.cases] == ["own", "own too"]
    assert all("phone" not in each for each in made.cases)


def test_a_sealed_value_opens_nowhere_else(register: Database, settings: Settings) -> None:
    with register.transaction() as session:
        session.execute(
            text(
                "UPDATE residents SET phone_sealed ="
                " (SELECT phone_sealed FROM residents WHERE code = 'r1') WHERE code = 'r2'"
            )
        )
    with seen_by(WORKER), pytest.raises(SealBroken, match="phone"):
        list_residents(register, settings, Wanted(), limit=10)


def test_rotation_seals_everybody_anew(register: Database, settings: Settings) -> None:
    before = read(register, "SELECT key_id, id_number_sealed FROM residents ORDER BY code")
    done = rotate_residents(register, settings)
    after = read(register, "SELECT key_id, id_number_sealed FROM residents ORDER BY code")
    assert done.sealed_count == 3
    assert {row[0] for row in before} == {done.former_key_id}
    assert {row[0] for row in after} == {done.key_id}
    assert before[0][1] != after[0][1]
    with seen_by(WORKER):
        assert unmask.unmask(register, settings, asking(number_of(register, "r1"))) == {
            "phone": "13812345678"
        }
        assert len(find_residents(register, settings, id_number=ID_NUMBER)) == 1


def test_a_rotation_that_was_cut_short_is_gone_on_with(
    register: Database, settings: Settings
) -> None:
    begun = replace_key(settings)
    assert rotate_residents(register, settings).key_id == begun.id
    assert rotate_residents(register, settings).key_id != begun.id


def test_a_missing_key_is_named_and_nothing_is_lost(
    register: Database, settings: Settings, keys: Keys, tmp_path: Path
) -> None:
    elsewhere = settings.model_copy(update={"data_dir": tmp_path / "other"})
    with seen_by(WORKER), pytest.raises(KeyMissing, match=keys.id):
        show_resident(register, elsewhere, number_of(register, "r1"))
    with pytest.raises(KeyMissing):
        rotate_residents(register, elsewhere)


def test_the_same_file_twice_changes_nothing(register: Database, keys: Keys) -> None:
    again = load(register, "residents", layer(ROWS), replace(FREE, keys=keys))
    assert (again.inserted, again.updated, again.unchanged) == (0, 0, 3)


def test_a_column_that_the_file_lacks_leaves_what_is_stored(
    register: Database, settings: Settings, keys: Keys
) -> None:
    row = {"code": "r1", "household_code": "h", "name": "王大明", "basis": "本人同意"}
    report = load(register, "residents", layer([row]), replace(FREE, keys=keys))
    assert (report.updated, report.rejects) == (1, ())
    assert read(
        register, "SELECT name, sex, birth_date::text FROM residents WHERE code = 'r1'"
    ) == [("王大明", "male", "1990-01-01")]
    with seen_by(WORKER):
        fields = unmask.unmask(register, settings, asking(number_of(register, "r1"), *PersonField))
    assert fields["id_number"] == ID_NUMBER


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"id_number": "15062219900101123"}, "id_number has neither 15 digits nor 17"),
        ({"household_code": PHONE}, "its household is not loaded"),
        ({"code": ID_NUMBER}, "code is an ID number"),
        ({"birth_date": "1990-13-01"}, "birth_date is not a date"),
        ({"sex": "x王"}, "sex is none of: male, female"),
        ({"since": "2020-02-02", "until": "2020-02-01"}, "until lies before since"),
        ({"basis": None}, "basis is empty"),
    ],
)
def test_a_row_that_falls_out_repeats_nothing_of_the_person(
    register: Database, keys: Keys, wrong: dict[str, str], reason: str
) -> None:
    row = {**ROWS[0], "code": "r9", **wrong}
    report = load(register, "residents", layer([row]), replace(FREE, keys=keys))
    (reject,) = report.rejects
    assert reject.reason.startswith(reason)
    assert reject.record == {}
    said = f"{reject.reason} {report.notes}"
    assert not [value for value in ("王小明", PHONE, ID_NUMBER) if value in said]


def test_nobody_finds_an_id_number_or_a_phone_in_a_dump(
    fresh_database: Database, settings: Settings, keys: Keys
) -> None:
    publish(fresh_database, grids("AB"))
    load(fresh_database, "households", layer([{"code": c} for c in "hi"], [middle(0), middle(1)]))
    load(fresh_database, "residents", layer(ROWS), replace(FREE, keys=keys))
    with seen_by(WORKER):
        unmask.unmask(fresh_database, settings, asking(number_of(fresh_database, "r1")))
    with fresh_database.raw() as connection, connection.cursor() as cursor:
        dump = b""
        for table in ("residents", "readings"):
            with cursor.copy(f"COPY {table} TO STDOUT") as copied:  # type: ignore[arg-type]
                dump += b"".join(bytes(part) for part in copied)
    assert "王小明".encode() in dump  # it is the whole table
    for secret in (ID_NUMBER, "15062219650102123", OLD_NUMBER, "13812345678", "8521234"):
        for form in (secret, secret.encode().hex(), secret[::-1]):
            assert form.encode() not in dump


def test_no_resident_has_the_number_of_another_kind(served: Database, settings: Settings) -> None:
    with seen_by(WORKER), pytest.raises(ResidentNotFound):
        show_resident(served, settings, uuid4())
