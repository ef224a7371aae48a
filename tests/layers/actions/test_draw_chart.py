"""What a chart of the database shows, and what it must never show."""

import pytest
from sqlalchemy import select, text, update

from layers.actions.draw_chart import (
    ChartRequest,
    chart_version,
    draw_chart,
    list_charts,
    read_chart,
)
from layers.actions.import_layer import LayerName
from layers.actions.publish_edition import publish_edition
from layers.actions.seed_reference import seed_reference
from layers.errors import ChartNotFound
from layers.models import Area, Case, Grid
from layers.session import Database
from layers.vocabulary import CaseState
from tests.layers.actions.made import layer, load, square
from tests.layers.actions.stored import (
    BAIYUN,
    BAIYUN_PATH,
    CONFIDENTIAL,
    FIRST,
    NANYUAN,
    SECOND,
    store_case,
    store_place,
)


@pytest.fixture
def place(database: Database) -> Database:
    store_place(database)
    return database


def read(database: Database, **words: str):
    with database.transaction() as session:
        return read_chart(session, ChartRequest(**words))


def test_a_community_has_its_own_grids_households_and_cases(place: Database) -> None:
    ours, theirs = store_case(place, 1), store_case(place, 2)
    definition, data = read(place, name=BAIYUN, scheme="occupancy")
    assert definition.title_zh == "白云社区作战图"
    assert definition.title_en == "Baiyun Community battle chart"
    assert data.edition is not None
    assert data.data_time.utcoffset() is not None
    assert list(data.grids.code) == [FIRST, SECOND]
    assert list(data.grids.open_cases) == [0, 1]
    assert list(data.grids.household_count) == [2, 0]
    assert list(data.buildings.grid_code) == [FIRST]
    assert list(data.households.code) == ["H1", "H2"]
    assert list(data.households.status) == ["rented", None]
    assert list(data.cases.id) == [ours]
    assert theirs not in list(data.cases.id)
    assert list(data.cases.category_en) == ["Blocked fire lane"]
    assert list(data.areas.code) == [BAIYUN]


def test_the_whole_place_holds_what_no_grid_owns_too(place: Database) -> None:
    nowhere = store_case(place, None)
    definition, data = read(place)
    assert definition.title_zh == "准格尔旗作战图"
    assert len(data.grids) == 3
    assert list(data.households.code) == ["H1", "H2", "H3"]
    assert list(data.cases.id) == [nowhere]
    assert data.cases.geometry.isna().all()


def test_one_grid_has_a_chart_by_code_and_by_path(place: Database) -> None:
    for name in (SECOND, f"{BAIYUN_PATH}{SECOND}"):
        _, data = read(place, name=name)
        assert list(data.grids.code) == [SECOND]
        assert len(data.households) == 0


def test_a_path_is_a_prefix_by_its_parts_and_no_pattern(place: Database) -> None:
    with place.transaction() as session:
        session.execute(text("ALTER TABLE grids DISABLE TRIGGER USER"))
        session.execute(
            update(Area).where(Area.code == NANYUAN).values(path=BAIYUN_PATH.replace("3/", "31/"))
        )
        session.execute(
            update(Grid)
            .where(Grid.code == SECOND)
            .values(path=Grid.path + "x%_/")  # would be matched by any LIKE
        )
    with pytest.raises(ChartNotFound):
        read(place, name="1506220030%")
    _, data = read(place, name=BAIYUN)
    assert list(data.areas.code) == [BAIYUN]


def test_confidential_cases_are_on_no_chart(place: Database) -> None:
    store_case(place, 0, category=CONFIDENTIAL, description="绝不上墙")
    for name in ("all", BAIYUN, FIRST):
        _, data = read(place, name=name)
        assert len(data.cases) == 0
        assert data.grids.open_cases.sum() == 0
    assert "绝不上墙" not in draw_chart(place, ChartRequest())
    places, _ = list_charts(place)
    assert {each.open_case_count for each in places} == {0}


def test_ended_cases_leave_after_thirty_days_and_open_ones_never(place: Database) -> None:
    recent = store_case(place, 0, state=CaseState.CLOSED, days=29)
    store_case(place, 0, state=CaseState.CLOSED, days=31)
    store_case(place, 0, state=CaseState.VOID, days=31)
    old = store_case(place, 0, state=CaseState.ESCALATED, days=900)
    _, data = read(place, name=FIRST)
    assert list(data.cases.id) == [recent, old]
    assert list(data.grids.open_cases) == [1]


def test_another_scheme_shows_other_statuses(place: Database) -> None:
    definition, data = read(place, scheme="hazard")
    assert definition.scheme.name_zh == "安全隐患"
    assert {style.code for style in definition.scheme.statuses} >= {"major", "unchecked"}
    assert data.households.status.isna().all()


@pytest.mark.parametrize("scheme", ["party", "care"])
def test_a_scheme_that_marks_only_some_calls_nobody_else_unknown(
    place: Database, scheme: str
) -> None:
    definition, data = read(place, scheme=scheme)
    styles = {style.code: style for style in definition.scheme.statuses}
    assert not any(style.unknown for style in styles.values())
    assert all(styles[code].normal for code in data.households.status)


@pytest.mark.parametrize("scheme", ["health", "vaccination", "nonsense"])
def test_a_campaigns_scheme_is_refused_with_what_there_is(place: Database, scheme: str) -> None:
    with pytest.raises(ChartNotFound, match="care, hazard, occupancy, party"):
        draw_chart(place, ChartRequest(scheme=scheme))


def test_an_unknown_place_is_refused(place: Database) -> None:
    with pytest.raises(ChartNotFound, match="/charts"):
        draw_chart(place, ChartRequest("150622999"))


def test_names_come_in_the_charts_language(place: Database) -> None:
    with place.transaction() as session:
        session.execute(text("ALTER TABLE grids DISABLE TRIGGER USER"))
        session.execute(update(Grid).where(Grid.code == FIRST).values(name_en="First Grid"))
    assert list(read(place, name=BAIYUN, language="en")[1].grids.name) == ["First Grid", "第2网格"]
    assert read(place, name=BAIYUN, language="zh")[1].grids.name.iloc[0] == "第1网格"


def test_before_anything_is_loaded_the_page_is_there_and_empty(database: Database) -> None:
    seed_reference(database)
    definition, data = read(database)
    assert (definition.title_zh, data.edition) == ("全域作战图", None)
    assert draw_chart(database, ChartRequest()).startswith("<!DOCTYPE html>")


def test_every_place_is_listed_with_what_lies_in_it(place: Database) -> None:
    store_case(place, 1)
    store_case(place, 2)
    store_case(place, None)
    places, schemes = list_charts(place)
    by_name = {each.name: each for each in places}
    assert list(by_name)[:4] == ["all", "150622", "150622003", BAIYUN]
    assert (by_name["all"].grid_count, by_name["all"].open_case_count) == (3, 3)
    assert (by_name["150622"].grid_count, by_name["150622"].open_case_count) == (3, 2)
    assert (by_name[BAIYUN].grid_count, by_name[BAIYUN].open_case_count) == (2, 1)
    assert by_name[FIRST].level == "grid"
    assert {scheme.code for scheme in schemes} == {"occupancy", "party", "hazard", "care"}


def test_numbers_are_listed_by_their_value(fresh_database: Database) -> None:
    codes = ["10", "9", "３", "A2", "A10"]
    seed_reference(fresh_database)
    grids = layer([{"code": code} for code in codes], [square(i) for i in range(len(codes))])
    report = load(fresh_database, LayerName.GRIDS, grids)
    publish_edition(fresh_database, report.edition_id)
    places, _ = list_charts(fresh_database)
    assert [each.code for each in places] == [None, "9", "10", "A2", "A10", "３"]


def test_every_listed_chart_can_be_drawn(place: Database) -> None:
    places, _ = list_charts(place)
    assert len(places) == 8
    for each in places:
        assert each.title_en in draw_chart(place, ChartRequest(each.name, language="en"))


def test_the_version_changes_when_anything_is_written(fresh_database: Database) -> None:
    store_place(fresh_database)
    number = store_case(fresh_database, 0)
    before = chart_version(fresh_database, ChartRequest())
    assert chart_version(fresh_database, ChartRequest()).tag == before.tag
    assert chart_version(fresh_database, ChartRequest(theme="day")).tag != before.tag
    with fresh_database.transaction() as session:
        session.execute(update(Case).where(Case.id == number).values(state=CaseState.CLOSED))
    after = chart_version(fresh_database, ChartRequest())
    assert after.tag != before.tag
    with fresh_database.transaction() as session:
        session.execute(select(Case.id)).all()
    assert chart_version(fresh_database, ChartRequest()).tag == after.tag
