import csv
import io

import numpy as np
import pytest
from astropy.table import Table as AstropyTable
from matplotlib.figure import Figure as Drawing
from PIL import Image
from pypdf import PdfReader

from reportgen.analyses.results import Figure, Metric, Section, Table, TableColumn
from reportgen.render.saving import section_files
from reportgen.render.tables import table_view
from reportgen.style import house_style

NUMBERS = Table("numbers", "Numbers", [TableColumn.of("n", [1, 2])])


def figure(identifier="line", data=NUMBERS):
    with house_style():
        drawing = Drawing(figsize=(3, 2))
        drawing.add_subplot().plot([1, 2])
    return Figure(identifier, drawing, "A line <b>", "A line from 1 to 2.", "Drawn.", data)


def files(**contents):
    return section_files(Section(findings=["Found."], **contents), "part")


def test_a_figure_is_saved_in_three_forms_and_its_numbers_in_two():
    made = files(figures=[figure()])
    assert list(made.files) == [
        "sections/part/figures/line.svg",
        "sections/part/figures/line.pdf",
        "sections/part/figures/line.png",
        "sections/part/tables/numbers.ecsv",
        "sections/part/tables/numbers.csv",
    ]
    svg, pdf, png, *_ = made.files.values()
    assert b"<svg" in svg
    assert pdf.startswith(b"%PDF-")
    assert png.startswith(b"\x89PNG")
    assert made.figures[0].files["svg"] == "sections/part/figures/line.svg"
    assert made.figures[0].table == "numbers"


def test_the_same_figure_gives_the_same_bytes():
    assert files(figures=[figure()]).files == files(figures=[figure()]).files


def labelled():
    drawing = figure()
    with house_style():
        drawing.drawing.axes[0].set(xlabel="Flux density [µJy]", ylabel="αβ ≤ 10⁻² objects of M☉")
    return drawing


def test_words_in_figures_are_text_in_our_fonts():
    svg, pdf, *_ = files(figures=[labelled()]).files.values()
    assert b">Flux density [\xc2\xb5Jy]</text>" in svg
    assert b"font-family: 'Reportgen Sans', 'Reportgen Signs', sans-serif" in svg
    page = PdfReader(io.BytesIO(pdf)).pages[0]
    assert "Flux density" in page.extract_text()
    fonts = [font["/DescendantFonts"][0] for font in page["/Resources"]["/Font"].values()]
    assert {str(font["/Subtype"]) for font in fonts} == {"/CIDFontType2"}, "no Type 3 for journals"
    names = {str(font["/BaseFont"]).partition("+")[2] for font in fonts}
    assert names == {"ReportgenSans-Regular", "ReportgenSigns"}
    assert len(pdf) < 25_000


def test_files_of_figures_say_no_time_and_have_their_title():
    svg, pdf, png, *_ = files(figures=[figure()]).files.values()
    assert b"<dc:title>A line &lt;b&gt;</dc:title>" in svg
    assert b"<dc:date>" not in svg
    assert PdfReader(io.BytesIO(pdf)).metadata == {"/Title": "A line <b>"}
    picture = Image.open(io.BytesIO(png))
    assert picture.size == (660, 440)
    assert picture.info["dpi"] == pytest.approx((220, 220), abs=0.1)
    assert picture.info["Title"] == "A line <b>"
    assert picture.convert("RGB").getpixel((0, 0)) == (255, 255, 255)


@pytest.mark.parametrize("layout", ["constrained", "none"])
def test_saving_a_figure_again_moves_nothing(layout):
    one = labelled()
    one.drawing.set_layout_engine(layout)
    made = files(figures=[one]).files
    before = one.drawing.axes[0].get_position().bounds
    assert files(figures=[one]).files == made
    assert one.drawing.axes[0].get_position().bounds == before


def test_numbers_of_a_figure_that_are_a_table_are_saved_once():
    made = files(figures=[figure("one"), figure("two")], tables=[NUMBERS])
    assert [table.id for table in made.tables] == ["numbers"]
    assert [figure.table for figure in made.figures] == ["numbers", "numbers"]


def test_numbers_of_figures_do_not_take_the_file_of_another_table():
    def others(n):
        return Table("numbers", "Others", [TableColumn.of("n", [n])])

    made = files(
        figures=[figure("one", others(3)), figure("two", others(4))],
        tables=[NUMBERS, Table("one_numbers", "Taken", [TableColumn.of("n", [0])])],
    )
    assert [figure.table for figure in made.figures] == ["one_numbers_2", "two_numbers"]
    texts = {
        name.rpartition("/")[2]: content.decode().split()[1:]
        for name, content in made.files.items()
        if name.endswith(".csv")
    }
    assert texts == {
        "numbers.csv": ["1", "2"],
        "one_numbers.csv": ["0"],
        "one_numbers_2.csv": ["3"],
        "two_numbers.csv": ["4"],
    }


COLUMNS = [
    TableColumn.of("name", ["a, b", 'c "d"', "é\n<i>"], description="what it is called"),
    TableColumn.of("flux", [1.5, np.nan, np.inf], "uJy", digits=2),
    TableColumn.of("density", np.ma.masked_greater([0.1, 0.2, 9.0], 5), "arcmin-2"),
    TableColumn.of("n", [1, 2, 30853]),
    TableColumn.of("flag", [True, False, True]),
]


@pytest.fixture
def saved(tmp_path):
    """The record of a table of all kinds of columns, and the folder with its files."""
    made = files(tables=[Table("all", "All kinds", COLUMNS)])
    for name, content in made.files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return made.tables[0], tmp_path


def test_a_table_reads_back_with_units_descriptions_and_missing_values(saved):
    record, run = saved
    table = AstropyTable.read(run / record.files["ecsv"], format="ascii.ecsv")
    assert table.colnames == ["name", "flux", "density", "n", "flag"]
    assert table.meta["title"] == "All kinds"
    assert str(table["flux"].unit) == "uJy"
    assert table["name"].description == "what it is called"
    assert list(table["name"]) == ["a, b", 'c "d"', "é\n<i>"]
    assert table["flux"].mask.tolist() == [False, True, True]
    assert table["density"].mask.tolist() == [False, False, True]
    assert table["density"][0] == 0.1
    assert table["n"].tolist() == [1, 2, 30853]


def test_a_plain_table_has_units_in_its_heads_and_nothing_for_missing_values(saved):
    record, run = saved
    rows = list(csv.reader(io.StringIO((run / record.files["csv"]).read_text(encoding="utf-8"))))
    assert rows[0] == ["name", "flux [uJy]", "density [arcmin-2]", "n", "flag"]
    assert rows[1][1:] == ["1.5", "0.1", "1", "True"]
    assert rows[3][1:3] == ["", ""]


def test_a_table_is_shown_with_units_and_dashes_for_missing_values(saved):
    record, run = saved
    view = table_view(run, record, 10)
    assert [(head.name, head.unit, head.numeric) for head in view.heads] == [
        ("name", "", False),
        ("flux", "µJy", True),
        ("density", "arcmin⁻²", True),
        ("n", "", True),
        ("flag", "", False),
    ]
    texts = [[cell.text.strip("\u2007\u2008") for cell in row] for row in view.rows]
    assert texts == [
        ["a, b", "1.50", "0.1", "1", "True"],
        ['c "d"', "—", "0.2", "2", "False"],
        ["é\n<i>", "—", "—", "30,853", "True"],
    ]
    assert [row[1].value for row in view.rows] == ["1.5", "", ""]
    assert not view.capped


def test_a_long_table_is_cut_but_says_how_long_it_is(saved):
    record, run = saved
    view = table_view(run, record, 2)
    assert (len(view.rows), view.total, view.capped) == (2, 3, True)


def test_a_table_without_rows_has_its_heads(tmp_path):
    made = files(tables=[Table("none", "None", [TableColumn.of("x", [], "deg")])])
    for name, content in made.files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(content)
    view = table_view(tmp_path, made.tables[0], 10)
    assert [head.name for head in view.heads] == ["x"]
    assert view.rows == ()
    assert view.total == 0


def test_a_metric_that_is_no_number_is_null():
    metrics = {"bad": Metric(float("-inf"), "bad"), "good": Metric(np.float32(0.5), "good", "%")}
    made = files(metrics=metrics).metrics
    assert made["bad"].value is None
    assert made["good"].value == 0.5
    assert type(made["good"].value) is float
