"""The data folder: ours alone, or not used at all."""

from pathlib import Path

from layers.errors import DataFolderTaken

MARKER = ".lianxin"
_MARKER_TEXT = "Lianxin made this folder; `lianxin demo --fresh` empties it.\n"


def claim(folder: Path) -> None:
    """Make the folder if it isn't there, and mark it as ours.

    Raises
    ------
    DataFolderTaken
        It holds something that Lianxin did not make.
    OSError
        It cannot be made.
    """
    folder.mkdir(parents=True, exist_ok=True)
    marker = folder / MARKER
    if marker.is_file():
        return
    strangers = {entry.name for entry in folder.iterdir()} - {MARKER, "lost+found"}
    if strangers:
        raise DataFolderTaken(
            f"The folder {folder} holds something that Lianxin did not make "
            f"({min(strangers)}). Name an empty or new one with LIANXIN_DATA_DIR."
        )
    marker.write_text(_MARKER_TEXT, "utf-8")
