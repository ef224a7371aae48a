from sqlalchemy import text

from layers.actions.seed_reference import SeedReport, seed_reference
from layers.session import Database
from tests.layers.actions.made import read


def test_the_tables_are_there_in_both_languages(database: Database) -> None:
    report = seed_reference(database)

    assert report.inserted > 90
    assert read(
        database, "SELECT major_zh, name_zh, name_en, level FROM categories WHERE code = '53004'"
    ) == [("安全隐患", "燃气隐患", "Gas hazard", "P0")]
    assert read(database, "SELECT campaign_only FROM status_schemes WHERE code = 'health'") == [
        (True,)
    ]


def test_again_changes_nothing(database: Database) -> None:
    seed_reference(database)

    assert seed_reference(database) == SeedReport(0, 0)


def test_what_was_altered_is_put_right_and_own_codes_stay(database: Database) -> None:
    seed_reference(database)
    with database.transaction() as session:
        session.execute(text("UPDATE categories SET name_en = 'x' WHERE code = '53004'"))
        session.execute(
            text(
                "INSERT INTO categories SELECT '69001', '69', major_zh, major_en, 'own', 'own',"
                " department_zh, department_en, level, confidential, national_code"
                " FROM categories WHERE code = '53004'"
            )
        )

    assert seed_reference(database) == SeedReport(0, 1)
    assert read(database, "SELECT name_en FROM categories WHERE code = '69001'") == [("own",)]
