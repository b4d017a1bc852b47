"""Places of rows: regions for DS9, and links to Aladin Lite."""

import numpy as np
import pytest

from reportgen.analyses.results import Section, Table, TableColumn
from reportgen.render.saving import section_files
from reportgen.render.sky_files import MOST_REGIONS, covered_place, regions
from reportgen.render.tables import table_view

POSITION = ("ra", "dec")


def places(ra, dec, *more):
    columns = [TableColumn.of("ra", ra, "deg"), TableColumn.of("dec", dec, "deg"), *more]
    return Table("rows", "Rows", columns, position=POSITION)


def test_rows_with_a_position_are_regions_with_their_names():
    names = TableColumn.of("name", ["a {1}\n", "b", "c"])
    said = regions(places([53.1, np.nan, 0.0000001], [-27.8, 1.0, 89.5], names)).decode()
    assert said.splitlines() == [
        "# Region file format: DS9 version 4.1",
        "global color=green",
        "icrs",
        "point(53.1000000,-27.8000000) # point=circle text={a (1)\\n}",
        "point(0.0000001,89.5000000) # point=circle text={c}",
    ]


def test_too_many_rows_and_none_are_no_regions():
    many = np.zeros(MOST_REGIONS + 1)
    assert regions(places(many, many)) is None
    assert regions(places([np.nan], [0.0])) is None
    assert covered_place(places([np.nan], [0.0])) is None


@pytest.mark.parametrize(
    ("ra", "dec", "place"),
    [
        ([359.0, 1.0], [0.0, 0.0], (0.0, 0.0, 2.2)),
        ([10.0], [-30.0], (10.0, -30.0, 0.02)),
        ([0.0, 90.0, 180.0, 270.0], [89.0] * 4, (0.0, 90.0, 2.2)),
    ],
)
def test_a_place_is_the_middle_of_the_rows_across_0_hours_and_at_a_pole(ra, dec, place):
    found = covered_place(places(ra, dec))
    assert found[1:] == pytest.approx(place[1:], abs=1e-3)
    if abs(place[1]) < 90:
        assert (found[0] - place[0] + 180) % 360 == pytest.approx(180)


def test_the_right_ascension_of_a_row_on_the_page_leads_to_its_place(tmp_path):
    made = section_files(Section(["Found."], tables=[places([53.1, np.nan], [-27.8, 1.0])]), "part")
    for name, content in made.files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(content)
    (record,) = made.tables
    assert list(record.files) == ["ecsv", "csv", "reg", "tex"]
    (first, _), (second, _) = table_view(tmp_path, record, 10).rows
    address = "https://aladin.cds.unistra.fr/AladinLite/?target=53.100000%20-27.800000&fov=0.02"
    assert (first.link, second.link) == (address, "")


def test_a_table_without_these_columns_is_refused():
    with pytest.raises(ValueError, match="no columns of numbers ra and dec for positions"):
        Table("rows", "Rows", [TableColumn.of("ra", [1.0])], position=POSITION)
