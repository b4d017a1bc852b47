from itertools import pairwise

import astropy.units as u
import numpy as np
import pytest
from astropy.coordinates import SkyCoord
from hypothesis import given, settings
from hypothesis import strategies as st
from splitting import NAN, bits, splits, table
from tables import Table

from reportgen.errors import SectionError
from reportgen.reduce import match as module
from reportgen.reduce.already_matched import AlreadyMatched
from reportgen.reduce.base import Chunk, OfCatalogue
from reportgen.reduce.match import (
    Match,
    MatchedColumns,
    ReferencePositions,
    offsets,
)
from reportgen.reduce.scan import Failure, of_other_catalogues, scan

RADIUS = 3.0
THEIRS = ReferencePositions("x", "y")
RULES = ("mutual", "nearest", "unique")


def matching(rule="mutual", radius=RADIUS, shift=0.0, where=None):
    return Match("ra", "dec", "other", THEIRS, radius, rule, where, shift)


def computed(statistic, own, other, exact=True):
    """Compute a statistic of two catalogues in a scan of each."""
    rows = 10**9 if exact else -1
    needed = of_other_catalogues([statistic], exact)
    assert set(needed) == {"other"}
    found = scan(needed["other"], Table(other), rows)
    known = {OfCatalogue("other", each): value for each, value in found.items()}
    value = scan([statistic], Table(own), rows, known=known)[statistic]
    if isinstance(value, Failure):
        raise value.error
    return value


def field(seed, objects=400, ra=359.9, dec=-27.0, spread=0.5):
    """Draw a dense field and another catalogue of parts of it, with errors of an arcsecond."""
    rng = np.random.default_rng(seed)
    own = at(ra + rng.uniform(-spread, spread, objects), dec + rng.uniform(-0.05, 0.05, objects))
    chosen = rng.choice(objects, objects // 3, replace=False)
    east, north = rng.normal(0.3, 1, len(chosen)), rng.normal(-0.2, 1, len(chosen))
    moved = own[chosen].spherical_offsets_by(east * u.arcsec, north * u.arcsec)
    return table(ra=own.ra.deg, dec=own.dec.deg), table(x=moved.ra.deg, y=moved.dec.deg)


def at(ra, dec):
    return SkyCoord(ra % 360, dec, unit="deg")


FIELDS = {
    "across RA 0": {},
    "at the north pole": {"dec": 89.99, "spread": 180},
    "at the south pole": {"dec": -89.99, "spread": 180},
    "on the equator": {"ra": 180.0, "dec": 0.0, "spread": 0.05},
}


@pytest.mark.parametrize("place", FIELDS)
@pytest.mark.parametrize("exact", [True, False])
def test_mutual_pairs_are_those_of_astropy_matched_both_ways(place, exact):
    keys = {**FIELDS[place]}
    keys["dec"] = np.clip(keys.get("dec", -27.0), -89.94, 89.94)
    own, other = field(1, 3000, **keys)
    found = computed(matching(), own, other, exact)
    ours, theirs = at(own["ra"], own["dec"]), at(other["x"], other["y"])
    there, apart, _ = ours.match_to_catalog_sky(theirs)
    back, _, _ = theirs.match_to_catalog_sky(ours)
    mutual = (apart.arcsec <= RADIUS) & (back[there] == np.arange(len(there)))
    assert 300 < mutual.sum() < 1000
    assert found.row.tolist() == np.flatnonzero(mutual).tolist()
    assert found.other.tolist() == there[mutual].tolist()
    assert found.separation == pytest.approx(apart.arcsec[mutual], abs=1e-6)
    assert (found.rows, found.objects) == (3000, 1000)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32), splits, st.sampled_from(RULES))
def test_pairs_are_the_same_bit_for_bit_for_any_split(seed, parts, rule):
    own, other = field(seed, 60, spread=0.003)
    own["ra"][::9] = NAN
    reduction = matching(rule, 20.0)
    reference = scan([THEIRS], Table(other), 100)[THEIRS]
    places = [0, *sorted(min(cut, 60) for cut in parts[0]), 60]
    states = []
    for start, stop in pairwise(places):
        rows = {name: values[start:stop] for name, values in own.items()}
        states.append(
            reduction.update(reduction.start(reference), Chunk(rows, stop - start, start))
        )
    merges = iter(parts[1])
    while len(states) > 1:
        place = next(merges, 0) % (len(states) - 1)
        states[place : place + 2] = [reduction.merge(*states[place : place + 2])]
    assert bits(reduction.finish(states[0])) == bits(computed(reduction, own, other))


def line(*arcsec):
    """Return positions on the equator, so many arcseconds to the east of RA 10°."""
    return 10 + np.array(arcsec) / 3600, np.zeros(len(arcsec))


def pairs_of(rule, ours, theirs, radius=RADIUS):
    (ra, dec), (x, y) = line(*ours), line(*theirs)
    found = computed(matching(rule, radius), table(ra=ra, dec=dec), table(x=x, y=y))
    return list(zip(found.row.tolist(), found.other.tolist(), strict=True)), found


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("mutual", [(0, 0), (3, 2)]),
        ("nearest", [(0, 0), (1, 0), (2, 0), (3, 2)]),
        ("unique", [(3, 2)]),
    ],
)
def test_what_each_rule_pairs(rule, expected):
    # Three of ours are near the first of theirs; the third has another within the radius.
    found, pairs = pairs_of(rule, ours=(0, 1, 2, 100), theirs=(0.2, 4.5, 100))
    assert found == expected
    assert pairs.ambiguous == 1
    assert pairs.separation[0] == pytest.approx(0.2 if rule != "unique" else 0, abs=1e-6)


def test_a_pair_that_is_not_mutual_is_none_though_each_is_the_nearest_that_is_left():
    # The second of theirs is the nearest of no row: both of ours are nearer to the first.
    found, _ = pairs_of("mutual", ours=(0, 1), theirs=(0.4, 2.5))
    assert found == [(0, 0)]


def test_of_equally_near_ones_the_first_is_taken():
    assert pairs_of("mutual", (0, 0), (0, 0))[0] == [(0, 0)]


def test_objects_that_the_reference_does_not_reach_are_counted_apart():
    theirs = np.arange(0, 1000, 100)
    _, found = pairs_of("mutual", ours=(0, 50, 950, 1300, 5000), theirs=theirs)
    assert (found.n, found.rows, found.outside) == (1, 5, 1)


@pytest.mark.parametrize(("ours", "theirs"), [((), (1, 2)), ((1, 2), ()), ((), ()), ((1,), (1,))])
def test_empty_sides_and_single_objects(ours, theirs):
    found, pairs = pairs_of("mutual", ours, theirs)
    assert len(found) == min(len(ours), len(theirs)) * (len(ours) == 1)
    assert (pairs.rows, pairs.objects) == (len(ours), len(theirs))


def test_rows_are_moved_to_the_east_for_matches_by_chance():
    (ra, dec), (x, y) = line(0, 10), line(60, 70)
    found = computed(matching(shift=60), table(ra=ra, dec=dec), table(x=x, y=y))
    assert found.n == 2


def test_columns_of_both_sides_come_with_the_pairs():
    own, other = field(3, 3000)
    own["size"], other["flux"] = own["ra"] * 2, other["y"] * 3
    wanted = MatchedColumns(matching(), ("ra", "size"), ("x", "flux"))
    for exact in (True, False):
        found = computed(wanted, own, other, exact)
        assert found.pairs.n > 300
        assert found.own["size"].tolist() == own["size"][found.pairs.row].tolist()
        assert found.other["flux"].tolist() == other["flux"][found.pairs.other].tolist()


def test_a_reference_that_is_too_large_says_what_to_do(monkeypatch):
    monkeypatch.setattr(module, "MOST_ROWS", 100)
    with pytest.raises(SectionError, match="over 100 objects") as caught:
        computed(matching(), *field(3, 600))
    assert "where:" in caught.value.hint


def test_offsets_are_along_the_sphere_and_ours_minus_theirs():
    ours = np.array([0.0001, 359.9999, 30.0, 200.0]), np.array([-60.0, 10.0, 89.999, -89.9999])
    theirs = np.array([359.9999, 0.0001, 210.0, 20.0]), np.array([-60.0, 10.0, 89.999, -89.9999])
    east, north = offsets(ours, theirs)
    expected = at(*theirs).spherical_offsets_to(at(*ours))
    assert east == pytest.approx(expected[0].arcsec, abs=1e-4)
    assert north == pytest.approx(expected[1].arcsec, abs=1e-4)
    assert east[0] > 0 > east[1]


def test_a_table_that_is_matched_already_pairs_rows_that_have_all_that_is_needed():
    rows = table(ra=[1, 2, NAN, 4], dec=[0, 0, 0, 0], x=[1, NAN, 3, 4.001], y=[0, 0, 0, 0])
    wanted = AlreadyMatched(("ra", "dec"), ("ra",), ("x", "y"), ("x", "y"), ("x", "y"))
    found = scan([wanted], Table(rows), 10)[wanted]
    assert found.pairs.rows == 3
    assert found.own["ra"].tolist() == [1, 4]
    assert found.pairs.separation == pytest.approx([0, 3.6], abs=1e-6)
