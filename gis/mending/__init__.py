"""Mending a coverage: what is drawn twice becomes one line, and every change is written down."""

from gis.mending.changes import Change, Left
from gis.mending.limits import MendOptions
from gis.mending.mend import Mending, mend_grids

__all__ = ["Change", "Left", "MendOptions", "Mending", "mend_grids"]
