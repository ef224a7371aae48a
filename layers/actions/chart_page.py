"""The page of a chart, as a file."""

from pathlib import Path

from layers.errors import MappingInvalid


def check_page(out: Path) -> None:
    """Raise, before any work is done, where no page can be written.

    Raises
    ------
    MappingInvalid
        If it is no page's name, or lies in no folder.
    """
    if out.suffix.lower() not in (".html", ".htm"):
        raise MappingInvalid(f"{out}: a chart is a page. Name a file that ends in .html.")
    if not out.parent.is_dir():
        raise MappingInvalid(f"There is no folder {out.parent} for {out.name}.")


def write_page(page: str, out: Path) -> None:
    """Write a page whole or not at all."""
    check_page(out)
    partial = out.with_name(f".{out.name}.partial")
    try:
        partial.write_text(page, encoding="utf-8")
        partial.replace(out)
    finally:
        partial.unlink(missing_ok=True)
