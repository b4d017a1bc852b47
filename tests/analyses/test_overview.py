import numpy as np
import pytest
from presenting import INF, NAN, axes, figure, present, table

from reportgen.analyses.overview import Overview
from reportgen.render.table_files import write_table
from reportgen.wording import number

DATA = {"a": [1.0, NAN, NAN, 4.0], "b": [1.0, 2.0, 3.0, 4.0], "c": [INF, 1.0, 2.0, 3.0]}
PERCENT = "\u00a0%"


def overview(data=None, **keys):
    return present(Overview, data or DATA, {"a": "mJy"}, **keys)


def test_bars_show_the_missing_fractions_of_the_table_beside_the_names():
    section = overview()
    drawn = axes(figure(section, "missing"))
    assert [bar.get_width() for bar in drawn.patches] == [50, 25]
    assert [text.get_text() for text in drawn.texts] == [f"{n}{PERCENT}" for n in ("50.0", "25.0")]
    assert [label.get_text() for label in drawn.get_yticklabels()] == ["a", "c"]
    middles = [bar.get_y() + bar.get_height() / 2 for bar in drawn.patches]
    assert drawn.get_yticks() == pytest.approx(middles)
    assert drawn.yaxis_inverted()
    assert drawn.get_xlabel() == "Rows without a value [%]"
    found = table(section, "missing")
    assert (found["fraction"], found["missing"]) == ([50, 0, 25], [2, 0, 0])
    assert found["infinite"] == [0, 0, 1]


def test_the_table_describes_each_column_in_its_unit():
    found = table(overview(), "columns")
    del found["5 %"], found["95 %"]
    assert found.pop("std") == pytest.approx([1.5, np.std(DATA["b"]), np.std([1, 2, 3])])
    assert found == {
        "column": ["a", "b", "c"],
        "quantity": ["a", "b", "c"],
        "unit": ["mJy", "–", "–"],
        "n": [2, 4, 3],
        "missing": [2, 0, 0],
        "infinite": [0, 0, 1],
        "min": [1, 1, 1],
        "median": [2.5, 2.5, 2],
        "max": [4, 4, 3],
        "mean": [2.5, 2.5, 2],
    }
    assert "infinite" not in table(overview({"a": [1.0]}), "columns")
    assert table(overview(columns=["c", "a"]), "columns")["column"] == ["c", "a"]


LACKS = f"2 rows, 2 columns. Values are missing in one: a (50.0{PERCENT})."


@pytest.mark.parametrize(
    ("data", "findings", "alt"),
    [
        ({"a": [1.0, NAN], "b": [1.0, 2.0]}, [LACKS], f"a 50.0{PERCENT}; the others have none"),
        (
            {"a": [1.0, NAN], "b": [NAN, NAN]},
            [
                f"2 rows, 2 columns. Values are missing in two: b (100{PERCENT}) and a "
                f"(50.0{PERCENT}).",
                "Without a single value: b.",
            ],
            f"b 100{PERCENT} and a 50.0{PERCENT}",
        ),
        (
            {"a": [1.0, INF], "b": [1.0, 2.0]},
            [LACKS, "Infinite values, left out of all statistics: a (1)."],
            f"a 50.0{PERCENT}; the others have none",
        ),
    ],
)
def test_words_say_what_is_missing(data, findings, alt):
    section = overview(data)
    assert section.findings == findings
    assert figure(section, "missing").alt.rpartition(": ")[2] == f"{alt}."


def test_no_rows_give_a_table_and_a_note_but_no_figure():
    section = overview({"a": np.empty(0)})
    assert section.findings == ["There are no rows."]
    assert section.notes == ["There is no figure because there are no rows."]
    assert not section.figures
    assert table(section, "columns")["n"] == [0]


def test_each_row_of_the_table_has_the_digits_that_its_column_asks_for():
    data = {
        "time": [2459000.6, 2459000.7, 2459000.9],
        "flux": [4.9e-16, 5.0e-16, 5.1e-16],
        "count": [1.0, 20.0, 300.0],
    }
    made = overview(data).tables[0]
    medians = next(column for column in made.columns if column.name == "median")
    shown = [number(*each) for each in zip(medians.values, medians.digits, strict=True)]
    assert shown == ["2,459,000.700", "5.000×10⁻¹⁶", "20"]


def test_integers_that_float64_cannot_tell_apart_keep_their_digits():
    ids = np.array([2**64 - 5, 2**64 - 1, 2**64 - 3], dtype=np.uint64)
    made = overview({"id": ids, "flux": [0.25, 2.0, 7.0], "n": [1.0, 2.0, 12345678.0]}).tables[0]
    files = write_table(made)
    for form, least in (("csv", str(2**64 - 5)), ("ecsv", str(2**64 - 5))):
        row = next(line for line in files[form].decode().splitlines() if line.startswith("id,"))
        assert [least, str(2**64 - 1)] == [row.split(",")[k] for k in (5, 9)]
    most = next(column for column in made.columns if column.name == "max")
    assert most.is_numeric
    shown = [number(*each) for each in zip(most.values, most.digits, strict=True)]
    assert shown == ["18,446,744,073,709,551,615", "7", "12,345,678"]


def test_flags_and_identifiers_have_counts_and_no_quantiles_or_means():
    k = np.arange(1200.0)
    flag = np.where(k % 4, 0.0, 1.0)
    section = overview({"source_id": k, "is_star": flag, "visits": k % 7, "quality": flag / 2})
    columns, held = table(section, "columns"), table(section, "distinct")
    for name in ("5 %", "median", "95 %", "mean", "std"):
        known = np.isfinite(np.array(columns[name], dtype=float))
        assert known.tolist() == [False, False, True, True], name
    assert columns["max"] == [1199, 1, 6, 0.5]
    assert held["column"] == ["source_id", "is_star", "visits"]
    assert held["distinct"] == [">1000", "2", "7"]
    assert held["commonest"][:2] == ["—", "0 (900) and 1 (300)"]


def test_floats_that_are_none_or_too_large_are_no_whole_numbers():
    data = {"empty": [np.nan] * 3, "large": [1e300, -1e300, 0.0], "n": [1.0, np.inf, 2.0]}
    held = table(overview(data), "distinct")
    assert (held["column"], held["distinct"]) == (["n"], ["2"])
