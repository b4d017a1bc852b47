import numpy as np
import pytest
from matplotlib.colors import to_hex
from presenting import INF, NAN, axes, check, figure, legend, present, steps, table, units

from reportgen.analyses.distribution import Distribution
from reportgen.style import SERIES

FLUXES = {"blue": [1.0, 2.0, 2.5, 7.0], "red": [3.0, 4.0, 9.0, NAN]}
UNITS = {"blue": "uJy", "red": "uJy"}
LABELS = {"blue": "3.6 μm flux density", "red": "4.5 μm flux density"}


def fluxes(**keys):
    return present(Distribution, FLUXES, UNITS, LABELS, columns=["blue", "red"], **keys)


def one(values, **keys):
    return present(Distribution, {"a": values}, columns=["a"], **keys)


# Histograms


def test_a_histogram_draws_the_counts_of_its_table():
    section = fluxes(histograms=[{"bins": 4}])
    edges = [1.0, 3.0, 5.0, 7.0, 9.0]
    expected = {"3.6 μm": ([3, 0, 0, 1], edges), "4.5 μm": ([0, 2, 0, 1], edges)}
    drawn = steps(figure(section, "histogram_1"))
    assert {label.replace("\u00a0", " "): outline for label, outline in drawn.items()} == expected
    assert table(section, "histogram_1") == {
        "bin_low": edges[:-1],
        "bin_high": edges[1:],
        "n_blue": [3, 0, 0, 1],
        "n_red": [0, 2, 0, 1],
    }
    assert units(section, "histogram_1")["bin_low"] == "uJy"


def test_axes_name_the_quantity_and_its_unit():
    section = fluxes(curves=[{}])
    assert axes(figure(section, "histogram_1")).get_xlabel() == "Flux density [µJy]"
    assert axes(figure(section, "histogram_1")).get_ylabel() == "Objects per bin"
    assert axes(figure(section, "sorted_1")).get_xlabel() == "Objects in order of value"
    assert axes(figure(section, "sorted_1")).get_ylabel() == "Flux density [µJy]"


def test_the_key_names_the_columns_by_what_tells_them_apart():
    section = fluxes(curves=[{}])
    for name in ("histogram_1", "sorted_1"):
        assert legend(figure(section, name)) == ["3.6\u00a0μm", "4.5\u00a0μm"]


def test_a_single_column_needs_no_key():
    assert not legend(figure(one([1.0, 2.0]), "histogram_1"))


def test_each_column_has_the_colour_of_its_place_in_the_catalogue():
    drawn = axes(figure(fluxes(), "histogram_1")).patches
    assert [to_hex(outline.get_edgecolor()) for outline in drawn] == list(SERIES[:2])
    alone = present(Distribution, FLUXES, UNITS, LABELS, columns=["red"])
    assert to_hex(axes(figure(alone, "histogram_1")).patches[-1].get_edgecolor()) == SERIES[1]


def test_columns_of_different_units_that_share_a_place_get_colours_of_their_own():
    data = {"flux": [1.0, 2.0], "size": [3.0, 4.0], "depth": [1.0, 4.0]}
    section = present(
        Distribution, data, {"flux": "Jy", "size": "arcsec"}, columns=["flux", "size", "depth"]
    )
    drawn = axes(figure(section, "histogram_1")).patches
    assert len({to_hex(outline.get_edgecolor()) for outline in drawn}) == 3


def test_ranges_of_one_section_count_each_value_once():
    values = [0.5, 149.99, 150.0, 999.0, 1000.0, 5000.0]
    views = [{"below": 150}, {"above": 150, "below": 1000}, {"above": 1000}]
    section = one(values, histograms=views)
    counts = [sum(table(section, f"histogram_{i}")["n_a"]) for i in (1, 2, 3)]
    assert counts == [2, 2, 2]


def test_a_logarithmic_histogram_has_bins_equal_in_the_logarithm():
    section = one([1.0, 3.0, 50.0, 1000.0], histograms=[{"log": True, "bins": 3}])
    found = table(section, "histogram_1")
    assert found["bin_low"] == pytest.approx([1, 10, 100])
    assert found["n_a"] == [2, 1, 1]
    assert axes(figure(section, "histogram_1")).get_xscale() == "log"


def test_a_logarithmic_axis_may_have_bins_equal_in_the_value():
    section = one([1.0, 3.0, 9.0], histograms=[{"log_axis": True, "above": 1, "bins": 4}])
    assert table(section, "histogram_1")["bin_low"] == pytest.approx([1, 3, 5, 7])
    assert axes(figure(section, "histogram_1")).get_xscale() == "log"


def test_on_a_logarithmic_count_axis_a_bin_of_one_stands_clear_and_empty_bins_are_gaps():
    section = one([1.0, 5.0, 5.0], histograms=[{"bins": 4, "log_counts": True}])
    drawing = figure(section, "histogram_1")
    assert axes(drawing).get_yscale() == "log"
    bottom = axes(drawing).get_ylim()[0]
    assert 0 < bottom < 1
    outline = axes(drawing).patches[-1].get_data()
    assert outline.values == pytest.approx([1, NAN, NAN, 2], nan_ok=True)
    assert outline.baseline == bottom


def test_the_caption_says_how_many_values_are_outside_and_why():
    section = one([-3.0, 0.0, 2.0, 4.0], histograms=[{"log": True, "below": 4, "bins": 2}])
    caption = figure(section, "histogram_1").caption
    assert "Valid values outside the range: a 3." in caption
    assert "Of them 0 or less, which a logarithmic axis cannot show: a 2." in caption


def test_the_caption_says_when_every_value_is_inside():
    assert figure(one([1.0, 2.0]), "histogram_1").caption == (
        "Objects in 50 bins; every valid value is inside."
    )


def test_a_column_with_nothing_in_the_range_is_named_and_not_drawn():
    section = fluxes(histograms=[{"above": 8, "below": 10}])
    assert list(steps(figure(section, "histogram_1"))) == ["4.5\u00a0μm"]
    assert figure(section, "histogram_1").caption.endswith(
        "Not drawn, as nothing of it is in the range: 3.6\u00a0μm."
    )
    assert "3.6\u00a0μm: no values here." in figure(section, "histogram_1").alt


def test_a_range_without_any_value_is_an_empty_plot_without_numbers_on_its_axes():
    section = one([1.0, 2.0], histograms=[{"above": 8, "below": 10}])
    drawn = figure(section, "histogram_1")
    assert drawn.title == "Histogram, 8 to 10"
    assert [text.get_text() for text in axes(drawn).texts] == ["no values in this range"]
    assert not axes(drawn).get_xticks().size
    assert drawn.caption.endswith("Valid values outside the range: a 2.")


def test_the_alternative_text_names_the_fullest_bin():
    section = one([1.0, 1.1, 1.2, 9.0], histograms=[{"bins": 4}])
    assert figure(section, "histogram_1").alt == (
        "Histogram in 4 bins, 1 to 9. a: 4 values, most (3) between 1 and 3."
    )


def test_the_alternative_text_claims_no_fullest_bin_among_equals():
    section = one([1.0, 2.0, 3.0, 4.0], histograms=[{"bins": 4}])
    assert "a: 4 values, at most 1 in a bin (4 bins)." in figure(section, "histogram_1").alt


# Curves


def test_a_curve_draws_the_sorted_values_of_its_table():
    section = fluxes(curves=[{}])
    blue, red = axes(figure(section, "sorted_1")).lines
    assert blue.get_xydata().tolist() == [[1, 1.0], [2, 2.0], [3, 2.5], [4, 7.0]]
    assert red.get_xydata().tolist() == [[1, 3.0], [2, 4.0], [3, 9.0]]
    assert table(section, "sorted_1") == {
        "column": ["blue"] * 4 + ["red"] * 3,
        "rank": [1, 2, 3, 4, 1, 2, 3],
        "value": [1.0, 2.0, 2.5, 7.0, 3.0, 4.0, 9.0],
    }


def test_a_thinned_curve_keeps_its_ends_and_says_so():
    section = one(np.arange(1000.0), curves=[{"points": 5}])
    assert table(section, "sorted_1")["value"][0] == 0
    assert table(section, "sorted_1")["value"][-1] == 999
    assert "Drawn at 5 evenly spaced ranks." in figure(section, "sorted_1").caption
    whole = one(np.arange(1000.0), curves=[{}])
    assert "evenly" not in figure(whole, "sorted_1").caption


def test_what_the_alternative_text_says_of_a_curve_is_one_of_its_points():
    section = one([1.0, 2.0, 5.0, 9.0], curves=[{}])
    assert figure(section, "sorted_1").alt.endswith("a: 4 values from 1 to 9, 5 at rank 3.")


def test_a_cut_curve_leaves_out_values_from_the_cut_on():
    section = one([1.0, 2.0, 5.0, 9.0], curves=[{"below": 5}])
    assert table(section, "sorted_1")["value"] == [1.0, 2.0]
    assert figure(section, "sorted_1").title == "Sorted values below 5"


def test_a_logarithmic_curve_says_how_many_values_it_cannot_show():
    values = [-3.0, -1.0, 0.0, 2.0, 4.0]
    section = one(values, curves=[{"log": True}])
    (line,) = axes(figure(section, "sorted_1")).lines
    assert line.get_ydata() == pytest.approx([NAN, NAN, NAN, 2, 4], nan_ok=True)
    assert figure(section, "sorted_1").caption.endswith(
        "Of 0 or less, which a logarithmic axis cannot show: a 3."
    )


def test_the_number_of_values_that_a_logarithmic_axis_cannot_show_is_exact_in_a_thinned_curve():
    section = one(np.arange(-700.0, 300.0), curves=[{"log": True, "points": 4}])
    assert "cannot show: a 701." in figure(section, "sorted_1").caption


def test_a_curve_of_one_value_is_a_point_that_can_be_seen():
    section = one([5.0], curves=[{}])
    (line,) = axes(figure(section, "sorted_1")).lines
    assert line.get_marker() == "."
    assert figure(section, "sorted_1").alt.endswith("a: 1 value, 5.")


def test_a_curve_below_a_cut_that_no_value_is_below_says_so():
    section = one([5.0, 6.0], curves=[{"below": 1}])
    assert table(section, "sorted_1") == {"column": [], "rank": [], "value": []}
    assert figure(section, "sorted_1").alt.endswith("There are none.")
    check(section)


# Tables, numbers and findings


def test_the_cut_table_has_what_each_cut_keeps_and_loses():
    section = fluxes(cuts=[2.5, 9])
    assert table(section, "cuts") == {
        "column": ["3.6\u00a0μm flux density"] * 2 + ["4.5\u00a0μm flux density"] * 2,
        "cut": [2.5, 9.0, 2.5, 9.0],
        "total": [4, 4, 3, 3],
        "below": [2, 4, 0, 2],
        "lost": [2, 0, 3, 1],
        "lost fraction": pytest.approx([50, 0, 100, 100 / 3]),
    }
    assert units(section, "cuts")["cut"] == "uJy"


def test_the_cut_table_of_an_empty_column_has_no_fraction():
    data = {"a": [1.0], "b": [NAN]}
    section = present(Distribution, data, columns=["a", "b"], cuts=[5])
    assert table(section, "cuts")["lost fraction"] == pytest.approx([0, NAN], nan_ok=True)


def test_quantiles_are_listed_for_each_column():
    section = fluxes(quantiles=[0.25, 0.5])
    found = table(section, "quantiles")
    assert found["25 %"] == pytest.approx([1.75, 3.5])
    assert found["50 %"] == pytest.approx([2.25, 4])
    assert found["n"] == [4, 3]
    assert "unit" not in found


def test_columns_of_different_units_are_not_given_one_unit():
    data = {"flux": [1.0, 2.0, 3.0], "size": [4.0, 5.0, 6.0]}
    unit = {"flux": "mJy", "size": "arcsec"}
    section = present(
        Distribution, data, unit, columns=["flux", "size"], cuts=[2], curves=[{"below": 5}]
    )
    assert axes(figure(section, "histogram_1")).get_xlabel() == "Value, each in its own unit"
    assert figure(section, "histogram_1").title == "Histogram, 1 to 6"
    assert figure(section, "sorted_1").title == "Sorted values below 5"
    assert units(section, "histogram_1")["bin_low"] == ""
    assert units(section, "sorted_1")["value"] == ""
    assert table(section, "quantiles")["unit"] == ["mJy", "″"]
    assert table(section, "cuts")["unit"] == ["mJy", "″"]
    assert section.findings[-1] == "Medians: flux 2\u00a0mJy and size 5″."


def test_metrics_have_the_numbers_and_units_of_each_column():
    metrics = fluxes(cuts=[2.5]).metrics
    assert metrics["blue_n"].value == 4
    assert metrics["red_n"].value == 3
    assert metrics["blue_median"].value == pytest.approx(2.25)
    assert metrics["blue_median"].unit == "uJy"
    assert metrics["red_mean"].value == pytest.approx(16 / 3)
    assert metrics["blue_std"].value == pytest.approx(np.std(FLUXES["blue"]))
    assert metrics["blue_below_2_5"].value == 2


def test_cuts_that_hardly_differ_have_metrics_of_their_own():
    metrics = one([1e6], cuts=[1000000.1, 1000000.2, -0.5]).metrics
    assert {"a_below_1000000_1", "a_below_1000000_2", "a_below_minus_0_5"} <= set(metrics)


def test_the_finding_tells_median_and_fullest_bin():
    section = one([1.0, 1.5, 2.0, 9.0, 9.0], histograms=[{"bins": 4}])
    assert section.findings == [
        "The median of 5 values is 2; the fullest bin, 1 to 3, holds 3 of them (60.0\u00a0%)."
    ]


def test_the_finding_names_no_fullest_bin_among_equals():
    section = one([1.0, 2.0, 3.0, 4.0], histograms=[{"bins": 4}])
    assert section.findings == [
        "The median of 4 values is 2.5; no bin holds more than 1 of them (25.0\u00a0%)."
    ]


@pytest.mark.parametrize(
    ("values", "finding"),
    [([5.0], "The only value is 5."), ([5.0, 5.0, NAN], "All 2 values are 5.")],
)
def test_the_finding_of_values_that_are_all_the_same_says_so(values, finding):
    assert one(values).findings == [finding]


def test_the_finding_about_cuts_counts_the_first_column():
    section = fluxes(cuts=[2.5, 100])
    assert section.findings[0] == (
        "3.6\u00a0μm flux density: of 4 objects, 2 below 2.5\u00a0µJy (50.0\u00a0%) and "
        "4 below 100\u00a0µJy (100\u00a0%)."
    )
    assert section.findings[1] == "Medians in µJy: 3.6\u00a0μm 2.25 and 4.5\u00a0μm 4."


def test_the_finding_about_cuts_is_of_the_first_column_that_has_values():
    data = {"a": [NAN, NAN], "b": [1.0, 3.0]}
    section = present(Distribution, data, columns=["a", "b"], cuts=[2])
    assert section.findings[0] == "b: of 2 objects, 1 below 2 (50.0\u00a0%)."
    assert section.notes == ["Without a valid value, so not drawn: a."]


def test_values_that_lie_close_together_are_told_apart():
    section = one([2460000.1, 2460000.2, 2460000.3, 2460000.3], histograms=[{"bins": 2}])
    assert section.findings == [
        "The median of 4 values is 2,460,000.250; the fullest bin, 2,460,000.200 to "
        "2,460,000.300, holds 3 of them (75.0\u00a0%)."
    ]
    assert figure(section, "histogram_1").title == "Histogram, 2,460,000.100 to 2,460,000.300"


def test_infinite_values_are_left_out_and_said():
    section = one([1.0, 2.0, INF, -INF])
    assert section.notes == ["Infinite values, left out of everything here: a 2."]
    assert section.metrics["a_mean"].value == 1.5


def test_beyond_exact_rows_quantiles_are_approximate_and_said_to_be():
    values = np.random.default_rng(1).lognormal(size=300_000)
    section = one(values, exact=False, curves=[{}])
    assert len(section.notes) == 1
    assert section.notes[0].startswith("Quantiles and curves are approximate (to ")
    assert section.metrics["a_median"].value == pytest.approx(np.median(values), rel=1e-3)
    assert sum(table(section, "histogram_1")["n_a"]) == 300_000


def test_a_selection_takes_only_its_rows():
    section = one([1.0, 2.0, 30.0], where="a < 10")
    assert section.metrics["a_n"].value == 2
    assert section.rows == 2


def test_the_alternative_text_of_many_columns_is_no_litany():
    many = {f"c{i}": [1.0, 2.0, i] for i in range(20)}
    section = present(Distribution, many, columns=list(many))
    alt = figure(section, "histogram_1").alt
    assert "c7: 3 values" in alt
    assert "c8:" not in alt
    assert alt.endswith("12 more columns not described here.")
