"""Draw what changes between two editions as a page that works without a network."""

from pathlib import Path

from gis.chart.changes import ChangeMap, render_changes
from layers.actions.compare_editions import Comparison
from layers.errors import FileUnreadable
from layers.exchange.writer import replacing


def draw_changes(comparison: Comparison) -> str:
    """Return the page as HTML."""
    old, new = comparison.old, comparison.new
    return render_changes(
        ChangeMap(
            old_name=old.name,
            new_name=new.name,
            old_number=old.edition_id,
            new_number=new.edition_id,
            old=old.grids,
            new=new.grids,
            changes=comparison.changes,
        )
    )


def write_map(comparison: Comparison, path: Path) -> None:
    """Write the page; the file appears whole or not at all.

    Raises
    ------
    FileUnreadable
        Where it cannot be written.
    """
    if not path.parent.is_dir():
        raise FileUnreadable(f"There is no folder {path.parent}. Make it first.")
    with replacing(path) as target:
        target.write_text(draw_changes(comparison), encoding="utf-8")
