import numpy as np
import pytest
import shapely

from gis.errors import SnapshotInvalid
from gis.ownership import GridIndex
from gis.snapshot import MAGIC, read_arrays, write_arrays

MARKET = shapely.box(0.4, 0.4, 0.6, 0.6)
BLOCKS = [shapely.box(i, j, i + 1, j + 1) for i in range(3) for j in range(3)]


@pytest.fixture
def index():
    shapes = np.array([*BLOCKS, MARKET, None], dtype=object)
    codes = [*(f"格{i}" for i in range(9)), "市场", "none"]
    return GridIndex(codes, shapes, dedicated=np.array([False] * 9 + [True, False]), edition="7")


def test_what_was_saved_gives_the_same_answers(index, tmp_path):
    index.save(tmp_path / "a.grids")
    again = GridIndex.load(tmp_path / "a.grids")
    x, y = np.random.default_rng(1).uniform(-0.5, 3.5, (2, 4000)).round(1)
    assert (again.codes, again.edition, again.bounds) == (index.codes, "7", index.bounds)
    assert again.dedicated.tolist() == index.dedicated.tolist()
    for one, other in zip(index.claims(x, y), again.claims(x, y), strict=True):
        assert np.array_equal(one, other, equal_nan=True)
    assert again.owner(0.5, 0.5) == "市场"
    assert shapely.equals(again.outline(9), MARKET)
    assert (
        again.nearest([3.0001], [0.5], 50).tolist() == index.nearest([3.0001], [0.5], 50).tolist()
    )


def test_an_index_of_nothing_is_saved_too(tmp_path):
    GridIndex([], np.array([], dtype=object)).save(tmp_path / "a.grids")
    again = GridIndex.load(tmp_path / "a.grids")
    assert again.codes == ()
    assert again.owner(1.0, 1.0) is None


def test_a_new_index_may_be_made_from_one_that_was_loaded(index, tmp_path):
    index.save(tmp_path / "a.grids")
    again = GridIndex.load(tmp_path / "a.grids")
    changed = GridIndex(index.codes[:9], np.array(BLOCKS), previous=again)
    assert changed.owner(0.5, 0.5) == "格0"


def test_every_damage_is_noticed(index, tmp_path):
    file = tmp_path / "a.grids"
    index.save(file)
    whole = file.read_bytes()
    begin = len(MAGIC) + 24 + int.from_bytes(whole[len(MAGIC) : len(MAGIC) + 8], "little")
    padding = range(begin, -(-begin // 64) * 64)
    random = np.random.default_rng(3)
    for at in [*random.integers(0, len(whole), 60).tolist(), 0, len(MAGIC), len(whole) - 1]:
        harmed = bytearray(whole)
        harmed[at] ^= 0x10
        file.write_bytes(harmed)
        if at in padding:  # between header and arrays nothing is stored
            continue
        with pytest.raises(SnapshotInvalid, match=r"a\.grids"):
            GridIndex.load(file)
    for wrong in (whole[:-1], whole[:100], b"", b"\x89PNG and so on", whole + b"\0" * 64):
        file.write_bytes(wrong)
        with pytest.raises(SnapshotInvalid, match=r"a\.grids"):
            GridIndex.load(file)


def test_a_file_of_another_kind_is_refused_in_words(tmp_path):
    write_arrays(tmp_path / "b.grids", {}, {"words": np.arange(4)})
    with pytest.raises(SnapshotInvalid, match="something else"):
        GridIndex.load(tmp_path / "b.grids")
    with pytest.raises(FileNotFoundError):
        GridIndex.load(tmp_path / "none.grids")


def test_what_breaks_off_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    file = tmp_path / "a.grids"
    write_arrays(file, {"turn": 1}, {"words": np.arange(4)})
    monkeypatch.setattr("pathlib.Path.replace", lambda *_: (_ for _ in ()).throw(OSError("full")))
    with pytest.raises(OSError, match="full"):
        write_arrays(file, {"turn": 2}, {"words": np.arange(5)})
    facts, arrays = read_arrays(file)
    assert (facts, arrays["words"].tolist()) == ({"turn": 1}, [0, 1, 2, 3])
    assert [each.name for each in tmp_path.iterdir()] == ["a.grids"]
