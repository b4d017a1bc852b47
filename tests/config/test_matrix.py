"""``matrix:`` of the YAML: its combinations, their reports, and what is wrong with it."""

from math import prod

import pytest
import yaml
from cases import cases
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from reportgen.config.document import Source
from reportgen.config.matrix import MOST_CELLS, Cell, MatrixBlock, choose_cells, read_cells, slug
from reportgen.config.reports import Reports
from reportgen.config.schema import CatalogueSection
from reportgen.errors import ConfigError, ExitCode

REPORT = """\
report: {id: fields, title: Fields}
catalogues:
  stars: {file: stars.h5, dataset: x, columns: {flux: {}}}
sections:
  one: {analysis: plain, catalogue: stars, title: One}
"""


@pytest.fixture
def cells(read):
    """Give the combinations of a matrix."""
    return lambda text: read_cells(read(f"matrix: {text}\n"))


@pytest.fixture
def refusal(cells, path):
    def refusal(text):
        with pytest.raises(ConfigError) as caught:
            cells(text)
        assert caught.value.exit_code == ExitCode.CONFIG == 2
        return caught.value.message.replace(f"{path}:", "")

    return refusal


@pytest.fixture
def reports(path):
    def reports(text, *overrides, wanted=(), output=None):
        path.write_text(text, encoding="utf-8")
        analyses = {"plain": CatalogueSection}
        return Reports(path, analyses, overrides, wanted=wanted, output=output, environment={})

    return reports


# Combinations


@pytest.mark.parametrize(
    ("text", "expected"),
    cases("""
{field: [cdfs, xmm], n: [1, 2]} | cdfs-1: cdfs 1; cdfs-2: cdfs 2; xmm-1: xmm 1; xmm-2: xmm 2
{a: [1, 2], b: [x, y], exclude: [{a: 1, b: x}, {a: 2}]} | 1-y: 1 y
{include: [{field: cdfs, ra: 53}, {field: elais, ra: 8}]} | cdfs-53: cdfs 53; elais-8: elais 8
{a: [x], include: [{a: z, n: 1}, {a: z, n: 2}]} | x: x; z-1: z 1; z-2: z 2
{f: [a], g: [c, d], include: [{x: 1}, {x: 2, g: c}]} | a-c: a c 2; a-d: a d 1
{f: [a, b], include: [{f: a, x: 1}, {f: c}, {f: c, g: d}]} | a: a 1; b: b; c: c; c-d: c d
"""),
)
def test_combinations_are_those_of_github_in_the_order_of_the_file(cells, text, expected):
    found = [f"{cell.slug}: {' '.join(cell.texts.values())}" for cell in cells(text)]
    assert "; ".join(found) == expected


def test_a_combination_has_a_name_arguments_and_values_of_their_type(cells):
    (cell,) = cells("{a: [5], b: [0.5], c: [true], d: ['5'], e: [007]}")
    assert cell.values == {"a": 5, "b": 0.5, "c": True, "d": "5", "e": 7}
    assert type(cell.values["c"]) is bool
    assert str(cell) == "a=5, b=0.5, c=true, d=5, e=7"
    assert cell.arguments[:4] == ("--cell", "a=5", "--cell", "b=0.5")
    assert slug(" a b/ä.5_x- ") == "a-b-5_x"


@settings(max_examples=40)
@given(
    st.dictionaries(
        st.sampled_from(["a", "b", "c"]),
        st.lists(st.integers(0, 99) | st.sampled_from("xyz"), min_size=1, max_size=4, unique=True),
        min_size=1,
    )
)
def test_there_are_as_many_combinations_as_the_product_and_all_differ(tmp_path_factory, matrix):
    path = tmp_path_factory.getbasetemp() / "any_matrix.yaml"
    path.write_text(yaml.safe_dump({"matrix": matrix}))
    found = read_cells(Source.read(path).document())
    total = prod(map(len, matrix.values()))
    assert len(found) == len(set(found)) == len({cell.slug for cell in found}) == total
    assert all(choose_cells(found, cell.arguments[1::2]) == (cell,) for cell in found)
    assert not list(Draft202012Validator(MatrixBlock.model_json_schema()).iter_errors(matrix))


# What is wrong with a matrix


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "1:1: matrix: should be keys and values, not nothing"),
        *cases("""
{} | 1:1: matrix: is empty: give each key a list, such as field: [cdfs, elais]
[a] | 1:1: matrix: should be keys and values, not a list
{field: []} | 1:10: matrix.field: should have at least 1 item, not 0
{field: [a, [b]]} | 1:21: matrix.field[1]: should be a text, a number, or true or false, not a list
{field: [a, .nan]} | 1:21: matrix.field[1]: should be a finite number
{field: [a, b, a]} | 1:24: matrix.field[2]: a stands here twice
{field: ['${{ matrix.x }}']} | 1:18: matrix.field[0]: a value of the matrix cannot use the matrix
{field: ['${UNSET}']} | 1:18: matrix.field[0]: the environment variable UNSET is not set
{a b: [1]} | 1:10: matrix.a b: a name is letters
{a: [1], a: [2]} | 1:18: matrix.a: the key stands twice
{a: [1], exclude: [{}]} | 1:28: matrix.exclude[0]: should have at least 1 item
{fld: [1, 2], exclude: [{fdl: 1}]} | unknown key of the matrix 'fdl'; did you mean 'fld'?
{f: [cdfs, x], exclude: [{f: cdsf}]} | 1:35: matrix.exclude[0].f: unknown f 'cdsf'; did
{a: [1], exclude: [{a: 1}]} | 1:18: matrix.exclude: leaves out every combination
{a: [1], include: [{a: 2}, {a: 2}]} | 1:36: matrix.include[1]: this combination is there
"""),
        (f"{{a: {list(range(MOST_CELLS + 1))}}}", "1:1: matrix: makes more than 256 reports"),
        (
            "{" + ", ".join(f"k{i}: {list(range(100))}" for i in range(40)) + "}",
            "1:1: matrix: makes more than 256 reports",
        ),
        (f"{{a: [{'x' * 300}]}}", "1:1: matrix: the values make a name of over 255 bytes"),
    ],
    ids=lambda value: value[:40],
)
def test_what_is_wrong_with_a_matrix_is_said_with_its_place(refusal, text, said):
    assert said in refusal(text)


# Choosing


CELLS = tuple(Cell({"field": f, "n": n}) for f in ("cdfs", "elais") for n in (1, 2))


def test_cells_are_chosen_by_some_or_all_of_their_values():
    assert choose_cells(CELLS, ["field=cdfs", "n=2"]) == (CELLS[1],)
    assert choose_cells(CELLS, ["field=elais"]) == CELLS[2:]
    assert choose_cells(CELLS, ["n=1"]) == (CELLS[0], CELLS[2])
    more = (Cell({"field": "cdfs"}), *CELLS)
    assert choose_cells(more, ["field=cdfs"]) == more[:1], "the one that has no other value"


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        (["field"], "--cell field: write --cell name=value"),
        (["feild=cdfs"], "unknown key of the matrix 'feild'; did you mean 'field'?"),
        (["field=cdsf"], "unknown field 'cdsf'; did you mean 'cdfs'?"),
        (["field=cdfs", "field=elais"], "field is cdfs already"),
        (["field=elais", "n=2"], "no combination has field=elais, n=2"),
    ],
)
def test_a_cell_that_is_not_there_is_said_so(wanted, said):
    with pytest.raises(ConfigError, match="--cell") as caught:
        choose_cells(CELLS[:3], wanted)
    assert said in str(caught.value)


# Reports

TWO = "matrix: {field: [cdfs, elais], n: [5]}\n"


def test_ids_and_folders_have_the_combination_appended(reports, tmp_path):
    matrix = reports(TWO + REPORT).all()
    assert [each.report.id for each in matrix.reports] == ["fields-cdfs-5", "fields-elais-5"]
    assert [each.output.folder.relative_to(tmp_path).as_posix() for each in matrix.reports] == [
        "build/fields/cdfs-5",
        "build/fields/elais-5",
    ]
    assert matrix.folder == tmp_path / "build" / "fields"


def test_ids_and_folders_that_use_the_matrix_are_left_alone(reports, tmp_path):
    text = REPORT.replace("id: fields", "id: 'f-${{ matrix.field }}'")
    matrix = reports(TWO + text).all()
    assert [each.report.id for each in matrix.reports] == ["f-cdfs", "f-elais"]
    assert matrix.folder == tmp_path / "build" / "report", "of the name of the file"
    folder = "output: {folder: 'out/${{ matrix.field }}/x'}\n"
    matrix = reports(TWO + text + folder).all()
    assert [each.output.folder for each in matrix.reports] == [
        tmp_path / "out/cdfs/x",
        tmp_path / "out/elais/x",
    ]
    assert matrix.folder == tmp_path / "out"


def test_an_output_of_the_command_line_holds_a_folder_for_each(reports, tmp_path):
    folder = "output: {folder: 'out/${{ matrix.field }}/x'}\n"
    matrix = reports(TWO + REPORT + folder, output=tmp_path / "else").all()
    assert [each.output.folder.name for each in matrix.reports] == ["cdfs-5", "elais-5"]
    assert matrix.folder == tmp_path / "else"


@pytest.mark.parametrize(
    ("matrix", "block", "said"),
    [
        *cases("""
[a, b] | id: 'x-${{ matrix.n }}' | 2:10: report.id: two combinations have the id x-5: field=a, n=5
[a, b] | id: x}¶output: {folder: 'o/${{ matrix.n }}' | 3:10: output.folder: two combinations have
[a b, a/b] | id: x | 2:10: report.id: two combinations have the id x-a-b-5: field=a b, n=5 and field
"""),
        (f"[{'x' * 79}]", "id: y", "2:10: report.id: y-xxx"),
    ],
)
def test_ids_and_folders_that_cannot_be_are_refused(reports, path, matrix, block, said):
    text = REPORT.replace("report: {id: fields, title: Fields}", f"report: {{{block}}}", 1)
    text = f"matrix: {{field: {matrix}, n: [5]}}\n{text}"
    with pytest.raises(ConfigError) as caught:
        reports(text, "report.title=F").all()
    assert caught.value.message.replace(f"{path}:", "").startswith(said)


def test_problems_of_all_are_said_once_and_those_of_one_with_its_name(reports, path):
    text = "matrix: {field: [cdfs, elais], include: [{field: cdfs, t: 5}]}\n" + REPORT.replace(
        "analysis: plain", "analysis: plian"
    ).replace("title: One", "title: '${{ matrix.t }}'")
    with pytest.raises(ConfigError) as caught:
        reports(text).all()
    lines = caught.value.message.replace(f"{path}:", "").splitlines()
    assert len(lines) == 2
    assert "unknown analysis 'plian'" in lines[0] + lines[1]
    (of_one,) = [line for line in lines if line.endswith("[field=elais]")]
    assert of_one.startswith("6:51: sections.one.title: unknown key of the matrix 't'")


def test_the_title_of_all_has_all_values(reports):
    text = "matrix: {field: [cdfs, elais, xmm]}\n"
    text += REPORT.replace("title: Fields", "title: 'In ${{ matrix.field }}'")
    assert reports(text).all().title == "In cdfs, elais and xmm"


def test_a_choice_is_for_a_matrix_and_a_matrix_needs_one(reports, problems):
    with pytest.raises(ConfigError, match=r"--cell a=1: .* has no matrix"):
        reports(REPORT, wanted=["a=1"])
    assert problems(TWO + REPORT) == ["1:1: matrix: the file describes several reports"]
