import numpy as np
import pytest
from matplotlib.colors import to_rgb
from presenting import LONG, NAN, axes, check, check_drawing, figure, present, table

from reportgen.analyses.correlation import Correlation
from reportgen.style import INK

RANDOM = np.random.default_rng(8)
A = RANDOM.normal(size=60)
DATA = {"a": A, "b": -A + 0.2 * RANDOM.normal(size=60), "c": RANDOM.normal(size=60)}
MISSING = {"a": [1.0, 2.0, 3.0, 4.0, NAN], "b": [2.0, 1.0, 5.0, NAN, 1.0], "c": [1, 2, NAN, 3, 4.0]}


def correlation(data=DATA, **keys):
    return present(Correlation, data, columns=list(data), **keys)


def matrix(section):
    return axes(figure(section, "matrix"))


def cells(section):
    """Return the texts in the cells, row by row."""
    return [text.get_text() for text in matrix(section).texts]


def noise(columns):
    return {f"c{i}": RANDOM.normal(size=9) for i in range(columns)}


# What is drawn


def test_cells_have_the_coefficients_of_the_tables_as_colour_and_as_text():
    section = correlation()
    expected = np.corrcoef([DATA[name] for name in "abc"])
    drawn = matrix(section)
    (mesh,) = drawn.collections
    assert mesh.get_array().filled().reshape(3, 3) == pytest.approx(expected)
    assert mesh.get_clim() == (-1, 1)
    found = table(section, "matrix")
    assert np.array([found[name] for name in "abc"]) == pytest.approx(expected)
    written = [float(text.replace("−", "-")) for text in cells(section)]
    assert written == pytest.approx(expected.ravel(), abs=0.005)
    assert [label.get_text() for label in drawn.get_yticklabels()] == ["a", "b", "c"]
    assert (drawn.yaxis_inverted(), drawn.xaxis_inverted()) == (True, False)
    pairs = table(section, "pairs")
    assert (pairs["first"], pairs["second"]) == (["a", "a", "b"], ["b", "c", "c"])
    assert pairs["coefficient"] == [section.metrics[f"r_{p}"].value for p in ("a_b", "a_c", "b_c")]
    assert pairs["n"] == [60, 60, 60]


def test_text_in_a_cell_can_be_read_on_its_colour():
    share, base = np.linspace(-1, 1, 21), RANDOM.normal(size=500)
    data = {f"c{r}": r * base + np.sqrt(1 - r**2) * RANDOM.normal(size=500) for r in share}
    data = dict(zip((f"c{i}" for i in range(21)), data.values(), strict=True))
    drawn = matrix(correlation(data))
    (mesh,) = drawn.collections
    mesh.update_scalarmappable()
    grounds = luminance(mesh.get_facecolors()[:, :3])
    inks = luminance(np.array([to_rgb(text.get_color()) for text in drawn.texts]))
    contrast = (np.maximum(inks, grounds) + 0.05) / (np.minimum(inks, grounds) + 0.05)
    assert contrast.min() >= 4.5


def luminance(colours):
    linear = np.where(colours <= 0.04045, colours / 12.92, ((colours + 0.055) / 1.055) ** 2.4)
    return linear @ (0.2126, 0.7152, 0.0722)


def test_a_matrix_with_cells_too_small_for_numbers_says_where_they_are():
    data = noise(25)
    section = correlation(data, labels={name: f"{LONG} {name}" for name in data})
    assert not cells(section)
    caption = "The cells are too small for numbers, which are in the table."
    assert figure(section, "matrix").caption.endswith(caption)


def test_a_matrix_of_many_columns_is_drawn_in_blocks_whose_labels_can_be_read():
    data = noise(52)
    section = correlation(data)
    assert [figure.title for figure in section.figures] == [
        "Pearson's r of columns 1 to 18 of 52",
        "Pearson's r of columns 1 to 18 with columns 19 to 35 of 52",
        "Pearson's r of columns 1 to 18 with columns 36 to 52 of 52",
        "Pearson's r of columns 19 to 35 of 52",
        "Pearson's r of columns 19 to 35 with columns 36 to 52 of 52",
        "Pearson's r of columns 36 to 52 of 52",
    ]
    found = {}
    for each in section.figures:
        pairs = table(section, each.data.id)
        found |= zip(
            zip(pairs["first"], pairs["second"], strict=True), pairs["coefficient"], strict=True
        )
        drawn = axes(each)
        (mesh,) = drawn.collections
        labels = [
            [label.get_text() for label in axis.get_ticklabels()]
            for axis in (drawn.yaxis, drawn.xaxis)
        ]
        expected = np.corrcoef(list(data.values()))
        places = [[list(data).index(name) for name in names] for names in labels]
        shown = mesh.get_array().filled().reshape(len(places[0]), -1)
        assert shown == pytest.approx(expected[np.ix_(*places)])
        check_drawing(each)
    assert len(found) == 52 * 51 / 2


def test_a_coefficient_that_is_not_defined_is_a_dash_in_the_colour_of_text():
    section = correlation({"a": [1.0, 2.0, 3.0], "b": [5.0, 5.0, 5.0]})
    assert cells(section) == ["1.00", "—", "—", "—"]
    assert matrix(section).texts[1].get_color() == INK
    assert figure(section, "matrix").caption.endswith("; a dash where it is not defined.")
    assert figure(section, "matrix").alt.endswith("No coefficient is defined.")
    assert "dash" not in figure(correlation(), "matrix").caption


# Rows


@pytest.mark.parametrize(
    ("rows", "n", "r", "said"),
    [
        (
            "pairwise",
            [4, 3, 3],
            np.corrcoef([1.0, 2.0, 3.0], [2.0, 1.0, 5.0])[0, 1],
            "both columns",
        ),
        ("complete", [2, 2, 2], -1, "all of the columns"),
    ],
)
def test_rows_are_those_valid_in_both_columns_or_in_all(rows, n, r, said):
    section = correlation(MISSING, rows=rows)
    assert table(section, "rows")["a"] == n
    assert section.metrics["r_a_b"].value == pytest.approx(r)
    assert f"over rows valid in {said}" in figure(section, "matrix").caption


# Findings


def with_coefficients(ab, ac):
    """Return three columns with nearly these correlations of a with b and with c."""
    n = 4000
    t = np.arange(n) * 2 * np.pi / n
    a, u, v = np.sin(t), np.sin(2 * t), np.sin(3 * t)
    b, c = (r * a + np.sqrt(1 - r**2) * x for r, x in ((ab, u), (ac, v)))
    return {"a": a, "b": b, "c": c}


SIGNS = np.array([1.0, -1.0, 1.0, -1.0])


@pytest.mark.parametrize(
    ("data", "finding"),
    [
        (with_coefficients(-0.8, 0.3), "The strongest pair is a and b: Pearson's r = −0.80."),
        (
            {"a": SIGNS, "b": SIGNS, "c": -SIGNS},
            "The strongest pairs by Pearson's r are a with b (1.00), a with c (−1.00) and "
            "b with c (−1.00).",
        ),
        (
            {"a": [1.0, -1, 1, -1], "b": [1.0, 1, -1, -1], "c": [1.0, -1, -1, 1]},
            "Pearson's r is 0 for every pair for which it is defined.",
        ),
        ({"a": [1.0, 2.0, 3.0], "b": [3.0, 2.0, 1.0]}, "Pearson's r of a and b is −1.00."),
        (
            {"a": [1.0], "b": [2.0]},
            "No correlation is defined: there are too few rows, or columns are constant.",
        ),
    ],
)
def test_the_finding_names_the_strongest_pair_or_all_that_are_as_strong(data, finding):
    section = correlation(data)
    assert section.findings == [finding]
    check(section)


ABOVE, NOTHING = (
    "a correlates above 0.5, by absolute value, with ",
    ("Nothing correlates with a above 0.5, by absolute value; the largest Pearson's r is "),
)


@pytest.mark.parametrize(
    ("coefficients", "sentence"),
    [
        ((-0.8, 0.3), f"{ABOVE}b (−0.80)."),
        ((0.2, -0.3), f"{NOTHING}−0.30, with c."),
        ((0.5004, 0.1), f"{ABOVE}b (0.5004)."),
        ((0.4996, 0.1), f"{NOTHING}0.4996, with b."),
    ],
)
def test_what_correlates_with_the_chosen_column_is_told_from_the_limit(coefficients, sentence):
    section = correlation(with_coefficients(*coefficients), with_column="a", limit=0.5)
    assert section.findings[0] == sentence
    assert section.metrics["closest"].value == pytest.approx(max(map(abs, coefficients)))


def test_what_is_not_defined_is_not_claimed_to_be_uncorrelated():
    data = {**with_coefficients(0.2, 0.1), "d": np.ones(4000)}
    section = correlation(data, with_column="a")
    assert section.findings[0].endswith("with b. With d it is not defined.")
    alone = correlation(data, with_column="d")
    assert alone.findings[0] == "No correlation with d is defined."
    assert np.isnan(alone.metrics["closest"].value)


def test_every_pair_has_a_metric_of_its_own_whatever_the_names():
    data = {name: RANDOM.normal(size=9) for name in ("a", "a_b", "b", "b_b")}
    pairs = [name for name in correlation(data).metrics if name.startswith("r_")]
    assert len(pairs) == 6
    assert all(name.isidentifier() for name in pairs)
