import numpy as np
import pytest
from astropy.stats import binom_conf_interval
from matplotlib.colors import to_hex
from presenting import axes, check, figure, legend, present, steps, table

from reportgen.analyses.population import Population
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
    drawn = figure(section, "distributions")
    assert legend(drawn) == list(steps(drawn)) == ["All objects (8)", "Hosts (3)"]
    whole, hosts = steps(drawn).values()
    assert whole == (pytest.approx([12.5, 25, 12.5, 50]), edges)
    assert hosts == (pytest.approx([0, 100 / 3, 0, 200 / 3]), edges)
    found = table(section, "distributions")
    assert (found["n_all"], found["n_subset"]) == ([1, 2, 1, 4], [0, 1, 0, 2])
    colours = [to_hex(outline.get_edgecolor()) for outline in axes(drawn).patches]
    points = axes(figure(section, "fraction")).lines[-1]
    assert colours[0] == SERIES[0] != colours[1] == to_hex(points.get_color())


# Their ratio


def test_the_fraction_of_each_bin_is_drawn_with_its_wilson_interval():
    section = population()
    fraction = np.array([0, 50, 0, 50])
    low, high = binom_conf_interval([0, 1, 0, 2], [1, 2, 1, 4], interval="wilson")
    drawn = axes(figure(section, "fraction"))
    points, bars = drawn.lines[-1], drawn.collections[0]
    assert points.get_xydata() == pytest.approx(np.stack([[0.5, 1.5, 2.5, 3.5], fraction], axis=1))
    ends = np.array([segment[:, 1] for segment in bars.get_segments()])
    assert ends == pytest.approx(100 * np.stack([low, high], axis=1), abs=1e-9)
    found = table(section, "fraction")
    assert found["fraction"] == pytest.approx(fraction)
    assert found["fraction_low"] == pytest.approx(100 * low, rel=1e-12, abs=1e-13)
    assert found["fraction_high"] == pytest.approx(100 * high, rel=1e-12)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (
            ([0.0, 0.0, 1.5, 4.0], [1.0, 0.0, 1.0, 0.0]),
            "From 0 % between 3 and 4 to 100 % between 1 and 2; 50.0 % over all bins.",
        ),
        ((VALUES, FLAGS), "From 0 % in 2 bins to 50.0 % in 2 bins; 37.5 % over all bins."),
        ((VALUES, np.ones(8)), "It is 100 % in every bin that is not empty."),
    ],
)
def test_the_alternative_text_of_the_ratio_tells_its_ends(data, said):
    alt = figure(population(*data), "fraction").alt
    assert alt.replace("\u00a0", " ").endswith(f"bins of a. {said}")


# Numbers and findings


def test_the_finding_compares_the_subset_with_all():
    assert population(units={"a": "uJy"}).findings == [
        "Hosts: 3 of 8 objects (37.5\u00a0%); their median a is 3 against a median of "
        "2.5\u00a0µJy of all, and the largest distance between the two distributions is 0.167."
    ]
    one = population([1.0, 2.0, 9.0], [0.0, 0.0, 1.0])
    assert one.findings[0].startswith("Hosts: 1 of 3 objects (33.3\u00a0%); its a is 9 against")


@pytest.mark.parametrize(
    ("flags", "said", "undefined"),
    [
        (np.zeros(8), "none of 8 objects.", ["median_subset", "above_cut_subset"]),
        (np.ones(8), "all of 8 objects, so there is nothing to compare.", ["ks_distance_rest"]),
    ],
)
def test_a_subset_of_nothing_or_of_everything_is_said_to_be_so(flags, said, undefined):
    section = population(flags=flags, cut=1)
    assert section.findings == [f"Hosts: {said}"]
    assert np.isnan([section.metrics[name].value for name in undefined]).all()
    check(section)


def test_a_range_without_values_is_said_to_be_empty():
    section = population(above=50, below=60)
    for name in ("distributions", "fraction"):
        drawn = axes(figure(section, name))
        assert "no values in this range" in [text.get_text() for text in drawn.texts]
    assert figure(section, "fraction").alt.endswith("No bin has objects.")
    check(section)
