import numpy as np
import pytest
from presenting import NAN, axes, check, figure, legend, present, steps, table, units

from reportgen.analyses.distribution import Distribution

FLUXES = {"blue": [1.0, 2.0, 2.5, 7.0], "red": [3.0, 4.0, 9.0, NAN]}
UNITS = {"blue": "uJy", "red": "uJy"}
LABELS = {"blue": "3.6 μm flux density", "red": "4.5 μm flux density"}


def fluxes(**keys):
    return present(Distribution, FLUXES, UNITS, LABELS, columns=["blue", "red"], **keys)


def one(values, **keys):
    return present(Distribution, {"a": values}, columns=["a"], **keys)


def plain(text):
    return text.replace("\u00a0", " ")


# Histograms


def test_a_histogram_draws_the_counts_of_its_table_with_names_and_units():
    section = fluxes(histograms=[{"bins": 4}], curves=[{}])
    edges = [1.0, 3.0, 5.0, 7.0, 9.0]
    drawn = figure(section, "histogram_1")
    outlines = {plain(label): outline for label, outline in steps(drawn).items()}
    assert outlines == {"3.6 μm": ([3, 0, 0, 1], edges), "4.5 μm": ([0, 2, 0, 1], edges)}
    assert table(section, "histogram_1") == {
        "bin_low": edges[:-1],
        "bin_high": edges[1:],
        "n_blue": [3, 0, 0, 1],
        "n_red": [0, 2, 0, 1],
    }
    assert units(section, "histogram_1")["bin_low"] == "uJy"
    assert axes(drawn).get_xlabel() == "Flux density [µJy]"
    assert axes(drawn).get_ylabel() == "Objects per bin"
    curve = figure(section, "sorted_1")
    assert axes(curve).get_ylabel() == "Flux density [µJy]"
    assert legend(drawn) == legend(curve) == ["3.6\u00a0μm", "4.5\u00a0μm"]
    assert not legend(figure(one([1.0, 2.0]), "histogram_1"))


@pytest.mark.parametrize(
    ("view", "edges", "counts"),
    [
        ({"log": True, "bins": 3}, [1, 10, 100], [2, 1, 1]),
        ({"log_axis": True, "above": 1, "below": 9, "bins": 4}, [1, 3, 5, 7], [1, 1, 0, 0]),
    ],
)
def test_a_logarithmic_axis_has_bins_equal_in_the_logarithm_or_in_the_value(view, edges, counts):
    section = one([1.0, 3.0, 50.0, 1000.0], histograms=[view])
    found = table(section, "histogram_1")
    assert found["bin_low"] == pytest.approx(edges)
    assert found["n_a"] == counts
    assert axes(figure(section, "histogram_1")).get_xscale() == "log"


def test_on_a_logarithmic_count_axis_a_bin_of_one_stands_clear_and_empty_bins_are_gaps():
    drawn = axes(
        figure(one([1.0, 5.0, 5.0], histograms=[{"bins": 4, "log_counts": True}]), "histogram_1")
    )
    bottom, outline = drawn.get_ylim()[0], drawn.patches[-1].get_data()
    assert drawn.get_yscale() == "log"
    assert 0 < bottom == outline.baseline < 1
    assert outline.values == pytest.approx([1, NAN, NAN, 2], nan_ok=True)


def test_limits_of_checks_are_dashed_lines_and_named():
    checks = [{"metric": "a_median", "min": 2, "max": 50}]
    drawn = figure(one([1.0, 2.0, 5.0], checks=checks), "histogram_1")
    assert [line.get_xdata()[0] for line in axes(drawn).lines] == [2]
    assert drawn.caption.endswith("Dashed: the limit of the checks, 2.")
    empty = figure(one([1.0], histograms=[{"above": 2, "below": 9}], checks=checks), "histogram_1")
    assert "Dashed" not in empty.caption


@pytest.mark.parametrize(
    ("values", "view", "said"),
    [
        ([1.0, 2.5], {}, "Objects in 50 bins; every valid value is inside."),
        ([1.0, 3.0], {}, "Objects in 3 bins; every valid value is inside."),
        (
            [-3.0, 0.0, 2.0, 4.0],
            {"log": True, "below": 4, "bins": 2},
            "Objects in 2 logarithmic bins. Valid values outside the range: a 3. Of them 0 or "
            "less, which a logarithmic axis cannot show: a 2.",
        ),
    ],
)
def test_the_caption_says_how_many_values_are_outside_and_why(values, view, said):
    assert figure(one(values, histograms=[view]), "histogram_1").caption == said


@pytest.mark.parametrize(
    ("values", "said", "finding"),
    [
        (
            [1.0, 1.5, 2.0, 9.0, 9.0],
            "1 to 9. a: 5 values; the fullest bin, 1 to 3, holds 3.",
            "a: median 2; 60.0 % of the objects lie between 1 and 3.",
        ),
        (
            [1.0, 2.0, 3.0, 4.0],
            "1 to 4. a: 4 values; no bin holds more than 1.",
            "a: median 2.5; no bin holds more than 25.0 % of the objects.",
        ),
        (
            [5.0],
            "4.5 to 5.5. a: 1 value; the fullest bin, 5 to 5.25, holds 1.",
            "The only value is 5.",
        ),
        (
            [2460000.1, 2460000.2, 2460000.3, 2460000.3],
            "2,460,000.100 to 2,460,000.300. a: 4 values; the fullest bin, 2,460,000.2500 to "
            "2,460,000.3000, holds 2.",
            "a: median 2,460,000.250; 50.0 % of the objects lie between 2,460,000.25 and "
            "2,460,000.30.",
        ),
    ],
)
def test_words_name_the_fullest_bin_only_where_there_is_one(values, said, finding):
    section = one(values, histograms=[{"bins": 4}])
    assert plain(figure(section, "histogram_1").alt) == f"Histogram in 4 bins, {said}"
    assert [plain(text) for text in section.findings] == [finding]


def test_a_share_is_that_of_the_values_between_the_edges_as_they_are_written():
    values = np.concatenate([np.linspace(9, 9.99, 100), np.full(30, 9.94), np.full(40, 9.96)])
    share = np.mean((values >= 9.9405) & (values <= 9.99))
    assert share < np.mean((values >= 9.94) & (values <= 9.99)) - 0.1
    said = f"a: median 9.845; {100 * share:.1f} % of the objects lie between 9.9405 and 9.9900."
    assert plain(one(values, histograms=[{"bins": 20}]).findings[0]) == said


def test_an_index_is_binned_from_0_to_1_and_its_hundredths_are_in_the_bins_they_begin():
    hundredths = np.round(np.arange(100) / 100, 2)
    found = table(one(hundredths, histograms=[{"bins": 20}]), "histogram_1")
    assert (found["bin_low"][0], found["bin_high"][-1]) == (0, 1)
    assert set(found["n_a"]) == {5}
    for other in (hundredths - 0.1, hundredths / 3, hundredths + 0.1):
        found = table(one(other, histograms=[{"bins": 20}]), "histogram_1")
        assert found["bin_high"][-1] == other.max()


def test_whole_numbers_have_bins_of_whole_numbers():
    section = one(np.tile(np.arange(60.0), 10), histograms=[{}, {"bins": 50}])
    found = table(section, "histogram_1")
    assert found["bin_low"] == (np.arange(60) - 0.5).tolist()
    assert set(found["n_a"]) == {10}
    assert set(table(section, "histogram_2")["n_a"]) == {10, 20}  # as was asked for
    section = one([0.0, 1.0, 1.0], histograms=[{}])
    drawn = figure(section, "histogram_1")
    assert drawn.alt.endswith("2 bins, 0 to 1. a: 3 values; the fullest bin, that of 1, holds 2.")
    assert axes(drawn).get_xticks().tolist() == [0, 1]
    wide = one(np.append(np.repeat(np.arange(1.0, 1001), 3), [205, 210]), histograms=[{}])
    assert "of the objects lie between 201 and 210." in wide.findings[0]


def test_integers_that_differ_are_not_said_to_be_the_same():
    section = one(np.array([2**62 + 1, 2**62 + 3, 2**62 + 2]), curves=[{}])
    assert section.findings[0].startswith("a: median 4.6116860184273879×10¹⁸.")
    assert section.notes == [
        "Integers of a are rounded to 16 digits, but for the smallest and largest."
    ]
    assert figure(section, "sorted_1").alt.endswith("a: 3 values, about 4.612×10¹⁸.")
    check(section)
    same = one(np.full(3, 2**62 + 1))
    assert same.findings == ["All 3 values are 4,611,686,018,427,387,905."]


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


@pytest.mark.parametrize(
    ("values", "keys", "drawn", "alt"),
    [
        ([1.0, 2.0, 5.0, 9.0], {}, [1, 2, 5, 9], "a: 4 values from 1 to 9, 5 at rank 3."),
        ([1.0, 2.0, 5.0, 9.0], {"below": 5}, [1, 2], "a: 2 values from 1 to 2, 2 at rank 2."),
        ([-3.0, 0.0, 4.0], {"log": True}, [NAN, NAN, 4], "a: 3 values from −3 to 4, 0 at rank 2."),
        ([5.0], {}, [5.0], "a: 1 value, 5."),
        ([5.0, 6.0], {"below": 1}, [], "There are none."),
    ],
)
def test_a_curve_shows_what_its_words_say(values, keys, drawn, alt):
    section = one(values, curves=[keys])
    found = [line.get_ydata() for line in axes(figure(section, "sorted_1")).lines]
    assert np.concatenate([*found, []]) == pytest.approx(np.array(drawn), nan_ok=True)
    assert figure(section, "sorted_1").alt.endswith(alt)
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
    assert [plain(finding) for finding in section.findings] == [
        "Of the objects, 50.0 % at 3.6 μm and 0 % at 4.5 μm are below 2.5 µJy.",
        "Of the objects, 100 % at 3.6 μm and 66.7 % at 4.5 μm are below 9 µJy.",
        "Medians in µJy: 3.6 μm 2.25 and 4.5 μm 4.",
    ]


def test_columns_of_different_units_are_refused():
    data, unit = {"flux": [1.0], "size": [4.0]}, {"flux": "mJy", "size": "arcsec"}
    with pytest.raises(ValueError, match="flux is in mJy and size is in arcsec: one axis cannot"):
        present(Distribution, data, unit, columns=list(data))


def test_a_cut_is_written_as_it_was_typed():
    section = one(
        [1e6, 1000000.15, 2e6], cuts=[1000000.1, 1000000.2], histograms=[{"below": 1000000.15}]
    )
    said = [f"Of the objects, {share} are below" for share in ("33.3 %", "66.7 %")]
    assert [plain(one) for one in section.findings[:2]] == [
        f"{said[0]} 1,000,000.1.",
        f"{said[1]} 1,000,000.2.",
    ]
    none = figure(one([5.0], histograms=[{"above": 7.00001, "below": 9}]), "histogram_1")
    assert none.title == "Histogram, 7.00001 to 9"


def test_cuts_that_hardly_differ_have_metrics_of_their_own():
    metrics = one([1e6], cuts=[1000000.1, 1000000.2, -0.5]).metrics
    assert {"a_below_1000000_1", "a_below_1000000_2", "a_below_minus_0_5"} <= set(metrics)
