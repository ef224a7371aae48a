"""What every test may ask for."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest_plugins = ["tests.postgis", "tests.skips"]

REPOSITORY = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session", autouse=True)
def _data_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep what services under test leave in a data folder out of the machine's own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LIANXIN_DATA_DIR", str(tmp_path_factory.mktemp("data") / "lianxin"))
        yield


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real data by others, beside the checkout and never copied into it."""
    folder = Path(os.environ.get("LIANXIN_SHARED_DATA", REPOSITORY.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"real data are not here: {folder} (set LIANXIN_SHARED_DATA)")
    return folder
