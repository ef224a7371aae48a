"""``/`` says what runs here and what is loaded; ``/find`` says in words who owns a point."""

import re
from dataclasses import dataclass, field

from fastapi import APIRouter, Request, Response

from api.dependencies import OpenServices, Services
from api.pages import page
from gis.errors import UnknownDatum
from gis.routing import Rule
from layers.actions.boundaries import InForce
from layers.actions.chart_styles import case_state_styles
from layers.actions.draw_chart import list_charts
from layers.actions.overview import overview
from layers.actions.place import Place, Placed, current, place
from layers.errors import LayersError
from layers.paths import codes_of_path
from layers.viewer import SYSTEM, seen_by, viewer
from layers.vocabulary import Role

router = APIRouter(include_in_schema=False)

_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)")
_LONGEST = 64


@dataclass
class Search:
    """What somebody typed into the form, and what came of it."""

    lon: str = ""
    lat: str = ""
    datum: str = ""
    problems: dict[str, tuple[str, str]] = field(default_factory=dict)
    """By field: what is wrong with it, in Chinese and English."""
    placed: Placed | None = None
    in_force: InForce | None = None

    @property
    def asked(self) -> bool:
        """Whether anything was typed at all."""
        return bool(self.lon or self.lat or self.datum)

    @property
    def way(self) -> list[tuple[str, str]]:
        """Codes and names from the banner down to whoever answers for the point."""
        owner = None if self.placed is None else self.placed.owner
        if owner is None or self.in_force is None or owner.path is None:
            return []
        names = dict(self.in_force.area_names)
        if owner.grid_code is not None and owner.grid_name is not None:
            names[owner.grid_code] = owner.grid_name
        codes = codes_of_path(owner.path)
        return [(code, names[code]) for code in codes if code in names]


@router.get("/")
def start(request: Request, services: OpenServices) -> Response:
    """Show what is loaded and what to open, whatever state the database is in."""
    who = viewer()
    # The administrator is told how much there is, not what.
    with seen_by(SYSTEM if who is not None and who.role is Role.ADMINISTRATOR else who):
        found = overview(services.database)
    places = list_charts(services.database)[0] if found.loaded and who is not None else []
    return page(
        request,
        "start.html",
        services.settings.language,
        overview=found,
        places=places,
        states=case_state_styles(),
        settings=services.settings,
        search=Search(),
        who=who,
    )


@router.get("/find")
def find(
    request: Request, services: OpenServices, lon: str = "", lat: str = "", datum: str = ""
) -> Response:
    """Say who owns a point, from memory; what cannot be read is said beside its field."""
    search = Search(lon.strip()[:_LONGEST], lat.strip()[:_LONGEST], datum.strip()[:_LONGEST])
    failure = None
    if search.asked:
        try:
            _answer(search, services)
        except LayersError as error:  # the boundaries never came into memory
            failure = str(error)
    status = 503 if failure else 422 if search.problems else 200
    return page(
        request,
        "find.html",
        services.settings.language,
        status,
        search=search,
        failure=failure,
        Rule=Rule,
    )


def _answer(search: Search, services: Services) -> None:
    numbers = _coordinates(search)
    if not search.datum:
        search.problems["datum"] = (
            "请选择坐标系；系统从不猜测",
            "Choose the datum; it is never guessed",
        )
    if search.problems or numbers is None:
        return
    search.in_force = current(services.boundaries)
    if search.in_force is None:
        return
    try:
        placed = place(search.in_force, Place(*numbers, search.datum))
    except UnknownDatum:
        search.problems["datum"] = ("没有这个坐标系", "There is no such datum")
        return
    if placed.placement.rule is Rule.UNPLACED:
        search.problems["lon"] = (
            "这对坐标在所选坐标系里不在地球上；经度在前，纬度在后",
            "In this datum these coordinates are no place on the earth; longitude comes first",
        )
        return
    search.placed = placed


def _coordinates(search: Search) -> tuple[float, float] | None:
    """Read both numbers; a pair that was pasted into one field is taken apart."""
    for pasted in (search.lon, search.lat):
        parts = [part for part in re.split(r"[,，;；\s]+", pasted) if part]
        if len(parts) == 2 and not (search.lon and search.lat):
            search.lon, search.lat = parts
    for name, zh, en in (("lon", "经度", "longitude"), ("lat", "纬度", "latitude")):
        text = getattr(search, name)
        if not text:
            search.problems[name] = (f"请填写{zh}", f"Enter the {en}")
        elif not _NUMBER.fullmatch(text):
            search.problems[name] = (f"{zh}应是数字，如 111.2", f"The {en} is a number, as 111.2")
    if search.problems:
        return None
    return float(search.lon), float(search.lat)
