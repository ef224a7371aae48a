"""What every test may ask for."""

import os
from pathlib import Path

import pytest

pytest_plugins = ["tests.postgis", "tests.skips"]

REPOSITORY = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real data by others, beside the checkout and never copied into it."""
    folder = Path(os.environ.get("LIANXIN_SHARED_DATA", REPOSITORY.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"real data are not here: {folder} (set LIANXIN_SHARED_DATA)")
    return folder
