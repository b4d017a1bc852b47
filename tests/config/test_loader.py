import pickle
from pathlib import Path

import pytest
import yaml
from cases import cases
from documents import ANALYSES, GOOD, Spread, changed
from hypothesis import given
from hypothesis import strategies as st

from reportgen.config.columns import Column
from reportgen.config.expressions import parse
from reportgen.config.loader import load_report
from reportgen.config.problems import MOST_PROBLEMS
from reportgen.config.types import LONGEST_PATH
from reportgen.errors import ConfigError


def keys(lines):
    """Give the key that each line is about."""
    return [line.partition(": ")[2].split(":")[0] for line in lines]


def test_a_report_is_read_and_can_be_sent_to_another_process(load, path):
    report = load(GOOD + "    where: flux_36 > 0 and not is_host\n")
    assert (report.path, report.report.title) == (path, "CDFS")
    assert report.catalogues["swire"].columns["flux_36"].index == 2
    section = report.sections["flux"]
    assert isinstance(section, Spread)
    assert section.columns == (
        Column("flux_36", "3.6 μm", "uJy", 0),
        Column("flux_45", "flux_45", "uJy", 1),
    )
    assert section.where == parse("flux_36 > 0 and not is_host")
    assert pickle.loads(pickle.dumps(report)) == report  # noqa: S301


def test_paths_are_relative_to_the_file(load, tmp_path, monkeypatch):
    monkeypatch.chdir("/")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    catalogue = load().catalogues["swire"]
    assert catalogue.file == tmp_path / "swire.h5"
    assert catalogue.columns["is_host"].file == Path("/data/training.h5")
    output = load(GOOD + "output: {templates: ../looks}\n").output
    assert output.folder == tmp_path / "build" / "cdfs"
    assert output.templates == tmp_path.parent / "looks"
    assert load(GOOD + "output: {folder: runs/x}\n").output.folder == tmp_path / "runs" / "x"
    assert load(GOOD, "output.folder=/srv/y").output.folder == Path("/srv/y")
    assert load(GOOD, "output.folder=~/y").output.folder == tmp_path / "home" / "y"


def test_the_environment_and_the_command_line_change_values(load, path, monkeypatch):
    text = changed("title: CDFS", "title: ${TITLE:-none}")
    assert load(text).report.title == "none"
    assert load(text, environment={"TITLE": "Night 5"}).report.title == "Night 5"
    report = load(GOOD, "report.title=Other", "sections.flux.views=[{bins: 7}]")
    assert (report.report.title, report.sections["flux"].views[0].bins) == ("Other", 7)
    assert report.overrides == ("report.title=Other", "sections.flux.views=[{bins: 7}]")
    text = GOOD + '    views: [{bins: "${BINS}", above: "${ABOVE}"}]\n'
    (view,) = load(text, environment={"BINS": "12", "ABOVE": "1e-3"}).sections["flux"].views
    assert (view.bins, view.above) == (12, 0.001)
    monkeypatch.setenv("CDFS_TITLE", "From outside")
    path.write_text(changed("title: CDFS", "title: ${CDFS_TITLE}"))
    assert load_report(path, ANALYSES).report.title == "From outside"


def test_a_place_names_file_line_column_and_key(load, path):
    place = load().place
    column = ("catalogues", "swire", "columns", "flux_45")
    assert place(*column, "index") == f"{path}:11:17: catalogues.swire.columns.flux_45.index"
    assert place(*column, "field") == f"{path}:11:7: catalogues.swire.columns.flux_45.field"


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    cases("""
report: | reprot: | 1:1: reprot: unknown key 'reprot'; did you mean 'report'?
id: cdfs | idd: cdfs | 2:3: report.idd: unknown key 'idd'; did you mean 'id'?
id: cdfs | id: c d | 2:3: report.id: should be letters, digits, - and _ only
  title: CDFS¶ | # | 1:1: report.title: the key is missing
title: CDFS | title: 2026 | 3:3: report.title: should be a text, not 2026; put it in
title: CDFS | title: ' ' | 3:3: report.title: should not be empty
id: cdfs¶  title: CDFS | - x | 1:1: report: should be keys and values, not a
file: swire.h5 | fil: x | 6:5: catalogues.swire.fil: unknown key 'fil'; did you mean
file: swire.h5 | file: 3 | 6:5: catalogues.swire.file: should be a path, not 3
file: swire.h5 | file: ~no-such/x | 6:5: catalogues.swire.file: '~no-such/x' starts with the home
missing: [-99] | missing: -99 | 8:5: catalogues.swire.missing: should be a list, not
missing: [-99] | missing: [x] | 8:15: catalogues.swire.missing[0]: should be a number
index: 2, | indx: 2, | 10:17: catalogues.swire.columns.flux_36.indx: unknown key 'indx'; did you
index: 2, | index: -2, | 10:17: catalogues.swire.columns.flux_36.index: should be greater than or
unit: uJy, label | unit: mJyy, label | 10:27: catalogues.swire.columns.flux_36.unit: 'mJyy' is not
flux_36: { | flux-36: { | 10:7: catalogues.swire.columns.flux-36: the column name 'flux-36' must
flux_36: { | class: { | 10:7: catalogues.swire.columns.class: a column cannot be called 'class'
{index: 7} | 7 | 12:7: catalogues.swire.columns.stellarity: should be keys and values, not 7
stellarity: {index | file: {indx | 12:14: catalogues.swire.columns.file.indx: unknown key 'indx'
analysis: spread | analysis: spred | 16:5: sections.flux.analysis: unknown analysis 'spred'; did
catalogue: swire | catalogue: swirl | 17:5: sections.flux.catalogue: unknown catalogue 'swirl'; did
[flux_36, flux_45] | [flux_36, flux_54] | 19:24: sections.flux.columns[1]: unknown column 'flux_54'
[flux_36, flux_45] | flux_36 | 19:5: sections.flux.columns: should be a list, not
[flux_36, flux_45] | [] | 19:5: sections.flux.columns: should have at least 1 item, n
"""),
)
def test_what_is_wrong_is_named_with_its_place_and_key(problems, old, new, expected):
    found = problems(changed(old, new))
    assert any(line.startswith(expected) for line in found), found


@pytest.mark.parametrize(
    ("line", "expected"),
    cases("""
colums: [x] | 5: sections.flux.colums: unknown key 'colums'; did you mean 'columns'?
views: [{}, {bin: 3}] | 18: sections.flux.views[1].bin: unknown key 'bin'; did you mean 'bins'? (kn
named: {bins: {bin: 3}} | 20: sections.flux.named.bins.bin: unknown key 'bin'; did you mean 'bins'?
best: {bin: 3} | 12: sections.flux.best.bin: unknown key 'bin'; did you mean 'bins'? (known: above,
views: [{bins: 0}] | 14: sections.flux.views[0].bins: should be greater than 0, not 0
views: [{bins: 900}] | 14: sections.flux.views[0].bins: too many
views: [{axis: lin}] | 14: sections.flux.views[0].axis: should be 'linear' or 'log', not 'lin'
limits: [1, 2, 3] | 5: sections.flux.limits: should have at most 2, not 3
level: 1.5 | 5: sections.flux.level: should be less than or equal to 1, not 1.5
width: wide | 5: sections.flux.width: should be a number, not 'wide'
smooth: maybe | 5: sections.flux.smooth: should be true or false, not 'maybe'
where: flux_3 > 1 | 5: sections.flux.where: at character 1: unknown column 'flux_3'; did you mean
where: flux_36 > | 5: sections.flux.where: cannot read 'flux_36 >'
where: flux_36.x > 1 | 5: sections.flux.where: at character 1: `flux_36.x` is not allowed
"""),
)
def test_what_is_wrong_in_a_section_is_named_with_its_place_and_key(problems, line, expected):
    found = problems(f"{GOOD}    {line}\n")
    assert any(said.startswith(f"20:{expected}") for said in found), found


@pytest.mark.parametrize(
    ("output", "expected"),
    cases("""
keep: {nights: 0} | output.keep.nights: should be greater than 0, not 0
keep: {nights: 1, month: 3} | unknown key 'month'; did you mean 'monthly'?
history: 'user:secret@host' | output.history: should be a URL as SQLAlchemy reads it
"""),
)
def test_what_is_wrong_with_the_output_is_named_without_repeating_a_password(
    problems, output, expected
):
    (found,) = problems(f"{GOOD}output: {{{output}}}\n")
    assert expected in found
    assert "secret" not in found


@pytest.mark.parametrize("size", ["1:30", "1 GB or so", "1 GB 2", ".inf", ".nan", "yes", "-1", "0"])
def test_a_size_is_read_as_a_whole_or_refused(problems, size):
    (found,) = problems(f"{GOOD}    memory_limit: {size}\n")
    assert found.startswith("20:5: sections.flux.memory_limit: should be a size such as 256 MB")


@pytest.mark.parametrize("key", ["timeout", "level", "width"])
@pytest.mark.parametrize("digits", ["1_" * 2000 + "1", "9" * 4000, "9" * 5000])
def test_a_quoted_number_of_thousands_of_digits_is_refused(problems, key, digits):
    (found,) = problems(f"{GOOD}    {key}: '{digits}'\n")
    assert found.startswith(f"20:5: sections.flux.{key}: ")
    assert len(found) < 200


def test_of_thousands_of_problems_the_first_are_listed(load):
    with pytest.raises(ConfigError) as caught:
        load(f"{GOOD}    views: [{', '.join(['1'] * 2000)}]\n")
    *first, last = caught.value.message.splitlines()
    assert len(first) == MOST_PROBLEMS
    assert last == f"and {2000 - MOST_PROBLEMS} more"


def test_a_path_that_no_system_takes_is_refused(problems):
    (found,) = problems(GOOD, f"output.folder={'a/' * 2000}")
    assert found.endswith(f"output.folder: the path has over {LONGEST_PATH} bytes")


def test_a_name_that_no_file_system_takes_is_refused(problems):
    folder = "a/" + "µ" * 200 + "/b"
    assert problems(GOOD, f"output.folder={folder}") == [
        f"--set output.folder={folder[:46]}…: output.folder: a name in the path has over 255 bytes"
    ]


def test_no_message_speaks_of_the_machinery(problems):
    texts = [
        changed("title: CDFS", "title: 3\n  authors: x\n  field: []\n  language: English"),
        changed("swire:\n", "swire: []\n  other:\n"),
        GOOD + "    views: 3\n    named: []\n    limits: {}\n    smooth: []\n    level: {}\n",
        GOOD + "output: {formats: pdf, paper: a5, folder: [], nope: 1}\nimages: []\nmodels: 3\n",
    ]
    found = " ".join(line for text in texts for line in problems(text))
    for word in ("Input", "valid", "tuple", "dictionary", "instance", "str ", "NoneType", "class"):
        assert word not in found


def test_all_problems_are_reported_at_once_in_the_order_of_the_file(problems):
    text = """\
report: {title: X, extra: 1}
output: {format: [pdf]}
catalogues:
  one:
    columns:
      a: {field: a}
      b: {dataset: b}
  two:
    file: f
    dataset: d
    columns: {x: {index: q}, y: {index: 1}}
sections:
  s1: {analysis: spread, catalogue: two, title: "${NO}", columns: [x, z], where: y < w}
  s2: {analysis: sprea, catalogue: tow, title: 5}
  s3: []
  s4: {analysis: spread, analysis: other, catalogue: one, title: a, text: ""}
"""
    assert keys(problems(text, "x=[", "y=1")) == [
        "report.id",
        "report.extra",
        "output.format",
        "catalogues.one.columns.a",
        "catalogues.one.columns.b",
        "catalogues.two.columns.x.index",
        "sections.s1.title",
        "sections.s1.columns[1]",
        "sections.s1.where",
        "sections.s2.analysis",
        "sections.s2.catalogue",
        "sections.s2.title",
        "sections.s3",
        "sections.s4.columns",
        "sections.s4.analysis",
        "sections.s4.text",
        "the value is not YAML",
        "y",
    ]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    cases("""
title: CDFS | title: ${NO} | report.title
analysis: spread | analysis: ${NO} | sections.flux.analysis
[flux_36, flux_45] | [nope] | sections.flux.columns[0]
file: swire.h5 | file: ${NO} | catalogues.swire.file
title: Flux densities | limits: [2, 1]¶    title: ${NO} | sections.flux.title
title: Flux densities | title: a¶    title: b¶    limits: [2, 1] | sections.flux sections.flux.title
index: 7 | index: x | catalogues.swire.columns.stellarity.index
    columns:¶      f | colums:¶      f | catalogues.swire.colums
id: cdfs | id: 1¶  id: 2¶  id: 3 | report.id report.id report.id
"""),
)
def test_each_mistake_is_reported_once_and_nothing_that_follows_from_it(
    problems, old, new, expected
):
    assert keys(problems(changed(old, new))) == expected.split()


def test_what_is_known_of_a_wrong_catalogue_is_used(problems):
    text = changed("index: 7", "index: x")
    assert keys(problems(text.replace("[flux_36, flux_45]", "[flux_99]"))) == [
        "catalogues.swire.columns.stellarity.index",
        "sections.flux.columns[0]",
    ]
    assert keys(problems(text + "    flux_density: flux_36\n")) == [  # whose unit is known
        "catalogues.swire.columns.stellarity.index"
    ]
    text = GOOD + "    flux_density: stellarity\n"
    assert problems(text) == ["15:3: sections.flux: stellarity is not in uJy"]


@pytest.mark.parametrize("value", ["[]", "text", ""])
@pytest.mark.parametrize("key", ["sections", "catalogues"])
def test_a_block_of_names_that_is_something_else_is_named(problems, key, value):
    kind = "a list" if value[:1] == "[" else {"": "nothing", "text": "'text'"}[value]
    expected = [f"2:1: {key}: should be keys and values, not {kind}"]
    if key != "sections":
        expected.insert(0, "1:1: sections: there are no sections")
    assert problems(f"report: {{id: x, title: x}}\n{key}: {value}\n") == expected


def test_a_wrong_override_is_placed_on_the_command_line(problems):
    assert problems(GOOD, "sections.flux.level=7", "report.titel=x") == [
        "--set report.titel=x: report.titel: unknown key 'titel'; did you mean 'title'? "
        "(known: authors, description, field, id, language, shared_limits, title)",
        "--set sections.flux.level=7: sections.flux.level: should be less than or equal to 1, "
        "not 7",
    ]


WORDS = """
report id title output catalogues swire columns flux_36 file dataset index missing unit where keep
sections flux analysis catalogue views bins limits best images models matrix deliver checks text x
"""
names = st.sampled_from(WORDS.split())
leaves = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**20), 10**20),
    st.sampled_from([10**400, -(2**1023)]),
    st.floats(),
    st.text(max_size=8),
    st.sampled_from(["spread", "swire", "flux_36", "flux_36 > 0", "${NO}", "uJy", "~no/x", "5 MB"]),
)
trees = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=5),
    max_leaves=20,
)


@given(data=st.data())
def test_any_document_is_a_report_or_a_config_error(tmp_path_factory, data):
    path = tmp_path_factory.getbasetemp() / "any.yaml"
    values = yaml.safe_load(GOOD)
    for _ in range(data.draw(st.integers(1, 3))):
        block = values
        for _ in range(data.draw(st.integers(0, 4))):
            inner = [value for value in block.values() if isinstance(value, dict)]
            block = data.draw(st.sampled_from(inner)) if inner else block
        key = data.draw(st.sampled_from(list(block)) | names if block else names)
        block[key] = data.draw(trees)
    path.write_text(yaml.safe_dump(values, allow_unicode=True), encoding="utf-8")
    said = ""
    try:
        load_report(path, ANALYSES, (), {})
    except ConfigError as refused:
        said = refused.message
    assert all(line.startswith(f"{path}:") for line in said.splitlines())
