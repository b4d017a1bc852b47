import numpy as np
import pytest
from presenting import (
    NAN,
    axes,
    check,
    figure,
    legend,
    present,
    present_file,
    table,
    values_of,
)
from scipy.stats import median_abs_deviation

from reportgen.analyses.colour_colour import ColourColour
from reportgen.errors import SectionError

RANDOM = np.random.default_rng(11)
X = RANDOM.normal(0.5, 0.4, 500)
DATA = {"x": X, "y": 0.7 * X + 0.2 + RANDOM.normal(0, 0.05, 500), "other": np.arange(500.0)}
UNITS = {"x": "mag", "y": "mag"}
SQUARE = [[0, 0], [1, 0], [1, 1], [0, 1]]


def colours(data=DATA, units=UNITS, **keys):
    return present(ColourColour, data, units, x="x", y="y", **keys)


def test_objects_in_regions_are_counted():
    regions = {"red": "x > 0.5 and y > 0.3", "square": SQUARE, "late": "other >= 400"}
    found = colours(regions=regions)
    x, y = DATA["x"], DATA["y"]
    inside = {
        "red": (x > 0.5) & (y > 0.3),
        "square": (x > 0) & (x < 1) & (y > 0) & (y < 1),
        "late": DATA["other"] >= 400,
    }
    values = values_of(found)
    for name, chosen in inside.items():
        assert values[name] == chosen.sum()
        assert values[f"{name}_percent"] == pytest.approx(chosen.mean() * 100)
    assert table(found, "regions")["n"] == [chosen.sum() for chosen in inside.values()]
    drawn = figure(found, "colours")
    assert legend(drawn) == [f"{name} ({inside[name].sum()})" for name in ("red", "square")]
    assert "No outline, as other columns decide: late." in drawn.caption
    check(found)


def test_distances_from_the_locus_are_at_right_angles_and_in_millimagnitudes():
    checks = [{"metric": "locus_median", "min": -10, "max": 10}]
    found = colours(locus={"line": [0.7, 0.2], "where": "x > 0"}, checks=checks)
    distance = ((DATA["y"] - 0.7 * X - 0.2) / np.hypot(1, 0.7))[X > 0] * 1000
    values, metrics = values_of(found), found.metrics
    assert values["locus_median"] == pytest.approx(np.median(distance))
    assert values["locus_scatter"] == pytest.approx(median_abs_deviation(distance, scale="normal"))
    assert (metrics["locus_scatter"].unit, values["locus_objects"]) == ("mmag", len(distance))
    drawn = figure(found, "colours")
    assert "limits of the checks of the median distance, −10 mmag and 10 mmag." in (
        drawn.caption.replace("\u00a0", " ")
    )
    check(found)


def test_colours_without_a_unit_have_distances_without_one():
    found = colours(units={}, locus={"line": [0.7, 0.2]}, regions={"red": "x > 0.5"})
    assert found.metrics["locus_scatter"].unit == ""
    assert values_of(found)["locus_scatter"] == pytest.approx(0.05 / np.hypot(1, 0.7), rel=0.25)
    check(found)


def test_objects_without_a_colour_are_left_out_and_said():
    data = {**DATA, "x": np.where(np.arange(500) < 100, NAN, X)}
    found = colours(data, regions={"everything": "x > -99 or y > -99"})
    assert values_of(found)["everything"] == values_of(found)["objects"] == 400
    assert found.notes == ["Without one of the colours: 100 rows."]


def test_many_objects_are_drawn_as_density_and_counted_alike_beyond_exact_rows():
    data = {name: np.tile(values, 30) + np.arange(15_000) * 1e-7 for name, values in DATA.items()}
    keys = {"regions": {"red": "x > 0.5", "square": SQUARE}, "locus": {"line": [0.7, 0.2]}}
    one, other = (present(ColourColour, data, UNITS, exact=e, x="x", y="y", **keys) for e in (1, 0))
    assert values_of(other)["red"] == values_of(one)["red"]
    assert values_of(other)["square"] == values_of(one)["square"]
    assert axes(figure(one, "colours")).collections
    check(other)


def test_nothing_to_draw_is_said():
    with pytest.raises(SectionError, match="no row has values in all of x and y"):
        colours({**DATA, "y": np.full(500, NAN)})


def test_the_wedge_of_the_atlas_counterparts_is_found_again():
    colour = {
        "x": {"expression": "log10(flux_ap2_58 / flux_ap2_36)"},
        "y": {"expression": "log10(flux_ap2_80 / flux_ap2_45)"},
    }
    wedge = "x > -0.1 and y > -0.2 and y <= 0.8 * x + 0.5"
    keys = {"x": "x", "y": "y", "regions": {"wedge": wedge}}
    found = present_file(
        ColourColour, "cdfs_real/atlas_swire_cdfs.fits", {"columns": colour}, **keys
    )
    assert values_of(found) == {
        "objects": 816,
        "wedge": 231,
        "wedge_percent": pytest.approx(100 * 231 / 816),
    }
    check(found)
