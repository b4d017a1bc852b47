import pytest
from matplotlib.figure import Figure as Drawing

from reportgen.analyses.results import Figure, Metric, Section, Table, TableColumn, check_id

NUMBERS = Table("numbers", "Numbers", [TableColumn.of("n", [1, 2])])


def figure(**changes):
    words = {"title": "A line", "alt": "A line from 1 to 2.", "caption": "Drawn."}
    return Figure(**({"id": "line", "drawing": Drawing(), "data": NUMBERS} | words | changes))


@pytest.mark.parametrize(
    "bad", ["", "A", "a/b", "../a", ".a", "-a", "a b", "a\n", "ä", "x" * 101, "a.b", 7, None]
)
def test_an_id_that_could_be_no_file_name_is_refused(bad):
    with pytest.raises(ValueError, match="an id has"):
        check_id(bad)


@pytest.mark.parametrize("name", ["title", "alt", "caption"])
@pytest.mark.parametrize("text", ["", "  \n", None, 3])
def test_a_figure_without_words_is_refused(name, text):
    with pytest.raises(ValueError, match=f"figure 'line' needs a text for {name}"):
        figure(**{name: text})


ONE, TWO = TableColumn.of("a", [1]), TableColumn.of("b", [1, 2])


@pytest.mark.parametrize(
    ("made", "arguments", "said"),
    [
        (Table, ("t", "T", [ONE, TWO]), r"differ in length: \{'a': 1, 'b': 2\}"),
        (Table, ("t", "T", [ONE, ONE]), "two columns of one name"),
        (Table, ("t", "T", []), "table 't' has no column"),
        (TableColumn.of, ("a", [[1, 2]]), "column 'a' has 2 dimensions, not one"),
        (TableColumn.of, ("a", 1), "column 'a' has 0 dimensions, not one"),
        (TableColumn.of, ("a", [1, 2], "", "", (0,)), "column 'a' has digits for 1 rows, not all"),
        *((TableColumn.of, ("a", [1], "", "", n), "a whole number up to 340") for n in (341, 2.5)),
        *((Metric, (1, "one", "", n), "a whole number up to 340") for n in (-341, "2")),
        *((Metric, (value, "one"), "not a number") for value in ("many", None, 1j, [1])),
    ],
)
def test_what_could_not_be_written_is_refused(made, arguments, said):
    with pytest.raises(ValueError, match=said):
        made(*arguments)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"findings": []}, "at least one finding"),
        ({"findings": [" "]}, "a section needs a text for a finding or note"),
        ({"findings": "One text."}, "lists of sentences, not one text"),
        ({"notes": "One text."}, "lists of sentences, not one text"),
        ({"metrics": {"a-b": Metric(1, "x")}}, "'a-b' must be letters, digits and _"),
        ({"figures": [figure(), figure()]}, "two of one id among line, line"),
        ({"tables": [NUMBERS, NUMBERS]}, "two of one id among numbers, numbers"),
    ],
)
def test_a_section_that_could_not_be_shown_is_refused(changes, said):
    with pytest.raises(ValueError, match=said):
        Section(**({"findings": ["Found."]} | changes))
