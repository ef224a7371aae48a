"""Several departments' networks of one place (多网合一): compared, and merged into one."""

from gis.networks.comparison import Agreement, Comparison, compare
from gis.networks.crosswalk import CrosswalkRow, crosswalk
from gis.networks.given import Buildings, Communities, Network, Tolerances
from gis.networks.overlay import Overlay, overlay
from gis.networks.page import Shown, render_page
from gis.networks.proposal import MergedGrid, Proposal, propose

__all__ = [
    "Agreement",
    "Buildings",
    "Communities",
    "Comparison",
    "CrosswalkRow",
    "MergedGrid",
    "Network",
    "Overlay",
    "Proposal",
    "Shown",
    "Tolerances",
    "compare",
    "crosswalk",
    "overlay",
    "propose",
    "render_page",
]
