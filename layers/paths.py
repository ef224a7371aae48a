"""Paths: the codes of an area's ancestors and its own, joined by "/" and ending in one."""


def path_below(above: str, code: str) -> str:
    """Return the path of what lies under ``above``; a "/" in a code of a place's own is masked.

    >>> path_below("150622/", "150622003"), path_below("", "way/1")
    ('150622/150622003/', 'way%2F1/')
    """
    masked = code.replace("%", "%25").replace("/", "%2F")
    return f"{above}{masked}/"


def codes_of_path(path: str | None) -> tuple[str, ...]:
    """Return the codes that a path names, the highest area first; none where there is no path.

    >>> codes_of_path("150622/way%2F1/")
    ('150622', 'way/1')
    """
    return tuple(
        masked.replace("%2F", "/").replace("%25", "%")
        for masked in (path or "").split("/")
        if masked
    )
