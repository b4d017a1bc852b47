"""Row groups that hold no selected row are not read, and numbers are the same without them."""

import datetime

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from projects import Project, section

from reportgen.config.columns import Column
from reportgen.config.expressions import ExpressionError, parse, parse_expression
from reportgen.data.catalogue import Catalogue
from reportgen.data.dataset import ColumnPlace
from reportgen.data.opening import describe_here, row_groups

pa = pytest.importorskip("pyarrow", reason="pyarrow is not installed")
pq = pytest.importorskip("pyarrow.parquet", reason="pyarrow is not installed")

KINDS = {"x": "number", "y": "number", "i": "integer", "s": "text", "d": "time", "b": "integer"}
DAY = datetime.datetime(2024, 1, 1)
COMPUTED = {"c": parse_expression("x - y * 2"), "e": parse_expression("sqrt(x)")}
COLUMNS = {name: Column(name, kind=kind) for name, kind in KINDS.items()} | {
    name: Column(name) for name in COMPUTED
}


def catalogue(path, marks=()):
    """Return a catalogue of the columns of a file that are known here."""
    table = describe_here((path, ""))
    names = [column.name for column in table.columns]
    places = {name: ColumnPlace(path, field=name, missing=marks) for name in names}
    columns = {name: each for name, each in COLUMNS.items() if name in {*names, *COMPUTED}}
    return Catalogue("stars", table.rows, columns, places, computed=COMPUTED)


def rows_of(table, names):
    with table.reading(names) as read:
        return read(range(table.rows))


NUMBERS = st.one_of(
    st.none(),
    st.sampled_from([-0.0, 0.0, 1.0, -99.0, np.nan, np.inf, -np.inf, 1e308, 5e-324]),
    st.floats(-3, 3),
)
INTEGERS = st.one_of(
    st.none(),
    st.integers(-3, 3),
    st.integers(2**53 - 2, 2**53 + 3),
    st.integers(-(2**63), -(2**62)),
)
ROW = st.tuples(
    NUMBERS,
    NUMBERS,
    INTEGERS,
    st.sampled_from([None, "", "a", "b", "ä", "b\0"]),
    st.one_of(st.none(), st.integers(0, 9)),
    st.sampled_from([None, True, False]),
)


def written(*parts):
    """Return texts of parts: texts that stay as they are, lists of which one is taken, others."""
    chosen = [st.sampled_from([each] if isinstance(each, str) else each)
              if isinstance(each, str | list) else each for each in parts]  # fmt: skip
    return st.tuples(*chosen).map("".join)


CONSTANT = st.floats(-3, 3).map(repr) | written(
    ["0", "-0.0", "1e309", "-99", "9007199254740993", "9007199254740992"]
)
FUNCTIONS = ["abs", "sqrt", "log10", "log", "exp", "floor", "mag", "sin", "-"]
NUMBER = st.recursive(
    written([*"xyibce"]) | CONSTANT,
    lambda inner: st.one_of(
        written("(", inner, [*"+-*/%"], inner, ")"),
        written("(", inner, ") ** ", inner),
        written(FUNCTIONS, "(", inner, ")"),
        written(["min", "max"], "(", inner, ", ", inner, ")"),
        written("separation(", inner, ", ", inner, ", ", CONSTANT, ", ", CONSTANT, ")"),
    ),
    max_leaves=5,
)
SIGNS = [" < ", " <= ", " > ", " >= ", " == ", " != "]
COMPARISON = st.one_of(
    written(NUMBER, SIGNS, NUMBER),
    written(NUMBER, SIGNS, NUMBER, SIGNS, NUMBER),
    written(NUMBER, [" in (", " not in ("], CONSTANT, ", ", CONSTANT, ")"),
    written(["missing(", "valid("], [*"xyibscde"], ")"),
    written("s", [" == '", " != '"], [*"abäc"], "'"),
    written("d", SIGNS, "'2024-01-0", [*"123456789"], "'"),
)
CONDITION = st.recursive(
    COMPARISON,
    lambda inner: written("(", inner, [" and ", " or "], inner, ")") | written("not (", inner, ")"),
    max_leaves=4,
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("groups")


def as_table(rows):
    x, y, i, s, d, b = zip(*rows, strict=True)
    return pa.table(
        {
            "x": pa.array(x, pa.float64()),
            "y": pa.array(y, pa.float64()).cast(pa.float32(), safe=False),
            "i": pa.array(i, pa.int64()),
            "s": pa.array(s, pa.string()),
            "d": pa.array(
                [None if n is None else DAY + datetime.timedelta(n) for n in d], pa.timestamp("ns")
            ),
            "b": pa.array(b, pa.bool_()),
        }
    )


@settings(max_examples=300)
@given(
    rows=st.lists(ROW, min_size=1, max_size=12),
    size=st.integers(1, 4),
    texts=st.lists(CONDITION, min_size=1, max_size=2),
    marks=st.sampled_from([(), (-99.0,)]),
)
def test_selected_rows_are_the_same_as_when_all_are_read(folder, rows, size, texts, marks):
    path = folder / "rows.parquet"
    pq.write_table(as_table(rows), path, row_group_size=size)
    whole = catalogue(path, marks)
    try:
        conditions = [parse(text, COLUMNS) for text in texts]
    except ExpressionError:  # too large a number, or nothing that reads a column
        assume(False)
    some = whole.selecting(conditions)
    names = set(COLUMNS)
    known, found = rows_of(whole, names), rows_of(some, names)
    for condition in conditions:
        taken = np.broadcast_to(condition.selected(known), len(rows))
        assert np.array_equal(np.broadcast_to(condition.selected(found), len(rows)), taken)
        for name in names:
            given, expected = (np.atleast_2d(each[name]) for each in (found, known))
            for part in range(len(expected)):
                one = given[part] if part < len(given) else np.zeros(len(rows))
                assert repr(one[taken].tolist()) == repr(expected[part][taken].tolist())


@pytest.mark.parametrize(
    ("text", "groups"),
    [
        ("x >= 40 and x < 50", 1),
        ("between(x, 38, 41)", 2),
        ("x / 2 < 5", 1),
        ("abs(x - 50) < 2", 2),
        ("i == 9007199254741002", 2),  # as float64 rounds
        ("s == 'g3'", 1),
        ("s in ('g3', 'g9')", 2),
        ("d < '2024-01-10'", 1),
        ("d > '2024-01-11'", 9),
        ("separation(10 + x / 100, x, 10, 95) < 1", 1),
        ("x > 5 and y > 3", 1),  # missing in all other groups
        ("not x > 20", 3),
        ("x > 5 or missing(x)", None),  # a row that is not read would be selected
        ("sin(x) > 2", 10),
        ("x > 1000", 0),
    ],
)
def test_row_groups_are_read_that_may_hold_a_selected_row(tmp_path, text, groups):
    rows = np.arange(100)
    times = [DAY + datetime.timedelta(int(n)) for n in rows]
    table = pa.table(
        {
            "x": rows * 1.0,
            "y": pa.array(np.where(rows < 10, 7.0, 0.0), mask=rows >= 10),
            "i": rows + 2**53,
            "s": [f"g{n // 10}" for n in rows],
            "d": pa.array(times, pa.timestamp("us")),
            "b": rows < 50,
        }
    )
    path = tmp_path / "sorted.parquet"
    pq.write_table(table, path, row_group_size=10)
    taken = catalogue(path).selecting([parse(text, COLUMNS)]).taken
    assert (taken if groups is None else sum(map(len, taken))) == (groups and groups * 10)


def test_without_statistics_all_is_read(tmp_path):
    path = tmp_path / "plain.parquet"
    pq.write_table(pa.table({"x": np.arange(100.0)}), path, row_group_size=10, write_statistics=[])
    some = catalogue(path).selecting([parse("x < 3")])
    assert some.taken == (range(100),)


def test_keys_of_folders_and_files_of_a_pattern_are_known(tmp_path):
    for field in ("a", "b", "c"):
        place = tmp_path / f"s={field}"
        place.mkdir()
        pq.write_table(pa.table({"x": np.arange(10.0)}), place / "part.parquet")
        pq.write_table(pa.table({"x": np.arange(10.0) + ord(field)}), tmp_path / f"{field}.pq")
    some = catalogue(tmp_path / "[a-c].pq").selecting([parse("x > 107")])
    assert some.taken == (range(20, 30),)
    for name in "abc":
        (tmp_path / f"{name}.pq").unlink()
    whole = catalogue(tmp_path)
    some = whole.selecting([parse("s == 'b' and x > 3")])
    assert some.taken == (range(10, 20),)
    assert rows_of(some, "xs")["s"].tolist()[9:11] == [pytest.approx(np.nan, nan_ok=True), "b"]


def test_other_formats_know_no_row_groups(tmp_path):
    path = tmp_path / "rows.csv"
    path.write_text("x\n1\n2\n")
    assert row_groups([ColumnPlace(path, field="x")]) == []
    assert catalogue(path).selecting([parse("x > 5")]).taken is None


def damage_but(path, names, kept):
    """Overwrite the pages of all row groups but some."""
    data = bytearray(path.read_bytes())
    metadata = pq.ParquetFile(path).metadata
    for number in range(metadata.num_row_groups):
        for column in range(metadata.num_columns):
            said = metadata.row_group(number).column(column)
            if number not in kept:
                start = said.dictionary_page_offset or said.data_page_offset
                data[start : start + said.total_compressed_size] = bytes(said.total_compressed_size)
    path.write_bytes(data)


SECTIONS = {
    "all": section("overview", where="x >= 2e5 and x < 2.2e5"),
    "fluxes": section(
        "distribution", columns=["y"], histograms=[{"bins": 9}], where="x > 2.1e5 and x < 2.3e5"
    ),
}


def test_a_build_does_not_read_the_other_row_groups_and_finds_nothing_changed(tmp_path):
    project = Project(tmp_path)
    rows = 250_000
    random = np.random.default_rng(3)
    table = pa.table({"x": np.arange(rows) * 4.0, "y": random.lognormal(size=rows)})
    path = tmp_path / "stars.parquet"
    pq.write_table(table, path, row_group_size=5000, compression="zstd")
    catalogues = {"stars": {"file": path.name, "exact_rows": 1000}}
    project.configure(SECTIONS, catalogues=catalogues)
    assert project.build("--no-cache").returncode == 0
    whole = project.summary()["sections"]
    damage_but(path, ["x", "y"], {10, 11})  # 4 % of them
    first = project.build("--output", "other")
    assert first.returncode == 0, first.stderr
    assert project.build("--output", "other").stderr.count("unchanged") == len(SECTIONS)
    found = project.summary(tmp_path / "other" / "latest")["sections"]
    for one, two in zip(whole, found, strict=True):
        for name in ("metrics", "figures", "tables", "findings"):
            assert one[name] == two[name]
    sections = SECTIONS | {"more": section("overview")}
    project.configure(sections, catalogues=catalogues)
    assert "ERROR more" in project.build("--no-cache").stderr
