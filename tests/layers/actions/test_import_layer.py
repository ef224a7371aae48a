import os
import signal
import subprocess
import sys
import threading

import pytest

from layers.actions.import_layer import LayerName, import_layer
from layers.actions.importing import staging
from layers.errors import MappingInvalid
from layers.exchange.mapping import ColumnMapping
from layers.session import Database
from tests.layers.actions.made import FREE, grids, layer, load, middle, read, rows_of

_IMPORT_CHILD = """
import sys
from tests.layers.actions.made import FREE, layer, middle
from layers.actions.import_layer import LayerName, import_layer
from layers.actions.importing import staging
from layers.exchange.mapping import ColumnMapping
from layers.session import open_database
from layers.settings import Settings
def progress(step, done, total):
    print(step, done, total, flush=True)
    if (step, done) == ("merging", total):
        sys.stdin.readline()
rows = [{"code": code, "room": "new"} for code in ["h", *map(str, range(50))]]
import_layer(open_database(Settings(database_url=sys.argv[1])), LayerName.HOUSEHOLDS,
             layer(rows, [middle(0)] * 51), ColumnMapping(), options=FREE, progress=progress)
"""


def test_an_import_killed_in_the_middle_leaves_the_layer_as_it_was(
    fresh_database: Database, fresh_database_url: str
) -> None:
    load(fresh_database, "households", layer([{"code": "h", "room": "old"}], [middle(0)]))
    before = rows_of(fresh_database, "households", "statuses")
    child = subprocess.Popen(
        [sys.executable, "-c", _IMPORT_CHILD, fresh_database_url],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    with child:
        assert child.stdout is not None
        assert any(line.strip() == "merging 51 51" for line in child.stdout)
        os.kill(child.pid, signal.SIGKILL)

    assert rows_of(fresh_database, "households", "statuses") == before
    again = load(fresh_database, "households", layer([{"code": "h", "room": "x"}], [middle(0)]))
    assert again.updated == 1


def test_progress_names_each_step_and_reaches_the_end(database: Database) -> None:
    told: list[tuple[str, int, int | None]] = []
    source = layer([{"code": "h"}, {"code": "i"}], [middle(0), middle(1)])

    import_layer(
        database,
        LayerName.HOUSEHOLDS,
        source,
        ColumnMapping(),
        options=FREE,
        progress=lambda *step: told.append(step),
    )

    assert [step for step, done, total in told if done == total] == ["staging", "merging"]


def test_a_field_without_a_column_refuses_the_whole_file(database: Database) -> None:
    with pytest.raises(MappingInvalid, match="--map code=COLUMN"):
        load(database, "households", layer([{"nr": "1"}], [middle(0)]))


def test_hostile_text_is_only_text(database: Database) -> None:
    hostile = "'); DROP TABLE households; -- {{7*7}} <img onerror=x> %s $1 \\x00"

    load(database, "households", layer([{"code": "h", "room": hostile}], [middle(0)]))

    assert read(database, "SELECT room FROM households") == [(hostile,)]


def test_two_imports_at_once_come_one_after_the_other(fresh_database: Database) -> None:
    sources = [
        layer([{"code": str(n), "room": room} for n in range(300)], [middle(0)] * 300)
        for room in ("a", "b")
    ]
    threads = [
        threading.Thread(target=load, args=(fresh_database, "households", source))
        for source in sources
    ]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    rooms = read(fresh_database, "SELECT room, count(*) FROM households GROUP BY room")
    assert rooms in ([("a", 300)], [("b", 300)])


def test_an_empty_file_loads_nothing(database: Database) -> None:
    source = layer([{"code": "x"}], [middle(0)])
    empty = type(source)(source.frame.iloc[:0], source.rows[:0], "empty", "cgcs2000")

    assert load(database, "households", empty).inserted == 0
    assert load(database, "grids", empty).edition_id is None
    assert load(database, "grids", grids("A")).inserted == 1


def test_an_empty_layer_has_all_its_indexes_again_after_much_was_loaded(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(staging, "MANY_ROWS", 2)
    # What an index is called and does, and of which file it is: a rebuilt one has another.
    query = (
        "SELECT i.indexname, i.indexdef, pg_relation_filenode(i.indexname::regclass)"
        " FROM pg_indexes i WHERE tablename = 'households' ORDER BY 1"
    )
    before = read(database, query)

    load(database, "households", layer([{"code": c} for c in "hi"], [middle(0)] * 2))
    first = read(database, query)
    load(database, "households", layer([{"code": c} for c in "jk"], [middle(0)] * 2))

    assert [row[:2] for row in first] == [row[:2] for row in before]
    rebuilt = {new[0] for old, new in zip(before, first, strict=True) if old[2] != new[2]}
    assert rebuilt == {name for name, *_ in before if name.startswith("ix_")}
    assert read(database, query) == first


def test_what_reads_the_same_is_not_even_locked(database: Database) -> None:
    source = layer([{"code": c} for c in "hi"], [middle(0)] * 2)
    load(database, "households", source)
    before = read(database, "SELECT ctid, xmin, xmax FROM households ORDER BY code")

    load(database, "households", source)

    assert read(database, "SELECT ctid, xmin, xmax FROM households ORDER BY code") == before
