import numpy as np
import pytest
from matplotlib.colors import to_rgb
from presenting import NAN, axes, check, figure, present, table, texts

from reportgen.analyses.correlation import Correlation
from reportgen.style import INK

RANDOM = np.random.default_rng(8)
A = RANDOM.normal(size=60)
DATA = {
    "a": A,
    "b": -A + 0.2 * RANDOM.normal(size=60),
    "c": RANDOM.normal(size=60),
}


def correlation(data=None, **keys):
    data = data or DATA
    return present(Correlation, data, columns=list(data), **keys)


def cells(section):
    """Give the texts in the cells, row by row."""
    return [text.get_text() for text in axes(figure(section, "matrix")).texts]


# What is drawn


def test_cells_have_the_coefficients_of_the_table_as_colour_and_as_text():
    section = correlation()
    expected = np.corrcoef([DATA[name] for name in "abc"])
    (mesh,) = axes(figure(section, "matrix")).collections
    assert mesh.get_array().filled().reshape(3, 3) == pytest.approx(expected)
    found = table(section, "matrix")
    assert np.array([found[name] for name in "abc"]) == pytest.approx(expected)
    written = [float(text.replace("−", "-")) for text in cells(section)]
    assert written == pytest.approx(expected.ravel(), abs=0.005)


def test_colours_mean_the_same_in_every_matrix():
    (mesh,) = axes(figure(correlation(), "matrix")).collections
    assert mesh.get_clim() == (-1, 1)
    bar = axes(figure(correlation(), "matrix")).child_axes[0]
    assert bar.get_ylabel() == "Pearson's r (no unit)"


def test_the_first_column_is_at_the_top_and_at_the_left():
    drawn = axes(figure(correlation(), "matrix"))
    assert [label.get_text() for label in drawn.get_yticklabels()] == ["a", "b", "c"]
    assert drawn.yaxis_inverted()
    assert not drawn.xaxis_inverted()


def test_text_in_a_cell_can_be_read_on_its_colour():
    random = np.random.default_rng(8)
    k = 21
    base = random.normal(size=500)
    data = {
        f"c{i}": np.linspace(-1, 1, k)[i] * base
        + np.sqrt(1 - np.linspace(-1, 1, k)[i] ** 2) * random.normal(size=500)
        for i in range(k)
    }
    section = correlation(data)
    drawn = figure(section, "matrix")
    (mesh,) = axes(drawn).collections
    mesh.update_scalarmappable()
    grounds = mesh.get_facecolors()[:, :3]
    for text, ground in zip(axes(drawn).texts, grounds, strict=True):
        assert contrast(to_rgb(text.get_color()), ground) >= 4.5, text


def contrast(first, second):
    shares = np.array([0.2126, 0.7152, 0.0722])
    light = []
    for colour in (first, second):
        linear = np.where(
            np.asarray(colour) <= 0.04045,
            np.asarray(colour) / 12.92,
            ((np.asarray(colour) + 0.055) / 1.055) ** 2.4,
        )
        light.append(linear @ shares)
    return (max(light) + 0.05) / (min(light) + 0.05)


def test_text_stays_within_its_cell():
    random = np.random.default_rng(8)
    data = {f"c{i}": random.normal(size=9) for i in range(26)}
    drawn = figure(correlation(data), "matrix")
    side = axes(drawn).get_window_extent().width / 26
    written = {id(text): box for text, box in texts(drawn.drawing)}
    assert all(written[id(text)].width <= side for text in axes(drawn).texts)
    assert len(axes(drawn).texts) == 26**2


def test_a_matrix_with_cells_too_small_for_numbers_says_where_they_are():
    random = np.random.default_rng(8)
    data = {f"c{i}": random.normal(size=9) for i in range(40)}
    drawn = figure(correlation(data), "matrix")
    assert not axes(drawn).texts
    assert drawn.caption.endswith("The cells are too small for numbers, which are in the table.")


def test_a_coefficient_that_is_not_defined_is_a_dash_in_the_colour_of_text():
    section = correlation({"a": [1.0, 2.0, 3.0], "b": [5.0, 5.0, 5.0]})
    assert cells(section) == ["1.00", "—", "—", "—"]
    assert axes(figure(section, "matrix")).texts[1].get_color() == INK
    assert figure(section, "matrix").caption.endswith("; a dash where it is not defined.")
    assert figure(section, "matrix").alt.endswith("No coefficient is defined.")


def test_the_caption_speaks_of_a_dash_only_where_there_is_one():
    assert "dash" not in figure(correlation(), "matrix").caption


def test_a_coefficient_near_1_is_not_written_as_1():
    values = np.arange(200.0)
    section = correlation({"a": values, "b": values + 1.5 * np.sin(values), "c": values**1.001})
    assert 0.9995 < section.metrics["r_a_b"].value < 1
    assert cells(section)[1] == ">0.999"


def test_few_columns_fit_a_journal_column_and_many_take_the_full_width():
    random = np.random.default_rng(8)
    many = {f"c{i}": random.normal(size=9) for i in range(9)}
    assert figure(correlation(), "matrix").width == "column"
    assert figure(correlation(many), "matrix").width == "full"


def test_the_colour_bar_is_as_high_as_the_matrix():
    drawn = figure(correlation(), "matrix")
    matrix, bar = axes(drawn), axes(drawn).child_axes[0]
    list(texts(drawn.drawing))
    assert bar.get_window_extent().height == pytest.approx(matrix.get_window_extent().height)


# Rows


MISSING = {"a": [1.0, 2.0, 3.0, 4.0, NAN], "b": [2.0, 1.0, 5.0, NAN, 1.0], "c": [1, 2, NAN, 3, 4.0]}


def test_pairwise_takes_the_rows_valid_in_both():
    section = correlation(MISSING)
    assert table(section, "rows")["a"] == [4, 3, 3]
    assert section.metrics["r_a_b"].value == pytest.approx(
        np.corrcoef([1.0, 2.0, 3.0], [2.0, 1.0, 5.0])[0, 1]
    )
    assert "over rows valid in both columns" in figure(section, "matrix").caption


def test_complete_takes_the_rows_valid_in_all_columns():
    section = correlation(MISSING, rows="complete")
    assert table(section, "rows")["a"] == [2, 2, 2]
    assert section.metrics["r_a_b"].value == pytest.approx(-1)
    assert "over rows valid in all of the columns" in figure(section, "matrix").caption


def test_no_complete_row_is_an_error_that_says_what_is_lacking():
    data = {"a": [1.0, NAN], "b": [NAN, 2.0]}
    with pytest.raises(Exception, match="no row has values in all of a and b"):
        correlation(data, rows="complete")


def test_spearman_is_of_ranks():
    data = {"a": [1.0, 2.0, 3.0, 4.0], "b": [1.0, 10.0, 100.0, 1000.0]}
    assert correlation(data, method="spearman").metrics["r_a_b"].value == pytest.approx(1)
    assert correlation(data).metrics["r_a_b"].value < 0.95


def test_beyond_exact_rows_ranks_are_classes_and_the_notes_say_so():
    random = np.random.default_rng(8)
    data = {name: random.normal(size=5000) for name in "ab"}
    assert not correlation(data, method="spearman").notes
    notes = correlation(data, method="spearman", exact=False).notes
    assert notes == [
        "Spearman's coefficients are of 256 rank classes at most: the catalogue has more rows than "
        "its exact_rows."
    ]


# Findings


def with_coefficients(ab, ac):
    """Give three columns with nearly these correlations of a with b and with c."""
    n = 4000
    t = np.arange(n) * 2 * np.pi / n
    a, u, v = np.sin(t), np.sin(2 * t), np.sin(3 * t)
    return {
        "a": a,
        "b": ab * a + np.sqrt(1 - ab**2) * u,
        "c": ac * a + np.sqrt(1 - ac**2) * v,
    }


def test_the_strongest_pair_is_that_of_the_largest_absolute_coefficient():
    section = correlation(with_coefficients(-0.8, 0.3))
    assert section.findings == ["The strongest pair is a and b: Pearson's r = −0.80."]
    assert section.metrics["strongest"].value == pytest.approx(-0.8)


def test_pairs_that_are_equally_strong_are_all_named():
    a = np.array([1.0, -1.0, 1.0, -1.0])
    section = correlation({"a": a, "b": a, "c": -a})
    assert section.findings == [
        "The strongest pairs by Pearson's r are a with b (1.00), a with c (−1.00) and "
        "b with c (−1.00)."
    ]


def test_no_pair_is_called_strong_when_all_coefficients_are_0():
    a, b, c = [1.0, -1, 1, -1], [1.0, 1, -1, -1], [1.0, -1, -1, 1]
    assert correlation({"a": a, "b": b, "c": c}).findings == [
        "Pearson's r is 0 for every pair for which it is defined."
    ]


def test_two_columns_have_one_pair_and_one_sentence():
    data = {"a": [1.0, 2.0, 3.0], "b": [3.0, 2.0, 1.0]}
    assert correlation(data, with_column="a").findings == ["Pearson's r of a and b is −1.00."]


def test_what_correlates_with_the_chosen_column_is_named_with_its_sign():
    section = correlation(with_coefficients(-0.8, 0.3), with_column="a", limit=0.5)
    assert section.findings[0] == "a correlates above 0.5, by absolute value, with b (−0.80)."
    assert section.metrics["closest"].value == pytest.approx(0.8)


def test_that_nothing_correlates_is_said_with_the_largest():
    section = correlation(with_coefficients(0.2, -0.3), with_column="a", limit=0.5)
    assert section.findings[0] == (
        "Nothing correlates with a above 0.5, by absolute value; the largest Pearson's r is "
        "−0.30, with c."
    )


@pytest.mark.parametrize(
    ("r", "sentence"),
    [
        (0.5004, "a correlates above 0.5, by absolute value, with b (0.5004)."),
        (0.4996, "Nothing correlates with a above 0.5, by absolute value; the largest Pearson's r"
                 " is 0.4996, with b."),
    ],
)  # fmt: skip
def test_a_coefficient_near_the_limit_is_told_from_it(r, sentence):
    section = correlation(with_coefficients(r, 0.1), with_column="a", limit=0.5)
    assert section.findings[0] == sentence


def test_what_is_not_defined_is_not_claimed_to_be_uncorrelated():
    data = {**with_coefficients(0.2, 0.1), "d": np.ones(4000)}
    section = correlation(data, with_column="a")
    assert section.findings[0].endswith("with b. With d it is not defined.")
    alone = correlation(data, with_column="d")
    assert alone.findings[0] == "No correlation with d is defined."
    assert np.isnan(alone.metrics["closest"].value)


def test_one_row_has_no_correlation():
    section = correlation({"a": [1.0], "b": [2.0]}, with_column="a")
    assert section.findings == [
        "No correlation is defined: there are too few rows, or columns are constant."
    ]
    assert np.isnan(section.metrics["strongest"].value)
    check(section)


def test_every_pair_has_a_metric_of_its_own_whatever_the_names():
    random = np.random.default_rng(8)
    data = {name: random.normal(size=9) for name in ("a", "a_b", "b", "b_b")}
    metrics = correlation(data).metrics
    pairs = {name: m for name, m in metrics.items() if name.startswith("r_")}
    assert len(pairs) == 6
    assert all(name.isidentifier() for name in pairs)


def test_the_pairs_of_the_figure_are_in_its_table():
    section = correlation()
    found = table(section, "pairs")
    assert found["first"] == ["a", "a", "b"]
    assert found["second"] == ["b", "c", "c"]
    assert found["coefficient"] == [section.metrics[f"r_{p}"].value for p in ("a_b", "a_c", "b_c")]
    assert found["n"] == [60, 60, 60]
