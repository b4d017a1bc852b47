import numpy as np
import pytest
from astropy.stats import binom_conf_interval
from matplotlib.colors import to_hex
from presenting import INF, NAN, axes, check, figure, legend, present, steps, table, texts, units
from scipy.stats import ks_2samp

from reportgen.analyses.population import Population
from reportgen.analyses.population_views import binomial_fraction
from reportgen.style import SERIES

VALUES = [0.0, 1.0, 1.0, 2.0, 3.0, 3.0, 3.0, 4.0]
FLAGS = [0.0, 1.0, 0.0, 0.0, 1.0, 1.0, 0.0, 0.0]


def population(values=VALUES, flags=FLAGS, units=None, **keys):
    keys = {"bins": 4, "subset": "flag", "subset_label": "Hosts", **keys}
    return present(Population, {"a": values, "flag": flags}, units, column="a", **keys)


# Both histograms


def test_both_groups_are_drawn_in_percent_of_their_own_number():
    section = population()
    edges = [0.0, 1.0, 2.0, 3.0, 4.0]
    drawn = steps(figure(section, "distributions"))
    assert list(drawn) == ["All objects (8)", "Hosts (3)"]
    whole, hosts = drawn.values()
    assert whole == (pytest.approx([12.5, 25, 12.5, 50]), edges)
    assert hosts == (pytest.approx([0, 100 / 3, 0, 200 / 3]), edges)
    found = table(section, "distributions")
    assert found["n_all"] == [1, 2, 1, 4]
    assert found["n_subset"] == [0, 1, 0, 2]
    assert legend(figure(section, "distributions")) == ["All objects (8)", "Hosts (3)"]


def test_axes_name_the_quantity_and_its_unit():
    section = population(units={"a": "uJy"})
    drawn = axes(figure(section, "distributions"))
    assert (drawn.get_xlabel(), drawn.get_ylabel()) == ("a [µJy]", "Share of each group [%]")
    drawn = axes(figure(section, "fraction"))
    assert (drawn.get_xlabel(), drawn.get_ylabel()) == ("a [µJy]", "Hosts among all [%]")
    assert units(section, "bins")["bin_low"] == "uJy"
    assert units(section, "bins")["fraction"] == "%"


def test_the_whole_has_the_colour_of_its_column_and_the_subset_another():
    section = population()
    whole, hosts = axes(figure(section, "distributions")).patches
    assert to_hex(whole.get_edgecolor()) == SERIES[0]
    assert to_hex(hosts.get_edgecolor()) != SERIES[0]
    points = axes(figure(section, "fraction")).lines[-1]
    assert to_hex(points.get_color()) == to_hex(hosts.get_edgecolor())


def test_the_caption_counts_what_is_outside_the_range():
    caption = figure(population(above=1, below=3), "distributions").caption
    assert caption.endswith("Outside the range: 2 of all.")
    assert "Outside" not in figure(population(), "distributions").caption


def test_the_alternative_text_names_the_fullest_bin_of_each_group():
    assert figure(population(), "distributions").alt.endswith(
        "All objects: most (50.0\u00a0%) between 3 and 4. "
        "Hosts: most (66.7\u00a0%) between 3 and 4."
    )


def test_the_alternative_text_claims_no_fullest_bin_among_equals():
    section = population([0.0, 1.0, 2.0, 3.0], [1.0, 1.0, 0.0, 0.0])
    alt = figure(section, "distributions").alt
    assert "All objects: at most 25.0\u00a0% in a bin (4 bins)." in alt
    assert "Hosts: at most 50.0\u00a0% in a bin (2 bins)." in alt


# Their ratio


def test_the_fraction_of_each_bin_is_drawn_with_its_wilson_interval():
    section = population()
    fraction = np.array([0, 0.5, 0, 0.5])
    low, high = binom_conf_interval([0, 1, 0, 2], [1, 2, 1, 4], interval="wilson")
    drawn = axes(figure(section, "fraction"))
    points, bars = drawn.lines[-1], drawn.collections[0]
    assert points.get_xydata() == pytest.approx(
        np.stack([[0.5, 1.5, 2.5, 3.5], 100 * fraction], axis=1)
    )
    ends = np.array([segment[:, 1] for segment in bars.get_segments()])
    assert ends == pytest.approx(100 * np.stack([low, high], axis=1), abs=1e-9)
    found = table(section, "fraction")
    assert found["fraction"] == pytest.approx(100 * fraction)
    assert found["fraction_low"] == pytest.approx(100 * low)
    assert found["fraction_high"] == pytest.approx(100 * high)


def test_the_dashed_line_is_the_fraction_over_all_bins():
    drawn = axes(figure(population(), "fraction"))
    assert drawn.lines[0].get_ydata() == pytest.approx([37.5, 37.5])
    note = drawn.texts[0]
    assert note.get_text() == "all\nbins"
    assert note.xy[1] == pytest.approx(37.5)


def test_what_names_the_dashed_line_stands_beside_the_data():
    drawn = figure(population(), "fraction")
    boxes = {text.get_text(): box for text, box in texts(drawn.drawing)}
    frame = axes(drawn).get_window_extent()
    assert boxes["all\nbins"].x0 >= frame.x1


def test_a_bin_without_objects_has_no_fraction():
    section = population([0.0, 0.0, 4.0], [1.0, 0.0, 1.0])
    assert table(section, "bins")["fraction"] == pytest.approx([50, NAN, NAN, 100], nan_ok=True)
    assert len(axes(figure(section, "fraction")).lines[-1].get_xdata()) == 2


def test_the_alternative_text_of_the_ratio_tells_its_ends():
    section = population([0.0, 0.0, 1.5, 4.0], [1.0, 0.0, 1.0, 0.0])
    assert figure(section, "fraction").alt.endswith(
        "From 0\u00a0% between 3 and 4 to 100\u00a0% between 1 and 2; 50.0\u00a0% over all bins."
    )


def test_the_alternative_text_of_the_ratio_does_not_choose_among_equals():
    assert (
        "From 0\u00a0% in 2 bins to 50.0\u00a0% in 2 bins;" in figure(population(), "fraction").alt
    )


def test_an_equal_ratio_everywhere_is_said_to_be_equal():
    alt = figure(population(flags=np.ones(8)), "fraction").alt
    assert alt.endswith("It is 100\u00a0% in every bin that is not empty.")


@pytest.mark.parametrize(
    ("chosen", "total"), [(0, 1), (1, 1), (3, 7), (0, 1000), (10**6, 10**6), (0, 0)]
)
def test_intervals_are_those_of_astropy(chosen, total):
    found = [float(bound[0]) for bound in binomial_fraction(np.array([chosen]), np.array([total]))]
    if total:
        low, high = binom_conf_interval(chosen, total, interval="wilson")
        assert found == pytest.approx([chosen / total, low, high], rel=1e-12, abs=1e-15)
    else:
        assert np.isnan(found).all()


# Numbers and findings


def test_metrics_are_those_of_numpy_and_scipy():
    random = np.random.default_rng(2)
    values, flags = random.normal(size=300), random.random(300) < 0.3
    metrics = population(values, flags.astype(float), cut=0.5).metrics
    hosts = values[flags]
    assert metrics["n_subset"].value == len(hosts)
    assert metrics["n_all"].value == 300
    assert metrics["median_subset"].value == pytest.approx(np.median(hosts))
    assert metrics["median_all"].value == pytest.approx(np.median(values))
    assert metrics["ks_distance"].value == pytest.approx(ks_2samp(hosts, values).statistic)
    rest = values[~flags]
    assert metrics["ks_distance_rest"].value == pytest.approx(ks_2samp(hosts, rest).statistic)
    assert metrics["above_cut_subset"].value == pytest.approx(100 * (hosts >= 0.5).mean())
    assert metrics["above_cut_all"].value == pytest.approx(100 * (values >= 0.5).mean())


def test_a_value_equal_to_the_cut_counts_as_at_least_the_cut():
    metrics = population(cut=3).metrics
    assert metrics["above_cut_all"].value == 50
    assert metrics["above_cut_all"].label == "All objects: at least 3"


def test_the_finding_compares_the_subset_with_all():
    assert population(units={"a": "uJy"}).findings == [
        "Hosts: 3 of 8 objects (37.5\u00a0%); their median a is 3 against a median of "
        "2.5\u00a0µJy of all, and the largest distance between the two distributions is 0.167."
    ]


def test_a_subset_of_one_has_no_median_but_its_value():
    section = population([1.0, 2.0, 9.0], [0.0, 0.0, 1.0])
    assert section.findings[0].startswith("Hosts: 1 of 3 objects (33.3\u00a0%); its a is 9 against")


def test_an_empty_subset_is_said_to_be_empty():
    section = population(flags=np.zeros(8))
    assert section.findings == ["Hosts: none of 8 objects."]
    assert np.isnan(section.metrics["median_subset"].value)
    assert np.isnan(population(flags=np.zeros(8), cut=1).metrics["above_cut_subset"].value)
    assert list(steps(figure(section, "distributions"))) == ["All objects (8)"]
    check(section)


def test_a_subset_of_everything_leaves_nothing_to_compare():
    section = population(flags=np.ones(8))
    assert section.findings == ["Hosts: all of 8 objects, so there is nothing to compare."]
    assert np.isnan(section.metrics["ks_distance_rest"].value)
    check(section)


def test_a_range_without_values_is_said_to_be_empty():
    section = population(above=50, below=60)
    for name in ("distributions", "fraction"):
        drawn = axes(figure(section, name))
        assert "no values in this range" in [text.get_text() for text in drawn.texts]
    assert figure(section, "fraction").alt.endswith("No bin has objects.")
    check(section)


def test_infinite_values_are_left_out_and_counted():
    section = population([1.0, 2.0, INF, -INF], [1.0, 0.0, 1.0, 0.0])
    assert section.notes == ["Left out: 2 infinite values."]
    assert section.metrics["n_all"].value == 2


def test_rows_outside_the_selection_are_in_neither_group():
    section = population(where="a < 3")
    assert section.metrics["n_all"].value == 4
    assert section.metrics["n_subset"].value == 1


def test_beyond_exact_rows_the_notes_say_what_is_approximate():
    random = np.random.default_rng(4)
    values, flags = random.lognormal(size=300_000), (random.random(300_000) < 0.3).astype(float)
    exact, rough = population(values, flags), population(values, flags, exact=False)
    assert not exact.notes
    assert rough.notes[0].startswith("Medians and distances are approximate (values to ")
    # Values that share a key are not told apart.
    for name, error in (("median_all", {"rel": 1e-3}), ("ks_distance", {"abs": 1e-4})):
        expected = pytest.approx(exact.metrics[name].value, **error)
        assert rough.metrics[name].value == expected
