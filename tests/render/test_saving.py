import io

import numpy as np
import pytest
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
        axes = drawing.add_subplot(xlabel="Flux density [µJy]", ylabel="αβ ≤ 10⁻² objects of M☉")
        axes.plot([1, 2])
    return Figure(identifier, drawing, "A line <b>", "A line from 1 to 2.", "Drawn.", data)


def files(**contents):
    return section_files(Section(findings=["Found."], **contents), "part")


@pytest.fixture(scope="module")
def made():
    return files(figures=[figure()])


def test_a_figure_is_saved_in_three_forms_and_its_numbers_too(made):
    assert list(made.files) == [
        "sections/part/figures/line.svg",
        "sections/part/figures/line.pdf",
        "sections/part/figures/line.png",
        "sections/part/tables/numbers.ecsv",
        "sections/part/tables/numbers.csv",
        "sections/part/tables/numbers.tex",
    ]
    assert made.figures[0].files["svg"] == "sections/part/figures/line.svg"
    assert made.figures[0].table == "numbers"


def test_words_in_figures_are_text_in_our_fonts(made):
    svg, pdf, *_ = made.files.values()
    assert b">Flux density [\xc2\xb5Jy]</text>" in svg
    assert b"font-family: 'Reportgen Sans', 'Reportgen Signs', sans-serif" in svg
    page = PdfReader(io.BytesIO(pdf)).pages[0]
    assert "Flux density" in page.extract_text()
    fonts = [font["/DescendantFonts"][0] for font in page["/Resources"]["/Font"].values()]
    assert {str(font["/Subtype"]) for font in fonts} == {"/CIDFontType2"}, "no Type 3 for journals"
    names = {str(font["/BaseFont"]).partition("+")[2] for font in fonts}
    assert names == {"ReportgenSans-Regular", "ReportgenSigns"}
    assert len(pdf) < 25_000


def test_files_of_figures_say_no_time_and_have_their_title(made):
    svg, pdf, png, *_ = made.files.values()
    assert b"<dc:title>A line &lt;b&gt;</dc:title>" in svg
    assert b"<dc:date>" not in svg
    assert PdfReader(io.BytesIO(pdf)).metadata == {"/Title": "A line <b>"}
    picture = Image.open(io.BytesIO(png))
    assert picture.size == (660, 440)
    assert picture.info["dpi"] == pytest.approx((220, 220), abs=0.1)
    assert picture.info["Title"] == "A line <b>"
    assert picture.convert("RGB").getpixel((0, 0)) == (255, 255, 255)


@pytest.mark.parametrize("layout", ["constrained", "none"])
def test_a_figure_that_is_saved_again_gives_the_same_bytes(layout):
    one = figure()
    one.drawing.set_layout_engine(layout)
    assert files(figures=[one]).files == files(figures=[one]).files


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


def test_a_table_is_shown_with_units_dashes_for_missing_values_and_how_long_it_is(tmp_path):
    columns = [
        TableColumn.of("name", ["a, b", '=c "d"', "é\n<i>"], description="what it is called"),
        TableColumn.of("flux", [1.5, np.nan, np.inf], "uJy", digits=2),
        TableColumn.of("density", np.ma.masked_greater([0.1, 0.2, 9.0], 5), "arcmin-2"),
        TableColumn.of("n", [1, 2, 30853]),
        TableColumn.of("flag", [True, False, True]),
    ]
    empty = Table("none", "None", [TableColumn.of("x", [], "deg")])
    made = files(tables=[Table("all", "All kinds", columns), empty])
    for name, content in made.files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(content)
    view = table_view(tmp_path, made.tables[0], 10)
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
        ['=c "d"', "—", "0.2", "2", "False"],
        [r"é\n<i>", "—", "—", "30,853", "True"],
    ]
    assert [row[1].value for row in view.rows] == ["1.5", "", ""]
    assert not view.capped
    cut = table_view(tmp_path, made.tables[0], 2)
    assert (len(cut.rows), cut.total, cut.capped) == (2, 3, True)
    none = table_view(tmp_path, made.tables[1], 10)
    assert ([head.name for head in none.heads], none.rows, none.total) == (["x"], (), 0)


def test_a_metric_that_is_no_number_is_null():
    metrics = {"bad": Metric(float("-inf"), "bad"), "good": Metric(np.float32(0.5), "good", "%")}
    made = files(metrics=metrics).metrics
    assert made["bad"].value is None
    assert made["good"].value == 0.5
