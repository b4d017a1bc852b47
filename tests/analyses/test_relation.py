import numpy as np
import pytest
from matplotlib.colors import to_hex
from presenting import NAN, axes, check, figure, present, table

from reportgen.analyses.relation import Relation
from reportgen.analyses.relation_panel import LEAST_IN_BIN
from reportgen.errors import SectionError
from reportgen.style import INK

RANDOM = np.random.default_rng(3)
X = RANDOM.lognormal(size=200)
Y = X + RANDOM.normal(size=200)


def relation(x=X, y=Y, units=None, **keys):
    return present(Relation, {"y": y, "x": x}, units, column="y", against=["x"], **keys)


def several(**columns):
    return present(Relation, columns, column="y", against=[n for n in columns if n != "y"])


def running_lines(drawn):
    """Return the lines of the running median and its bounds: x, 16 %, 84 %, 50 %."""
    lines = [line for line in axes(drawn).lines if to_hex(line.get_color()) == INK]
    return lines[0].get_xdata(), *(line.get_ydata() for line in lines)


# Panels


def test_few_objects_are_drawn_as_points():
    section = relation(x=[1.0, 2.0, NAN, 4.0], y=[5.0, 6.0, 7.0, NAN])
    (points,) = axes(figure(section, "against_x")).lines
    assert points.get_xydata().tolist() == [[1, 5], [2, 6]]
    assert points.get_linestyle() == "None"
    assert table(section, "against_x") == {"x": [1.0, 2.0], "y": [5.0, 6.0]}


def test_many_objects_are_drawn_as_density():
    section = relation(x=[0.0, 0.0, 2.0, 2.0], y=[0.0, 1.0, 4.0, 4.0], points=3, bins=2)
    drawn = figure(section, "against_x")
    (mesh,) = axes(drawn).collections
    assert mesh.get_array().filled(0).tolist() == [[2, 0], [0, 2]]
    assert table(section, "against_x") == {
        "x_low": [0.0, 1.0],
        "x_high": [1.0, 2.0],
        "y_low": [0.0, 2.0],
        "y_high": [2.0, 4.0],
        "n": [2, 2],
    }
    assert drawn.drawing.axes[1].get_ylabel() == "Objects per cell"
    assert drawn.alt.startswith("y against x: 4 objects as density in 2 × 2 cells.")


def test_the_running_median_and_its_band_are_quantiles_in_bins():
    section = relation(median_bins=3)
    edges = np.linspace(X.min(), X.max(), 4)
    place = np.minimum(np.digitize(X, edges) - 1, 2)
    n = np.bincount(place, minlength=3)
    drawn = n >= LEAST_IN_BIN
    assert drawn.tolist() != [True] * 3
    expected = np.array([np.quantile(Y[place == i], [0.16, 0.84, 0.5]) for i in range(3)])
    x, *lines = running_lines(figure(section, "against_x"))
    assert x == pytest.approx((edges[1:] + edges[:-1]) / 2)
    shown = np.where(drawn[:, None], expected, NAN)
    assert np.stack(lines, axis=1) == pytest.approx(shown, nan_ok=True)
    found = table(section, "running_against_x")
    assert np.array(found["median"])[drawn] == pytest.approx(expected[drawn, 2])
    assert found["n"] == n.tolist()


def test_objects_that_a_logarithmic_axis_cannot_show_are_counted():
    section = relation(x=[-1.0, 0.0, 1.0, 2.0], y=[1.0, 2.0, 3.0, 5.0], log_x=True)
    assert table(section, "against_x")["x"] == [1.0, 2.0]
    assert "Not drawn: 2 objects with x of 0 or less" in figure(section, "against_x").caption
    assert section.metrics["x_n"].value == 4


def test_a_panel_without_anything_to_draw_says_so():
    section = relation(x=[-1.0, -2.0, -4.0], y=[1.0, 2.0, 3.0], log_x=True)
    drawn = figure(section, "against_x")
    assert [text.get_text() for text in axes(drawn).texts] == ["no values to draw"]
    assert drawn.alt.startswith("y against x: no object can be drawn.")
    assert table(section, "against_x") == {"x": [], "y": []}
    check(section)


@pytest.mark.parametrize(
    ("x", "y", "said"),
    [
        (
            np.repeat([1.0, 2.0, 3.0], 20),
            np.repeat([5.0, 1.0, 4.0], 20),
            "The running median goes from 5 near 1.333 to 4 near 2.667, and lies between 1 and 5.",
        ),
        (
            np.repeat([1.0, 2.0], 20),
            np.ones(40),
            "The running median is 1 in every bin with objects enough. "
            "Their correlation is not defined.",
        ),
        (
            np.arange(3.0),
            np.arange(3.0),
            "There are too few objects for a running median. Spearman's ρ = 1.00",
        ),
    ],
)
def test_the_alternative_text_follows_the_running_median(x, y, said):
    section = relation(x=x, y=y, median_bins=3)
    assert f" as points. {said}" in figure(section, "against_x").alt
    few = "too few for a running median" in figure(section, "against_x").caption
    assert few == ("too few" in said)


# Correlations


UP, DOWN = [1.0, 2.0, 3.0, 4.0], [4.0, 3.0, 2.0, 1.0]
LARGEST = "Of 2 columns, y goes most with "


@pytest.mark.parametrize(
    ("columns", "finding"),
    [
        ({"y": UP, "x": DOWN}, "Spearman's ρ of y and x is −1.00 (n = 4)."),
        (
            {"y": UP, "up": UP, "down": DOWN},
            f"{LARGEST}up (ρ = 1.00, n = 4) and down (ρ = −1.00, n = 4).",
        ),
        (
            {"y": UP, "a": UP, "b": [5.0] * 4},
            f"{LARGEST}a (ρ = 1.00, n = 4). With b it is not defined.",
        ),
        (
            {"y": [1.0, 2, 2, 1], "a": [1.0, 1, 2, 2], "b": [2.0, 2, 1, 1]},
            "Spearman's ρ with y is 0 in every panel.",
        ),
        (
            {"y": [1.0], "x": [2.0]},
            "No correlation with y is defined: there are too few rows, or the values are all the "
            "same.",
        ),
    ],
)
def test_the_finding_names_what_correlates_most(columns, finding):
    assert several(**columns).findings == [finding]


def test_the_finding_says_where_the_running_median_goes_and_that_it_turns():
    x = np.repeat(np.arange(1.0, 7), 12)
    finding = several(y=np.repeat([0.9, 0.5, 0.1, 0.2, 0.6, 0.9], 12), x=x).findings[0]
    assert finding.startswith("Against x the median y is 0.9 near 1, 0.1 near 3 and 0.9 near 6. ")
    assert finding.endswith("(n = 72), and the running median does not rise or fall throughout.")
    straight = several(y=x, x=x).findings[0]
    assert straight == (
        "Against x the median y is 1 near 1 and 6 near 6. Spearman's ρ of y and x is 1.00 (n = 72)."
    )


def test_columns_without_a_common_row_are_an_error_that_names_them():
    with pytest.raises(SectionError, match="none of 2 rows has values of both y and x"):
        relation(x=[1.0, NAN], y=[NAN, 1.0])
