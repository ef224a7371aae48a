import pytest
import shapely

from gis.errors import InvalidGrids
from gis.networks import Network, Tolerances, compare, overlay
from tests.gis.networks.made import box, buildings, communities, network, same


def rules(comparison):
    return [(finding.rule, finding.codes) for finding in comparison.findings]


def test_equal_cells_agree_whatever_their_codes():
    civil = network("civil", C1=(0, 0, 2, 2), C2=(2, 0, 4, 2))
    police = network("police", P7=(2, 0, 4, 2), P9=(0, 0, 2, 2))
    found = compare(overlay([civil, police]))
    assert [(a.code_a, a.code_b) for a in found.agreements] == [("C1", "P9"), ("C2", "P7")]
    assert all(a.share == pytest.approx(1) for a in found.agreements)
    assert found.findings == ()


def test_cells_agree_within_the_tolerance_only():
    civil = network("civil", C1=(0, 0, 1, 1))
    police = network("police", P1=(0, 0, 1.03, 1))
    assert compare(overlay([civil, police])).agreements == ()
    (one,) = compare(overlay([civil, police]), Tolerances(agreement_share=0.95)).agreements
    assert one.share == pytest.approx(1 / 1.03, rel=1e-4)


def test_a_border_that_crosses_is_a_conflict_with_its_ground():
    civil = network("civil", C1=(0, 0, 2, 2), C2=(2, 0, 4, 2))
    police = network("police", P1=(0, 0, 3, 2), P2=(3, 0, 4, 2))
    (found,) = compare(overlay([civil, police])).of("network_conflict")
    assert found.codes == ("civil:C2", "police:P1")
    assert same(found.geometry, box(2, 0, 3, 2))
    assert found.measure == pytest.approx(2 * 85.5 * 111, rel=0.01)
    assert "交叉" in found.message_zh
    assert "cross" in found.message_en


def test_a_finer_cut_is_no_conflict():
    civil = network("civil", C1=(0, 0, 4, 4))
    police = network("police", P1=(0, 0, 2, 4), P2=(2, 0, 4, 4))
    assert compare(overlay([civil, police])).findings == ()


def test_a_hole_is_what_another_covers():
    civil = network("civil", C1=(0, 0, 2, 2))
    police = network("police", P1=(0, 0, 2, 2), P2=(2, 0, 3, 2))
    (found,) = compare(overlay([civil, police])).findings
    assert (found.rule, found.codes) == ("network_hole", ("civil", "police:P2"))
    assert same(found.geometry, box(2, 0, 3, 2))


def test_a_seam_under_a_metre_is_no_hole():
    civil = network("civil", C1=(0, 0, 2, 2))
    police = network("police", P1=(0, 0, 2.005, 2))
    assert compare(overlay([civil, police])).findings == ()


def test_what_no_network_covers_of_a_community_is_a_hole_of_each():
    civil, police = network("civil", C1=(0, 0, 1, 1)), network("police", P1=(0, 0, 1, 1))
    found = compare(overlay([civil, police], communities(c1001=(0, 0, 2, 1))))
    assert rules(found) == [("network_hole", ("civil",)), ("network_hole", ("police",))]


def test_a_building_is_split_by_the_network_whose_border_cuts_it():
    civil = network("civil", C1=(0, 0, 2, 2), C2=(2, 0, 4, 2))
    police = network("police", P1=(0, 0, 4, 2))
    built = buildings((1.9, 0.5, 2.3, 0.9), (0.2, 0.2, 0.4, 0.4), (2, 1, 2.2, 1.2))
    (found,) = compare(overlay([civil, police], buildings=built)).findings
    assert (found.rule, found.codes) == ("split_building", ("B1", "civil:C1", "civil:C2"))
    assert found.measure == pytest.approx(0.1 * 0.4 * 85.5 * 111, rel=0.01)


def test_a_corner_of_a_building_is_no_split():
    civil = network("civil", C1=(0, 0, 2, 2), C2=(2, 0, 4, 2))
    built = buildings((1.995, 0.5, 2.4, 0.9))
    assert compare(overlay([civil], buildings=built)).findings == ()


def test_rows_of_one_code_are_parts_of_one_cell():
    civil = Network.of("civil", ["C1", "C1"], [box(0, 0, 1, 1), box(1, 0, 2, 1)])
    (one,) = compare(overlay([civil, network("police", P1=(0, 0, 2, 1))])).agreements
    assert (one.code_a, one.code_b) == ("C1", "P1")


def test_a_crossed_outline_is_mended_and_compared():
    bow = shapely.Polygon([(111.2, 39.9), (111.201, 39.901), (111.201, 39.9), (111.2, 39.901)])
    civil = Network.of("civil", ["C1", "C2"], [bow, None])
    assert civil.codes == ("C1",)
    assert compare(overlay([civil, network("police", P1=(0, 0, 1, 1))])).agreements == ()


@pytest.mark.parametrize(
    ("networks", "says"),
    [
        ([], "no network"),
        ([network("a", X=(0, 0, 1, 1)), network("a", X=(0, 0, 1, 1))], "two networks"),
        ([Network.of("a", ["X"], [None])], "no grid"),
    ],
)
def test_what_cannot_be_compared_is_said(networks, says):
    with pytest.raises(InvalidGrids, match=says):
        overlay(networks)
