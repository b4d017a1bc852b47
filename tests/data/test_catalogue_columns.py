"""Columns that the YAML does not list, and what it says of those that it does."""

import h5py
import numpy as np
import pytest

from reportgen.config.columns import Column
from reportgen.config.loader import load_report
from reportgen.config.schema import CatalogueSection
from reportgen.config.types import CATALOGUES_OWN, ColumnRef, DecRef, RaRef
from reportgen.data.sources import look_at_catalogues
from reportgen.errors import ConfigError, SourceError

TABLE = np.array(
    [(2**60 + 1, 10.5, -5.0, 3.0, b"a", [1, 2], 1), (5, 11.5, -6.0, np.nan, b"b", [3, 4], 0)],
    [
        ("id", "i8"),
        ("RAJ2000", "f8"),
        ("DEJ2000", "f8"),
        ("S-1.4", "f4"),
        ("name", "S1"),
        ("pair", "f4", (2,)),
        ("class", "?"),
    ],
)


class Positions(CatalogueSection):
    analysis: str
    ra: RaRef = CATALOGUES_OWN
    dec: DecRef = CATALOGUES_OWN
    columns: tuple[ColumnRef, ...] = ()


@pytest.fixture
def load(tmp_path):
    with h5py.File(tmp_path / "radio.h5", "w") as file:
        file["cat"] = TABLE

    def load(catalogue="", section=""):
        path = tmp_path / "radio.yaml"
        path.write_text(
            "report: {id: radio, title: Radio}\n"
            f"catalogues: {{radio: {{file: radio.h5{catalogue}}}}}\n"
            f"sections: {{s: {{analysis: any, catalogue: radio, title: s{section}}}}}\n"
        )
        look = lambda *given: look_at_catalogues(*given, cache=False)  # noqa: E731
        return load_report(path, {"any": Positions}, (), {}, open_catalogues=look)

    return load


def columns(report):
    return report.opened["radio"].columns


def test_without_columns_all_numbers_and_texts_are_there_by_names_that_selections_can_use(load):
    report = load()
    assert list(columns(report)) == ["id", "RAJ2000", "DEJ2000", "S_1_4", "name", "class_"]
    assert columns(report)["S_1_4"] == Column("S_1_4", "S-1.4", order=1)
    assert report.opened["radio"].skipped == {
        "pair": "has 2 values in each row: name one with index",
    }
    kinds = {name: column.kind for name, column in columns(report).items()}
    assert (kinds["id"], kinds["class_"], kinds["name"]) == ("integer", "integer", "text")
    section = report.sections["s"]
    assert (section.ra.name, section.dec.name) == ("RAJ2000", "DEJ2000")


def test_a_dataset_of_one_dimension_is_a_column(load, tmp_path):
    with h5py.File(tmp_path / "radio.h5", "a") as file:
        file["flux"] = np.arange(3.0)
    report = load(", dataset: flux", ", ra: value, dec: value")
    assert list(columns(report)) == ["value"]
    assert report.opened["radio"].rows == 3


def test_what_the_yaml_says_of_a_column_stands_in_for_what_the_file_says_key_by_key(load):
    report = load(", columns: {S_1_4: {unit: mJy, missing: [3]}, class_: {label: Extended}}")
    found = columns(report)
    assert list(found) == ["id", "RAJ2000", "DEJ2000", "S_1_4", "name", "class_"]
    assert (found["S_1_4"].label, found["S_1_4"].unit) == ("S-1.4", "mJy")
    assert found["class_"].label == "Extended"
    with report.opened["radio"].reading(["S_1_4"]) as read:
        assert np.isnan(read(range(2))["S_1_4"]).all()


@pytest.mark.parametrize(
    ("more", "names"),
    [
        (", columns: {flux: {field: S-1.4}}", ["flux"]),
        (
            ", others: true, columns: {flux: {field: S-1.4}}",
            ["id", "RAJ2000", "DEJ2000", "S_1_4", "name", "class_", "flux"],
        ),
        (", others: false, columns: {id: {}}", ["id"]),
        (", columns: {pair: {index: 1}}", ["pair"]),
        (", columns: {ID: {}}, others: false", ["ID"]),
    ],
)
def test_columns_that_say_where_they_are_are_the_only_ones_unless_others_are_wanted(
    load, more, names
):
    section = f", ra: {names[0]}, dec: {names[0]}"
    assert list(columns(load(more, section))) == names


def test_an_unknown_column_is_a_mistake_when_the_file_says_which_there_are(load):
    with pytest.raises(ConfigError, match=r"unknown column 'S'.*S_1_4"):
        load(section=", columns: [S]")
    with pytest.raises(ConfigError, match="unknown column 'S'"):
        load(section=", where: S > 1")


def test_positions_are_those_that_the_yaml_names(load):
    section = load(", ra: S_1_4, dec: id").sections["s"]
    assert (section.ra.name, section.dec.name) == ("S_1_4", "id")
    section = load(section=", ra: id").sections["s"]
    assert (section.ra.name, section.dec.name) == ("id", "DEJ2000")
    with pytest.raises(ConfigError, match="the declination is not known: name it as dec"):
        load(", others: false, columns: {id: {}, RAJ2000: {}}")


def test_of_a_file_that_is_not_there_nothing_is_known_and_no_column_is_a_mistake(load, tmp_path):
    report = load(", dataset: dog", ", columns: [anything]")
    assert isinstance(report.opened["radio"], SourceError)
    assert report.opened["radio"].message == (
        f"{tmp_path}/radio.yaml:2:38: catalogues.radio.dataset: {tmp_path}/radio.h5: "
        "unknown dataset '/dog' (known: /cat)"
    )
    assert report.sections["s"].columns[0].name == "anything"
