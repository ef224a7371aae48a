"""Every notebook runs, cell by cell, as an analyst would run it."""

import json
from pathlib import Path

import pytest

NOTEBOOKS = sorted((Path(__file__).resolve().parents[1] / "notebooks").glob("*.ipynb"))


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_runs(notebook: Path) -> None:
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    codes = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    assert codes
    names: dict[str, object] = {"__name__": notebook.stem}
    for number, code in enumerate(codes, start=1):
        exec(compile(code, f"{notebook.name}[{number}]", "exec"), names)  # noqa: S102 # our own file


def test_notebooks_hold_no_output() -> None:
    for notebook in NOTEBOOKS:
        for cell in json.loads(notebook.read_text(encoding="utf-8"))["cells"]:
            assert not cell.get("outputs"), f"{notebook.name}: clear the outputs before committing"
