"""Columns that are computed of others, and what real catalogues give."""

from pathlib import Path

import h5py
import numpy as np
import pytest
from projects import ROOT

from reportgen.config.columns import Column
from reportgen.config.loader import load_report
from reportgen.config.schema import CatalogueSection
from reportgen.config.sources import CatalogueBlock
from reportgen.config.types import AnyColumnRef, ColumnRef
from reportgen.data.catalogue import open_catalogues
from reportgen.data.sources import look_at_catalogues
from reportgen.errors import ConfigError, SourceError
from reportgen.reduce.counts import CountValues
from reportgen.reduce.distinct import CountNotComputable
from reportgen.reduce.scan import scan

TABLE = np.array(
    [(1, 150.0, 0.1, b"el1"), (2**60 + 1, 0.0, 0.0, b""), (3, -99.0, 0.2, b"cd")],
    [("id", "i8"), ("flux", "f4"), ("peak", "f8"), ("field", "S3")],
)
COLUMNS = """
      flux: {unit: uJy, missing: [-99]}
      peak: {unit: mJy}
"""


class Any(CatalogueSection):
    analysis: str
    columns: tuple[ColumnRef, ...] = ()
    all_columns: tuple[AnyColumnRef, ...] = ()


@pytest.fixture
def load(tmp_path):
    with h5py.File(tmp_path / "radio.h5", "w") as file:
        file["cat"] = TABLE

    def load(columns, section=""):
        path = tmp_path / "radio.yaml"
        path.write_text(
            "report: {id: radio, title: Radio}\n"
            "catalogues:\n  radio:\n    file: radio.h5\n    columns:\n"
            + COLUMNS.lstrip("\n")
            + "".join(f"      {line}\n" for line in columns)
            + f"sections: {{s: {{analysis: any, catalogue: radio, title: s{section}}}}}\n"
        )
        look = lambda *given: look_at_catalogues(*given, cache=False)  # noqa: E731
        return load_report(path, {"any": Any}, (), {}, open_catalogues=look)

    return load


def read(report, *names):
    catalogue = report.opened["radio"]
    with catalogue.reading(names) as rows:
        found = rows(range(catalogue.rows))
    assert found.keys() == set(names)
    return found


def test_a_computed_column_is_one_of_the_catalogue_with_the_unit_of_its_result(load):
    report = load(
        ["ratio: {expression: flux / peak, label: Ratio}", "fainter: {expression: flux/2}"]
    )
    columns = report.opened["radio"].columns
    assert columns["ratio"] == Column(
        "ratio", "Ratio", order=1, expression="flux / peak", computed_from=("flux", "peak")
    )
    assert (columns["fainter"].unit, columns["fainter"].order) == ("uJy", 1)
    assert read(report, "ratio")["ratio"] == pytest.approx([1.5, np.nan, np.nan], nan_ok=True)
    assert read(report, "ratio", "peak")["peak"].tolist() == [0.1, 0.0, 0.2]


def test_a_computed_column_may_use_others_in_any_order(load):
    report = load(
        [
            "c: {expression: b + 1}",
            "b: {expression: a * 2}",
            "a: {expression: peak, unit: uJy}",
            "is_bright: {expression: c > 0.15 mJy}",
        ]
    )
    assert read(report, "c", "is_bright")["c"] == pytest.approx([201, 1, 401])
    assert read(report, "is_bright")["is_bright"].tolist() == [1, 0, 1]
    assert report.opened["radio"].columns["c"].computed_from == ("peak",)


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        (["a: {expression: flux + b}", "b: {expression: a}"], [
            "8:11: catalogues.radio.columns.a.expression: at character 8: it is computed of itself",
            "a uses b uses a",
            "9:11: catalogues.radio.columns.b.expression: at character 1: it is computed",
        ]),
        (["a: {expression: a + 1}", "b: {expression: a * 2}"], ["8:11: ", "a uses a"]),
        (["a: {expression: flux + flx}"], ["8:11: ", "at character 8: unknown column 'flx'"]),
        (["a: {expression: lg(flux)}"], ["at character 1: unknown function 'lg'"]),
        (["a: {expression: 'flux +'}"], ["8:11: ", "cannot read 'flux +'"]),
        (["a: {expression: log10(flux)}"], ["at character 7: what log10 takes must"]),
        (["a: {expression: flux, unit: deg}"], ["8:11: ", "is in µJy, which cannot be °"]),
        (["a: {expression: field}"], ["field holds text, not numbers"]),
        (["a: {expression: flux, field: x}"], ["columns.a.field: a computed column is read"]),
    ],
)  # fmt: skip
def test_what_is_wrong_with_an_expression_is_said_with_its_place(load, columns, said):
    with pytest.raises(ConfigError) as caught:
        load(columns)
    for words in said:
        assert words in str(caught.value)


def test_an_expression_that_cannot_be_read_makes_no_other_column_a_mistake(load):
    with pytest.raises(ConfigError) as caught:
        load(["a: {expression: 'flux +'}"], ", where: id > 1")
    assert len(str(caught.value).splitlines()) == 1


def test_text_is_refused_where_numbers_are_needed(load):
    report = load([], ", all_columns: [field, flux], where: field == 'el1'")
    assert [column.kind for column in report.sections["s"].all_columns] == ["text", "number"]
    with pytest.raises(ConfigError, match="field holds text, where numbers are needed"):
        load([], ", columns: [field]")


def test_selections_are_of_texts_and_of_large_integers(load):
    report = load(["ratio: {expression: flux / peak}"])

    def rows(where):
        section = load(["ratio: {expression: flux / peak}"], f', where: "{where}"').sections["s"]
        counts = CountValues("peak", section.where)
        return scan([counts], report.opened["radio"], 1000)[counts].rows

    assert [rows(f"id == {2**60 + n}") for n in (0, 1, 2)] == [0, 1, 0]
    assert rows("field == 'el1'") == 1
    assert rows("field != 'el1'") == 1
    assert rows("field in ('el1', 'cd') and ratio > 1") == 1
    assert rows("flux < 0.2 mJy") == 2


def test_what_cannot_be_computed_is_counted_apart_from_what_is_missing(load):
    catalogue = load(["ratio: {expression: flux / peak}"]).opened["radio"]
    column = catalogue.columns["ratio"]
    lost = CountNotComputable("ratio", column.computed_from)
    counts = CountValues("ratio")
    found = scan([lost, counts], catalogue, 1000)
    assert (found[lost], found[counts].missing) == (1, 2)


def test_a_column_of_which_one_cannot_be_read_is_broken_and_the_others_are_not(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["cat"] = TABLE
    keys = {"file": tmp_path / "b.h5", "dataset": "x"}
    columns = {"lost": keys, "sum": {"expression": "lost + flux"}, "half": {"expression": "flux/2"}}
    block = {"file": tmp_path / "a.h5", "others": True, "columns": columns}
    where = lambda *_: "x.yaml:1:1: x"  # noqa: E731
    found = open_catalogues({"a": CatalogueBlock.model_validate(block)}, where)["a"]
    assert found.broken.keys() == {"lost", "sum"}
    assert isinstance(found.broken["sum"], SourceError)
    with found.reading(["half"]) as read:
        assert read(range(1))["half"].tolist() == [75]


def real(name, columns, missing=()):
    path = Path(ROOT / "../shared/data" / name).resolve()
    if not path.exists():
        pytest.skip(f"{path} is not here")
    keys = {name: {"expression": expression} for name, expression in columns.items()}
    block = CatalogueBlock.model_validate({"file": path, "missing": missing, "columns": keys})
    found = open_catalogues({"a": block}, lambda *_: "x.yaml:1:1: x")["a"]
    assert not found.mistakes
    with found.reading(columns) as read:
        return read(range(found.rows))


def robust(values):
    values = values[np.isfinite(values)]
    middle = np.median(values)
    return len(values), middle, 1.482602218505602 * np.median(np.abs(values - middle))


def test_colours_of_the_atlas_counterparts_are_those_of_numpy():
    found = real(
        "cdfs_real/atlas_swire_cdfs.fits",
        {
            "c36_45": "-2.5*log10(flux_ap2_36/flux_ap2_45)",
            "c80_24": "-2.5*log10(flux_ap2_80/flux_ap2_24)",
            "q24": "log10(flux_ap2_24/(1000*S))",
        },
        [-999, -99, -9.99],
    )
    assert robust(found["c36_45"]) == pytest.approx((816, -0.1992, 0.2417), abs=5e-5)
    assert robust(found["c80_24"]) == pytest.approx((682, 1.1410, 0.7932), abs=5e-5)
    assert robust(found["q24"]) == pytest.approx((682, 0.8697, 0.2273), abs=5e-5)


def test_ratios_and_flags_of_the_racs_catalogue_are_those_of_numpy():
    bits = {f"bit_{n}": f"bits(flags, {n})" for n in (1, 2, 4, 16)}
    name = "survey/flint_SB38959_RACS_1357-18_comp.fits"
    found = real(name, {"ratio": "int_flux / peak_flux", **bits})
    assert robust(found["ratio"]) == pytest.approx((7225, 1.12274, 0.19341), abs=5e-6)
    assert [np.count_nonzero(found[name]) for name in bits] == [34, 18, 253, 67]
