"""The codes of grids in the making: old ones where a grid stays what it was, else new ones."""

import numpy as np
import shapely

from gis.geometry import OUTSIDE
from gis.networks.comparison import joined, shared_ground
from gis.networks.draft import Draft, communities_of
from gis.networks.given import Tolerances
from gis.networks.numbering import merged_prefixes, next_codes
from gis.networks.overlay import Cover, Overlay
from gis.reading import reading_order


def codes_of(laid: Overlay, draft: Draft, given: Tolerances, taken: set[str]) -> dict[int, str]:
    """Return the code of each grid by rule 7; all of a grid's ground is in one community."""
    numbers, at = np.unique(draft.grid, return_index=True)
    community = {int(n): int(laid.community[f]) for n, f in zip(numbers, at, strict=True) if n >= 0}
    codes = _codes_of_old(laid, draft, community, given)
    taken = set(taken)
    for position in sorted(set(community.values())):
        new = [n for n, home in community.items() if home == position and n not in codes]
        shapes = np.array([joined(laid, draft.grid == n) for n in new], dtype=object)
        centres = shapely.centroid(shapes)
        order = reading_order(shapely.get_x(centres), shapely.get_y(centres))
        fresh = next_codes(_community_code(laid, position), len(new), taken)
        codes |= {new[i]: code for i, code in zip(order, fresh, strict=True)}
        taken.update(fresh)
    return codes


def _community_code(laid: Overlay, position: int) -> str:
    if laid.communities is None or position == OUTSIDE:
        return ""
    return laid.communities.codes[position]


def _codes_of_old(
    laid: Overlay, draft: Draft, community: dict[int, int], given: Tolerances
) -> dict[int, str]:
    """Return the codes of cells that are still what they were."""
    codes: dict[int, str] = {}
    given_out: set[str] = set()
    places = [{code: i for i, code in enumerate(network.codes)} for network in laid.networks]
    faces = np.flatnonzero(draft.grid != OUTSIDE)
    cover = Cover(faces, draft.grid[faces], draft.grid)
    alike: list[dict[int, int]] = []
    for other in laid.covers:
        shared = shared_ground(laid, cover, other)
        same = shared.area_m2 >= given.agreement_share * np.maximum(shared.one_m2, shared.two_m2)
        alike.append(dict(zip(shared.one[same].tolist(), shared.two[same].tolist(), strict=True)))
    for number, (network, cell) in sorted(draft.cells.items()):
        if network == OUTSIDE or alike[network].get(number) != cell:
            continue
        code = laid.networks[network].codes[cell]
        prefix = _community_code(laid, community[number])
        end = code.removeprefix(prefix)
        follows = code.startswith(prefix) and len(end) == 3 and end.isdecimal()
        meant_alike = all(
            place.get(code) in (None, same.get(number))
            for place, same in zip(places, alike, strict=True)
        )
        if follows and meant_alike and code not in given_out:
            codes[number] = code
            given_out.add(code)
    return codes


def codes_of_kept(laid: Overlay, draft: Draft, numbers: range, taken: set[str]) -> dict[int, str]:
    """Return the codes of cells that were kept; over several communities one from 601 upwards."""
    groups = {n: communities_of(laid, draft.grid == n) for n in numbers}
    several = [group for group in dict.fromkeys(groups.values()) if len(group) > 1]
    known = () if laid.communities is None else laid.communities.codes
    prefixes = merged_prefixes(several, {*taken, *known})
    codes: dict[int, str] = {}
    for number, group in groups.items():
        prefix = prefixes.get(group, group[0] if group else "")
        (code,) = next_codes(prefix, 1, taken | set(codes.values()))
        codes[number] = code
    return codes
