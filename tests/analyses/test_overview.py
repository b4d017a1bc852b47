from itertools import pairwise

import numpy as np
import pytest
from presenting import INF, LONG, NAN, axes, check, figure, present, table, texts

from reportgen.analyses.overview import Overview

DATA = {"a": [1.0, NAN, NAN, 4.0], "b": [1.0, 2.0, 3.0, 4.0], "c": [INF, 1.0, 2.0, 3.0]}


def overview(data=None, **keys):
    return present(Overview, data or DATA, {"a": "mJy"}, **keys)


def test_bars_have_the_missing_fractions_of_the_table():
    section = overview()
    bars = axes(figure(section, "missing")).patches
    assert [bar.get_width() for bar in bars] == [50, 0, 25]
    found = table(section, "missing")
    assert found["fraction"] == [50, 0, 25]
    assert found["missing"] == [2, 0, 0]
    assert found["infinite"] == [0, 0, 1]
    written = [text.get_text() for text in axes(figure(section, "missing")).texts]
    assert written == ["50.0\u00a0%", "0\u00a0%", "25.0\u00a0%"]
    assert axes(figure(section, "missing")).get_xlabel() == "Rows without a value [%]"


def test_each_bar_stands_beside_its_own_name():
    drawn = axes(figure(overview(), "missing"))
    assert [label.get_text() for label in drawn.get_yticklabels()] == ["a", "b", "c"]
    middles = [bar.get_y() + bar.get_height() / 2 for bar in drawn.patches]
    assert drawn.get_yticks() == pytest.approx(middles)
    assert drawn.yaxis_inverted()


def test_a_title_in_two_rows_leaves_its_neighbours_their_room():
    data = {f"c{i}": [1.0, NAN] for i in range(4)}
    section = present(Overview, data, labels={"c1": LONG, "c2": LONG})
    drawn = figure(section, "missing")
    labels = axes(drawn).get_yticklabels()
    boxes = {id(text): box for text, box in texts(drawn.drawing)}
    places = [boxes[id(label)] for label in labels]
    assert "\n" in labels[1].get_text()
    assert all(above.y0 >= below.y1 for above, below in pairwise(places))


def test_the_table_describes_each_column_in_its_unit():
    found = table(overview(), "columns")
    assert found["column"] == ["a", "b", "c"]
    assert found["unit"] == ["mJy", "–", "–"]
    assert found["n"] == [2, 4, 3]
    assert found["missing"] == [2, 0, 0]
    assert found["infinite"] == [0, 0, 1]
    assert found["min"] == [1, 1, 1]
    assert found["max"] == [4, 4, 3]
    assert found["median"] == [2.5, 2.5, 2]
    assert found["mean"] == [2.5, 2.5, 2]
    assert found["std"] == pytest.approx([1.5, np.std(DATA["b"]), np.std([1, 2, 3])])


def test_the_table_speaks_of_infinite_values_only_where_there_are_some():
    assert "infinite" not in table(overview({"a": [1.0]}), "columns")


def test_a_column_without_values_has_no_numbers():
    found = table(overview({"a": [NAN, NAN], "b": [1.0, 2.0]}), "columns")
    for name in ("min", "5 %", "median", "95 %", "max", "mean", "std"):
        assert np.isnan(found[name][0]), name
        assert np.isfinite(found[name][1]), name


def test_all_columns_of_the_catalogue_are_described_unless_some_are_named():
    assert table(overview(), "columns")["column"] == ["a", "b", "c"]
    assert table(overview(columns=["c", "a"]), "columns")["column"] == ["c", "a"]


def test_metrics_are_rows_columns_and_missing_fractions():
    metrics = overview().metrics
    assert metrics["rows"].value == 4
    assert metrics["columns"].value == 3
    assert metrics["a_missing"].value == 50
    assert metrics["c_missing"].value == 25


@pytest.mark.parametrize(
    ("data", "findings"),
    [
        ({"a": [1.0, 2.0]}, ["2 rows of 1 column, with every value there."]),
        (
            {"a": [1.0, NAN], "b": [1.0, 2.0]},
            ["2 rows of 2 columns; one lacks values, in 50.0\u00a0% of the rows."],
        ),
        (
            {"a": [1.0, NAN], "b": [NAN, NAN]},
            [
                "2 rows of 2 columns; 2 of the columns lack values, in up to 100\u00a0% of the "
                "rows.",
                "Without a single value: b.",
            ],
        ),
        (
            {"a": [1.0, INF], "b": [1.0, 2.0]},
            [
                "2 rows of 2 columns; one lacks values, in 50.0\u00a0% of the rows.",
                "Infinite values, left out of all statistics: a (1).",
            ],
        ),
    ],
)
def test_findings_say_what_is_missing(data, findings):
    assert overview(data).findings == findings


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({"a": [1.0], "b": [2.0]}, "in 2 columns: every value is there."),
        ({"a": [NAN, 1], "b": [1.0, 2]}, "in 2 columns: a 50.0\u00a0%; the others have none."),
        ({"a": [NAN, 1], "b": [NAN, NAN]}, "in 2 columns: b 100\u00a0% and a 50.0\u00a0%."),
        ({"a": [NAN]}, "in 1 column: a 100\u00a0%."),
    ],
)
def test_the_alternative_text_speaks_of_others_only_where_there_are_some(data, said):
    assert figure(overview(data), "missing").alt.endswith(said)


def test_no_rows_give_a_table_and_a_note_but_no_figure():
    section = overview({"a": np.empty(0)})
    assert section.findings == ["There are no rows."]
    assert section.notes == ["There is no figure because there are no rows."]
    assert not section.figures
    assert table(section, "columns")["n"] == [0]


def test_beyond_exact_rows_the_notes_say_that_quantiles_are_approximate():
    values = np.random.default_rng(6).lognormal(size=300_000)
    assert not overview({"a": values}).notes
    rough = overview({"a": values}, exact=False)
    assert rough.notes[0].startswith("Quantiles are approximate (to ")
    assert table(rough, "columns")["median"][0] == pytest.approx(np.median(values), rel=1e-3)
    check(rough)
