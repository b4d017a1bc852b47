import json
import os
import pickle
from pathlib import Path
from typing import Annotated, Literal

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field, model_validator

from reportgen.config.columns import Column
from reportgen.config.expressions import parse
from reportgen.config.loading import load_report
from reportgen.config.schema import (
    Block,
    BlockError,
    CatalogueSection,
    ColumnRef,
    Count,
    Fraction,
    Positive,
    Real,
    Settings,
)
from reportgen.errors import ConfigError, ExitCode


class View(Block):
    bins: Count = 50
    above: Real | None = None
    axis: Literal["linear", "log"] = "linear"


class Spread(CatalogueSection):
    columns: Annotated[tuple[ColumnRef, ...], Field(min_length=1)]
    views: tuple[View, ...] = ()
    named: dict[str, View] = Field(default_factory=dict)
    best: View | ColumnRef | None = None
    limits: tuple[Real, Real] = (0.0, 1.0)
    level: Fraction = 0.5
    width: Positive = 1.0
    smooth: bool = False
    flux_density: ColumnRef | None = None

    @model_validator(mode="after")
    def _ordered(self):
        if self.limits[0] > self.limits[1]:
            raise ValueError("the limits are in the wrong order")
        if self.flux_density is not None and self.flux_density.unit != "uJy":
            column = self.flux_density
            raise ValueError(f"{column.name} is in {column.unit!r} and not in uJy")
        wrong = {("views", i, "bins"): "too many" for i, v in enumerate(self.views) if v.bins > 500}
        if wrong:
            raise BlockError(wrong)
        return self


ANALYSES = {"spread": Spread, "other": CatalogueSection}
GOOD = """\
report:
  id: cdfs
  title: CDFS
catalogues:
  swire:
    file: swire.h5
    dataset: /cdfs
    missing: [-99]
    columns:
      flux_36: {index: 2, unit: uJy, label: 3.6 μm}
      flux_45: {index: 3, unit: uJy, missing: [0]}
      stellarity: {index: 7}
      is_host: {file: /data/training.h5, dataset: labels}
sections:
  flux:
    analysis: spread
    catalogue: swire
    title: Flux densities
    columns: [flux_36, flux_45]
"""


@pytest.fixture
def path(tmp_path):
    return tmp_path / "cdfs.yaml"


@pytest.fixture
def load(path):
    def load(text=GOOD, *overrides, environment=None):
        path.write_text(text)
        return load_report(path, ANALYSES, overrides, environment or {})

    return load


@pytest.fixture
def problems(load, path):
    """Give each line of the error, with the file left out."""

    def problems(text=GOOD, *overrides):
        with pytest.raises(ConfigError) as caught:
            load(text, *overrides)
        assert caught.value.exit_code == ExitCode.CONFIG == 2
        lines = caught.value.message.split("\n")
        assert all(line.startswith((f"{path}:", "--set ")) for line in lines)
        return [line.replace(f"{path}:", "", 1) for line in lines]

    return problems


def changed(old, new):
    assert GOOD.count(old) == 1
    return GOOD.replace(old, new)


def test_a_report_is_read(load, path):
    report = load()
    assert report.path == path
    assert report.report.title == "CDFS"
    assert report.catalogues["swire"].columns["flux_36"].index == 2
    section = report.sections["flux"]
    assert isinstance(section, Spread)
    assert section.columns == (
        Column("flux_36", "3.6 μm", "uJy", 0),
        Column("flux_45", "flux_45", "uJy", 1),
    )
    assert section.where is None
    assert report.columns("swire")["stellarity"] == Column("stellarity", "stellarity", "", 0)


def test_a_report_can_be_sent_to_another_process(load):
    report = load(GOOD + "    where: flux_36 > 0 and is_host\n")
    assert pickle.loads(pickle.dumps(report)) == report  # noqa: S301


def test_a_report_cannot_be_changed(load):
    report = load()
    for thing, name in ((report, "report"), (report.report, "title"), (report.output, "paper")):
        with pytest.raises((AttributeError, ValueError), match=r"frozen|assign"):
            setattr(thing, name, "x")


def test_paths_are_relative_to_the_file_and_not_to_the_working_directory(
    load, tmp_path, monkeypatch
):
    monkeypatch.chdir("/")
    catalogue = load().catalogues["swire"]
    assert catalogue.file == tmp_path / "swire.h5"
    assert catalogue.columns["is_host"].file == Path("/data/training.h5")
    output = load(GOOD + "output: {templates: ../looks}\n").output
    assert output.folder == tmp_path / "build" / "cdfs"
    assert output.templates == tmp_path.parent / "looks"
    assert load(GOOD + "output: {folder: runs/x}\n").output.folder == tmp_path / "runs" / "x"
    assert load(GOOD, "output.folder=/tmp/y").output.folder == Path("/tmp/y")  # noqa: S108


def test_a_path_may_start_at_home(load, problems, monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    text = changed("file: swire.h5", "file: ~/swire.h5")
    assert load(text).catalogues["swire"].file == tmp_path / "home" / "swire.h5"
    text = changed("file: swire.h5", "file: ~nobody-of-this-name/swire.h5")
    assert problems(text) == [
        "6:5: catalogues.swire.file: '~nobody-of-this-name/swire.h5' starts with the home of a "
        "user who is not known"
    ]


def test_the_environment_and_the_command_line_change_values(load):
    text = changed("title: CDFS", "title: ${TITLE:-none}")
    assert load(text).report.title == "none"
    assert load(text, environment={"TITLE": "Night 5"}).report.title == "Night 5"
    report = load(GOOD, "report.title=Other", "sections.flux.views=[{bins: 7}]")
    assert report.report.title == "Other"
    assert report.sections["flux"].views[0].bins == 7
    assert report.overrides == ("report.title=Other", "sections.flux.views=[{bins: 7}]")


def test_a_quoted_number_from_the_environment_is_a_number(load):
    text = GOOD + '    views: [{bins: "${BINS}", above: "${ABOVE}"}]\n'
    (view,) = load(text, environment={"BINS": "12", "ABOVE": "1e-3"}).sections["flux"].views
    assert (view.bins, view.above) == (12, 0.001)


def test_where_selects_rows(load):
    report = load(GOOD + "    where: flux_36 > 0 and not is_host\n")
    assert report.sections["flux"].where == parse("flux_36 > 0 and not is_host")


def test_a_place_names_file_line_column_and_key(load, path):
    report = load()
    assert report.place("catalogues", "swire", "columns", "flux_45", "index") == (
        f"{path}:11:17: catalogues.swire.columns.flux_45.index"
    )
    assert report.place("catalogues", "swire", "columns", "is_host", "index") == (
        f"{path}:13:7: catalogues.swire.columns.is_host.index"
    )


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("report:", "reprot:", "1:1: reprot: unknown key 'reprot'; did you mean 'report'?"),
        ("id: cdfs", "idd: cdfs", "2:3: report.idd: unknown key 'idd'; did you mean 'id'?"),
        ("id: cdfs", "id: c d", "2:3: report.id: should be letters, digits, - and _ only"),
        ("id: cdfs", "id: ../x", "2:3: report.id: should be letters, digits"),
        ("  title: CDFS\n", "", "1:1: report.title: the key is missing"),
        ("title: CDFS", "title: 2026", "3:3: report.title: should be a text, not 2026; put it in"),
        ("title: CDFS", "title: no", "3:3: report.title: should be a text, not false; put it in"),
        ("title: CDFS", "title: [a]", "3:3: report.title: should be a text, not a list"),
        ("title: CDFS", "title: ' '", "3:3: report.title: should not be empty"),
        ("title: CDFS", "title:", "3:3: report.title: should be a text, not nothing"),
        ("  id: cdfs\n  title: CDFS\n", "  - x\n", "1:1: report: should be keys and values, not a"),
        ("file: swire.h5", "fil: x", "6:5: catalogues.swire.fil: unknown key 'fil'; did you mean"),
        ("file: swire.h5", "file: 3", "6:5: catalogues.swire.file: should be a path, not 3"),
        ("file: swire.h5", "file: ''", "6:5: catalogues.swire.file: the path is empty"),
        ("file: swire.h5", "memory: 5 XB", "6:5: catalogues.swire.memory: should be a size such"),
        ("missing: [-99]", "missing: -99", "8:5: catalogues.swire.missing: should be a list, not"),
        ("missing: [-99]", "missing: [x]", "8:15: catalogues.swire.missing[0]: should be a number"),
        ("missing: [-99]", "missing: [.nan]", "8:15: catalogues.swire.missing[0]: should be a num"),
        (
            "index: 2,",
            "indx: 2,",
            "10:17: catalogues.swire.columns.flux_36.indx: unknown key 'indx'; did you mean 'inde",
        ),
        (
            "index: 2,",
            "index: -2,",
            "10:17: catalogues.swire.columns.flux_36.index: should be greater than or equal to 0, "
            "not -2",
        ),
        (
            "index: 2,",
            "index: 2.5,",
            "10:17: catalogues.swire.columns.flux_36.index: should be a whole number, not 2.5",
        ),
        (
            "index: 2,",
            "index: 2, field: x,",
            "10:7: catalogues.swire.columns.flux_36: give index (of a 2-D dataset) or field",
        ),
        (
            "unit: uJy, label",
            "unit: mJyy, label",
            "10:27: catalogues.swire.columns.flux_36.unit: 'mJyy' is not a unit that astropy knows",
        ),
        (
            "flux_36: {",
            "flux-36: {",
            "10:7: catalogues.swire.columns.flux-36: the column name 'flux-36' must be letters",
        ),
        (
            "flux_36: {",
            "class: {",
            "10:7: catalogues.swire.columns.class: a column cannot be called 'class'",
        ),
        (
            "{index: 7}",
            "7",
            "12:7: catalogues.swire.columns.stellarity: should be keys and values, not 7",
        ),
        (
            "    analysis: spread\n",
            "",
            "15:3: sections.flux.analysis: the key is missing: which analysis makes this section? "
            "(known: other, spread)",
        ),
        (
            "analysis: spread",
            "analysis: spred",
            "16:5: sections.flux.analysis: unknown analysis 'spred'; did you mean 'spread'?",
        ),
        ("analysis: spread", "analysis: [x]", "16:5: sections.flux.analysis: not a list: which"),
        (
            "catalogue: swire",
            "catalogue: swirl",
            "17:5: sections.flux.catalogue: unknown catalogue 'swirl'; did you mean 'swire'?",
        ),
        ("    catalogue: swire\n", "", "15:3: sections.flux.catalogue: the key is missing"),
        ("catalogue: swire", "catalogue: 5", "17:5: sections.flux.catalogue: should be a text"),
        (
            "[flux_36, flux_45]",
            "[flux_36, flux_54]",
            "19:24: sections.flux.columns[1]: unknown column 'flux_54'; did you mean 'flux_45'?",
        ),
        (
            "[flux_36, flux_45]",
            "[{name: flux_36}]",
            "19:15: sections.flux.columns[0]: should be the name of a column",
        ),
        ("[flux_36, flux_45]", "flux_36", "19:5: sections.flux.columns: should be a list, not"),
        ("[flux_36, flux_45]", "[]", "19:5: sections.flux.columns: should have at least 1 item, n"),
    ],
)
def test_what_is_wrong_is_named_with_its_place_and_key(problems, old, new, expected):
    found = problems(changed(old, new))
    assert any(line.startswith(expected) for line in found), found


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (
            "colums: [x]",
            "20:5: sections.flux.colums: unknown key 'colums'; did you mean 'columns'?",
        ),
        (
            "views: [{}, {bin: 3}]",
            "20:18: sections.flux.views[1].bin: unknown key 'bin'; did you mean 'bins'? "
            "(known: above, axis, bins)",
        ),
        (
            "named: {bins: {bin: 3}}",
            "20:20: sections.flux.named.bins.bin: unknown key 'bin'; did you mean 'bins'? "
            "(known: above, axis, bins)",
        ),
        (
            "views: [{bins: 0}]",
            "20:14: sections.flux.views[0].bins: should be greater than 0, not 0",
        ),
        (
            "views: [{bins: true}]",
            "20:14: sections.flux.views[0].bins: should be a whole number, n",
        ),
        ("views: [{bins: 900}]", "20:14: sections.flux.views[0].bins: too many"),
        (
            "views: [{axis: lin}]",
            "20:14: sections.flux.views[0].axis: should be 'linear' or 'log', not 'lin'",
        ),
        ("limits: [1]", "20:5: sections.flux.limits[1]: is missing"),
        ("limits: [1, 2, 3]", "20:5: sections.flux.limits: should have at most 2, not 3"),
        ("limits: [2, 1]", "15:3: sections.flux: the limits are in the wrong order"),
        ("level: 1.5", "20:5: sections.flux.level: should be less than or equal to 1, not 1.5"),
        ("level: .inf", "20:5: sections.flux.level: should be a number, not inf"),
        ("width: -1", "20:5: sections.flux.width: should be greater than 0, not -1"),
        ("width: wide", "20:5: sections.flux.width: should be a number, not 'wide'"),
        ("smooth: maybe", "20:5: sections.flux.smooth: should be true or false, not 'maybe'"),
        ("where: flux_3 > 1", "20:5: sections.flux.where: unknown column 'flux_3'; did you mean"),
        ("where: flux_36 >", "20:5: sections.flux.where: cannot read 'flux_36 >'"),
        ("where: flux_36.x > 1", "20:5: sections.flux.where: at character 1: a dot is not allowed"),
        ("where: true", "20:5: sections.flux.where: should be a selection, such as: flux_36 > 0"),
        ("timeout: 0", "20:5: sections.flux.timeout: should be greater than 0"),
        ("best: 3", "20:5: sections.flux.best: should be the name of a column"),
        (
            "best: {bin: 3}",
            "20:12: sections.flux.best.bin: unknown key 'bin'; did you mean 'bins'?",
        ),
    ],
)
def test_what_is_wrong_in_a_section_is_named_with_its_place_and_key(problems, line, expected):
    found = problems(f"{GOOD}    {line}\n")
    assert any(said.startswith(expected) for said in found), found


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
      a: {file: a.h5}
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
    assert [line.partition(": ")[2].split(":")[0] for line in problems(text, "x=[", "y=1")] == [
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


def test_the_order_does_not_depend_on_the_name_of_the_file(tmp_path):
    for name in ("report.yml", "report", "a:1:2.yaml", "x.yaml:3.conf"):
        path = tmp_path / name
        path.write_text("b: 1\n" * 1 + "c: 1\n" + "\n" * 8 + "d: 1\n")
        with pytest.raises(ConfigError) as caught:
            load_report(path, ANALYSES, (), {})
        places = [line.replace(f"{path}:", "", 1) for line in caught.value.message.split("\n")]
        assert [place.split(":")[0] for place in places] == ["1", "1", "1", "2", "11"]


def test_a_problem_is_reported_once(problems):
    text = changed("title: CDFS", "title: ${NO}")
    assert problems(text) == [
        "3:10: report.title: the environment variable NO is not set; set it or write ${NO:-…}"
    ]
    text = GOOD.replace("analysis: spread", "analysis: ${NO}")
    assert problems(text) == [
        "16:15: sections.flux.analysis: the environment variable NO is not set; "
        "set it or write ${NO:-…}"
    ]
    text = changed("[flux_36, flux_45]", "[nope]")
    assert len(problems(text)) == 1  # and not also that the list is too short


def test_what_follows_from_a_value_that_could_not_be_read_is_not_reported(problems):
    text = changed("file: swire.h5", "file: ${NO}").replace("swire:\n", "swire:\n    memory: x\n")
    assert [line.partition(": ")[2].split(":")[0] for line in problems(text)] == [
        "catalogues.swire.memory",
        "catalogues.swire.file",
    ]
    text = GOOD + "    limits: [2, 1]\n    level: ${NO}\n"
    assert [line.partition(": ")[2].split(":")[0] for line in problems(text)] == [
        "sections.flux.level"
    ]
    text = GOOD + "    limits: [2, 1]\n    level: 0.5\n    level: 0.6\n"
    assert [line.partition(": ")[2].split(":")[0] for line in problems(text)] == [
        "sections.flux",
        "sections.flux.level",
    ]


def test_a_column_keeps_its_unit_though_its_catalogue_is_wrong_elsewhere(problems):
    text = changed("index: 7", "index: x") + "    flux_density: flux_36\n"
    assert [line.partition(": ")[2].split(":")[0] for line in problems(text)] == [
        "catalogues.swire.columns.stellarity.index"
    ]
    text = GOOD + "    flux_density: stellarity\n"
    assert "sections.flux: stellarity is in '' and not in uJy" in problems(text)[0]


def test_columns_are_checked_though_their_catalogue_is_wrong_elsewhere(problems):
    text = changed("index: 7", "index: x").replace("[flux_36, flux_45]", "[flux_99]")
    assert [line.partition(": ")[2].split(":")[0] for line in problems(text)] == [
        "catalogues.swire.columns.stellarity.index",
        "sections.flux.columns[0]",
    ]


def test_columns_of_a_catalogue_that_lists_none_are_not_reported_as_unknown(problems):
    text = changed("    columns:\n", "    colums:\n")
    assert [line.partition(": ")[2].split(":")[0] for line in problems(text)] == [
        "catalogues.swire.columns",
        "catalogues.swire.colums",
    ]


def test_columns_without_a_file_or_a_dataset_are_all_named(problems):
    text = changed("    file: swire.h5\n    dataset: /cdfs\n", "")
    assert problems(text) == [
        "8:7: catalogues.swire.columns.flux_36: the column has no file and no dataset, nor has "
        "the catalogue",
        "9:7: catalogues.swire.columns.flux_45: the column has no file and no dataset, nor has "
        "the catalogue",
        "10:7: catalogues.swire.columns.stellarity: the column has no file and no dataset, nor "
        "has the catalogue",
    ]


def test_a_column_may_be_called_as_a_key_is(problems):
    text = changed("stellarity: {index: 7}", "file: {indx: 7}")
    assert problems(text) == [
        "12:14: catalogues.swire.columns.file.indx: unknown key 'indx'; did you mean 'index'? "
        "(known: dataset, field, file, index, label, missing, unit)"
    ]


@pytest.mark.parametrize("value", ["[]", "3", "text", "", "[{analysis: spread}]"])
@pytest.mark.parametrize("key", ["sections", "catalogues", "images", "models"])
def test_a_block_of_names_that_is_something_else_is_named(problems, key, value):
    text = f"report: {{id: x, title: x}}\n{key}: {value}\n"
    kind = (
        "a list" if value.startswith("[") else {"": "nothing", "text": "'text'"}.get(value, value)
    )
    expected = [f"2:1: {key}: should be keys and values, not {kind}"]
    if key != "sections":
        expected.insert(0, "1:1: sections: there are no sections")
    assert problems(text) == expected


def test_a_section_that_is_not_keys_and_values_is_named(problems):
    text = "report: {id: x, title: x}\nsections:\n  a:\n  b: [1]\n  c: spread\n"
    assert problems(text) == [
        "3:3: sections.a: should be keys and values, not nothing",
        "4:3: sections.b: should be keys and values, not a list",
        "5:3: sections.c: should be keys and values, not 'spread'",
    ]


@pytest.mark.parametrize("sections", ["", "sections: {}\n"])
def test_a_report_without_sections_is_refused_with_whatever_else_is_wrong(problems, sections):
    found = problems("report: {id: x}\n" + sections)
    assert "sections: there are no sections" in " ".join(found)
    assert any("report.title" in line for line in found)


def test_a_section_name_must_fit_into_links_and_folders(problems):
    text = changed("  flux:\n", "  flux/36 μm:\n")
    assert problems(text) == [
        "15:3: sections.flux/36 μm: should be letters, digits, - and _ only, a letter or digit "
        "first, not 'flux/36 μm'"
    ]


def test_a_wrong_override_is_placed_on_the_command_line(problems):
    assert problems(GOOD, "sections.flux.level=7", "report.titel=x") == [
        "--set report.titel=x: report.titel: unknown key 'titel'; did you mean 'title'? "
        "(known: authors, description, field, id, language, title)",
        "--set sections.flux.level=7: sections.flux.level: should be less than or equal to 1, "
        "not 7",
    ]


def test_the_real_environment_is_read_by_default(path, monkeypatch):
    monkeypatch.setitem(os.environ, "CDFS_TITLE", "From outside")
    path.write_text(changed("title: CDFS", "title: ${CDFS_TITLE}"))
    assert load_report(path, ANALYSES).report.title == "From outside"


def test_the_schema_can_be_written_as_json():
    for model in (Settings, Spread):
        described = json.dumps(model.model_json_schema())
        assert "catalogue" in described


WORDS = """
report id title output catalogues swire columns flux_36 file dataset index missing unit where memory
sections flux analysis catalogue views bins limits best images models text x
"""
names = st.sampled_from(WORDS.split())
leaves = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**20), 10**20),
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
    try:
        load_report(path, ANALYSES, (), {})
    except ConfigError as refused:
        lines = refused.message.split("\n")
        assert all(line.startswith(f"{path}:") for line in lines)
