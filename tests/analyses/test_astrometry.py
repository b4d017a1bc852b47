import re

import numpy as np
import pytest
from presenting import NAN, figure, present, table, values_of

from reportgen.analyses.astrometry import Astrometry
from reportgen.errors import SectionError

DEGREES = {"ra": "deg", "dec": "deg", "x": "deg", "y": "deg", "err_ra": "arcsec"}
MATCH = {"catalogue": "ref", "ra": "x", "dec": "y", "radius": "3 arcsec"}
OFFSET = {"metric": "offset", "max": 0.5}


def sky(objects=30_000, seed=1, east=0.3, north=-0.2, scatter=0.5):
    """Draw a field across RA 0 h and the same objects in another catalogue."""
    rng = np.random.default_rng(seed)
    x, y = (360 + rng.uniform(-2, 2, objects)) % 360, rng.uniform(-35, -31, objects)
    east, north = (rng.normal(offset, scatter, objects) / 3600 for offset in (east, north))
    ra, dec = (x + east / np.cos(np.radians(y))) % 360, y + north
    return {"ra": ra, "dec": dec}, {"x": x, "y": y}


def made(own, ref, units=DEGREES, **keys):
    keys = {"ra": "ra", "dec": "dec", **({} if "matched" in keys else {"match": MATCH}), **keys}
    return present(Astrometry, own, units, others={"ref": ref}, **keys)


@pytest.fixture(scope="module")
def injected():
    return made(*sky(), checks=[OFFSET])


def test_an_offset_that_was_put_in_comes_out(injected):
    found = values_of(injected)
    error = 1.2533 * 0.5 / np.sqrt(found["matched"])
    assert found["matched"] > 29_900
    assert found["offset_ra"] == pytest.approx(0.3, abs=4 * error)
    assert found["offset_dec"] == pytest.approx(-0.2, abs=4 * error)
    assert found["offset_ra_error"] == pytest.approx(error, rel=0.02)
    assert found["scatter_ra"] == pytest.approx(0.5, rel=0.02)
    assert found["offset"] == pytest.approx(np.hypot(found["offset_ra"], found["offset_dec"]))
    # Objects that lie apart by chance: the density of theirs times the area of the circle.
    density = 30_000 / (4 * 3600 * 4 * 3600 * np.cos(np.radians(33)))
    assert found["chance_percent"] == pytest.approx(100 * density * np.pi * 9, rel=0.25)


def test_it_says_how_far_where_to_and_how_sure(injected):
    said = " ".join(injected.findings)
    assert re.search("0.2991″ to the east and 0.[12]...″ to the south", said)
    assert "within 3″" in said


def test_its_figures_show_the_limit_and_have_their_data(injected):
    plane = figure(injected, "offsets")
    assert "the limit of a check, 0.5″" in plane.caption
    cells = table(injected, "offsets")
    assert sum(cells["n"]) > 29_000
    separations = table(injected, "separations")
    assert sum(separations["n"]) == injected.metrics["matched"].value
    # Normal errors alone do not explain it, as there is an offset: Rayleigh peaks earlier.
    assert separations["rayleigh"][5] > separations["n"][5] * 0.5
    arrows = table(injected, "arrows")
    assert np.median(arrows["east"]) == pytest.approx(0.3, abs=0.02)
    assert min(arrows["n"]) >= 5


def test_limits_of_each_direction_and_of_separations_are_drawn():
    names = {"offset_ra": 0.4, "offset_dec": -0.3, "separation_95": 1.5}
    checks = [{"metric": name, "max": limit} for name, limit in names.items()]
    section = made(*sky(300), checks=[*checks, {"metric": "offset", "max": 500, "unit": "marcsec"}])
    caption = figure(section, "offsets").caption
    assert "limit of the checks to the east, 0.4″" in caption
    assert "limit of the checks to the north, −0.3″" in caption
    assert "the limit of a check, 0.5″" in caption
    assert "the limit of the checks, 1.5″" in figure(section, "separations").caption


def test_few_pairs_are_listed_one_by_one():
    own, ref = sky(200)
    section = made(own, ref)
    rows = table(section, "offsets")
    assert len(rows["east"]) == section.metrics["matched"].value
    assert np.median(rows["north"]) == pytest.approx(section.metrics["offset_dec"].value)


def test_identical_catalogues_are_off_by_nothing():
    own, _ = sky(500)
    section = made(own, {"x": own["ra"], "y": own["dec"]})
    found = values_of(section)
    assert found["matched_percent"] == 100
    assert found["offset"] == found["scatter_ra"] == found["separation_95"] == 0


def test_pulls_are_in_units_of_the_errors_which_may_have_another_unit():
    own, ref = sky(5000)
    own["err_ra"] = np.full(5000, 0.25)
    own["err_ra"][:100] = [0, -1] * 50  # no errors
    arcsec = made(own, ref, errors=["err_ra"])
    own["err_ra"] = own["err_ra"] * 1000
    mas = made(own, ref, units={**DEGREES, "err_ra": "mas"}, errors=["err_ra"])
    assert values_of(arcsec)["pull_ra"] == pytest.approx(2.0, rel=0.05)
    assert values_of(mas)["pull_ra"] == pytest.approx(values_of(arcsec)["pull_ra"])


@pytest.mark.parametrize(
    ("ref", "said"),
    [
        ({"x": [180.0, 181.0], "y": [10.0, 11.0]}, "No object lies where ref reaches"),
        ({"x": [NAN], "y": [1.0]}, "Ref has no objects with a position"),
        ({"x": [0.0], "y": [80.0]}, "No object lies where ref reaches"),
    ],
)
def test_nothing_matched_leaves_metrics_without_a_value_and_says_why(ref, said):
    own, _ = sky(50)
    section = made(own, ref)
    found = values_of(section)
    assert section.findings[0].startswith(said)
    assert found["matched"] == 0
    assert np.isnan([value for name, value in found.items() if name != "matched"]).all()
    assert section.figures == []


def test_a_table_that_is_matched_already():
    own, ref = sky(2000)
    ref["x"][:10] = NAN
    section = made({**own, **ref}, {"x": [], "y": []}, matched={"ra": "x", "dec": "y"})
    found = values_of(section)
    assert (found["matched"], found["unmatched"]) == (1990, 10)
    assert found["offset_ra"] == pytest.approx(0.3, abs=0.05)
    assert "chance_percent" not in found


def test_groups_of_pairs_name_the_one_that_is_farthest_off():
    own, ref = sky(3000)
    own["tile"] = np.repeat([1.0, 2.0, NAN], 1000)
    own["ra"][:1000] += 0.5 / 3600
    section = made(own, ref, by="tile", expect=[1, 2, 3])
    found = values_of(section)
    assert found["worst_offset_dec"] == pytest.approx(-0.2, abs=0.05)
    assert "tile" in section.metrics["worst_offset_ra"].label
    assert found["groups_absent"] == 1
    rows = table(section, "offset_ra_by_group")
    assert rows["median"][0] - rows["median"][1] == pytest.approx(0.5 * 0.84, abs=0.05)
    assert any("tile is missing" in note for note in section.notes)


def test_few_groups_are_drawn_by_themselves_with_the_same_axes():
    own, ref = sky(400)
    own["tile"] = np.arange(400) % 3 + 1.0
    section = made(own, ref, by="tile")
    each = figure(section, "offsets_of_each")
    panels = [axes for axes in each.drawing.axes if axes.axison]
    assert [axes.get_title(loc="left") for axes in panels] == ["1", "2", "3"]
    assert len({(axes.get_xlim(), axes.get_ylim()) for axes in panels}) == 1
    rows = table(section, "offsets_of_each")
    assert sum(rows["offsets"]) == pytest.approx(600, abs=20)  # percent, both ways
    own["tile"] = np.arange(400) % 7 + 1.0
    many = made(own, ref, by="tile")
    assert "offsets_of_each" not in [figure.id for figure in many.figures]


def test_positions_of_32_bits_tell_their_step():
    own, ref = sky(50)
    assert not any("32 bits" in note for note in made(own, ref).notes)
    own["ra"] = own["ra"].astype(np.float32).astype(float)
    step = 3600 * np.spacing(np.float32(own["ra"].max()))
    (note,) = made(own, ref).notes
    assert note.startswith("Our right ascensions have 32 bits each")
    assert f"{step:.3f}″" in note


@pytest.mark.parametrize(
    ("side", "name", "value", "said"),
    [
        (0, "ra", 400.0, "the catalogue has a right ascension of 400°"),
        (0, "dec", -99.0, "the catalogue has a declination of −99°"),
        (1, "x", -999.0, "the reference has a right ascension of −999°"),
    ],
)
def test_what_is_no_position_is_refused(side, name, value, said):
    data = sky(20)
    data[side][name][3] = value
    with pytest.raises(SectionError, match=said):
        made(*data)
