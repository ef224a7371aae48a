"""Baltimore's police districts of 1959–2022 and of 2023 as two editions: each answers for its time.

The labels of 2018 agree with the first edition and, as they should, much less with the second.
"""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest

from gis.routing import Rule
from layers.actions.boundaries import Boundaries, InForce
from layers.actions.former_editions import FormerEditions
from layers.actions.import_layer import ImportOptions, LayerName, import_layer
from layers.actions.publish_edition import publish_edition
from layers.errors import EditionNotFound
from layers.exchange.mapping import ColumnMapping
from layers.exchange.reader import read_layer
from layers.session import Database
from layers.vocabulary import CodeScheme
from tests.real.agreement import AREAS, CASES, PUBLICATIONS, agree, is_placeholder

pytestmark = pytest.mark.real

BY_LAYER = {publication.layer: publication for publication in PUBLICATIONS}
BALTIMORE = ZoneInfo("America/New_York")
OLD_BEGAN, NEW_BEGAN = (datetime(year, 1, 1, tzinfo=BALTIMORE) for year in (1959, 2023))


@pytest.fixture
def past(fresh_database: Database, shared_data: Path) -> Iterator[FormerEditions]:
    """Both sets of districts, in force one after the other."""
    for layer, began in (
        ("police_districts_1959_2022", OLD_BEGAN), ("police_districts_2023", NEW_BEGAN),
    ):  # fmt: skip
        report = import_layer(
            fresh_database,
            LayerName.GRIDS,
            read_layer(f"{shared_data / AREAS}:{layer}"),
            ColumnMapping.from_flags(["code=name"]),
            options=ImportOptions(scheme=CodeScheme.FREE),
        )
        assert report.edition_id is not None
        publish_edition(
            fresh_database, report.edition_id, valid_from=began, override_reason="as published"
        )
    boundaries = Boundaries(fresh_database)
    yield FormerEditions(fresh_database, boundaries)
    boundaries.close()


@pytest.fixture(scope="module")
def labelled(shared_data: Path) -> pd.DataFrame:
    """The requests of 2018 that have a place and a district."""
    cases = pd.read_csv(shared_data / CASES, dtype=str, keep_default_na=False)
    usable = (cases["Longitude"] != "") & (cases["PoliceDistrict"] != "") & ~is_placeholder(cases)
    return cases[usable]


def agreeing(edition: InForce, labelled: pd.DataFrame) -> int:
    lon, lat = (labelled[name].to_numpy(dtype=float) for name in ("Longitude", "Latitude"))
    placed = edition.router.place_many(lon, lat, "wgs84")
    codes: Any = np.array([*edition.grids.codes, ""], dtype=object)[np.asarray(placed.positions)]
    by_place = np.isin([str(rule) for rule in placed.rules], [Rule.INSIDE, Rule.BOUNDARY])
    return int((by_place & (codes == labelled["PoliceDistrict"].to_numpy())).sum())


def test_the_labels_of_2018_agree_with_the_edition_of_2018(
    past: FormerEditions, labelled: pd.DataFrame, shared_data: Path, tmp_path: Path
) -> None:
    assert len(labelled) == 8331
    of_2018 = past.at(datetime(2018, 7, 1, tzinfo=BALTIMORE))
    of_2023 = past.at(datetime(2023, 7, 1, tzinfo=BALTIMORE))
    assert (of_2018.edition_id, of_2023.edition_id) == (1, 2)
    for edition, layer, share in (
        (of_2018, "police_districts_1959_2022", 99.54), (of_2023, "police_districts_2023", 72.8),
    ):  # fmt: skip
        found = agreeing(edition, labelled)
        by_file = agree(shared_data, BY_LAYER[layer], tmp_path / f"{layer}.csv")
        assert found == by_file.agreeing >= by_file.publication.agreeing
        assert 100 * found / len(labelled) == pytest.approx(share, abs=0.05)


def test_each_edition_answers_to_the_instant_at_which_the_next_begins(past: FormerEditions) -> None:
    last = datetime(2022, 12, 31, 23, 59, 59, tzinfo=BALTIMORE)
    assert [past.at(when).edition_id for when in (OLD_BEGAN, last, NEW_BEGAN)] == [1, 1, 2]
    with pytest.raises(EditionNotFound, match="1959-01-01"):
        past.at(datetime(1958, 12, 31, tzinfo=BALTIMORE))
