import jsonschema
import pytest

from reportgen.analyses.base import installed_analyses
from reportgen.config.loading import load_report
from reportgen.config.schema import CatalogueSection
from reportgen.documentation import configuration_schema
from reportgen.errors import ConfigError

HEAD = """\
report: {id: cdfs, title: CDFS}
catalogues:
  swire: {file: swire.h5, dataset: /cdfs, columns: {flux: {index: 6}}}
"""
FLUX = "sections:\n  flux:\n    analysis: some\n    catalogue: swire\n    title: Flux\n"


@pytest.fixture
def load(tmp_path):
    def load(text, overrides=(), **environment):
        path = tmp_path / "cdfs.yaml"
        path.write_text(HEAD + text)
        return load_report(path, {"some": CatalogueSection}, overrides, environment)

    return load


@pytest.fixture
def problems(load):
    def problems(text):
        with pytest.raises(ConfigError) as caught:
            load(text)
        return [line.strip().rpartition("cdfs.yaml:")[2] for line in str(caught.value).splitlines()]

    return problems


def test_budgets_are_in_seconds_and_bytes(load):
    report = load(
        "budgets: {html: 3 MB, pdf: 10 MB, seconds: 60, memory: 1 GiB}\n"
        f"{FLUX}    budgets: {{seconds: 5, memory: 500 MB, severity: fail}}\n"
        "    memory_limit: 2 GB\n"
    )
    assert report.budgets.limits == {"html": 3e6, "pdf": 1e7, "seconds": 60, "memory": 2**30}
    assert report.budgets.severity == "warn"
    section = report.sections["flux"]
    assert section.budgets.limits == {"seconds": 5, "memory": 5e8}
    assert section.budgets.severity == "fail"
    assert section.memory_limit == 2e9


def test_there_are_none_when_none_are_given(load):
    report = load(FLUX)
    assert report.budgets is None
    assert report.sections["flux"].budgets is None
    assert report.sections["flux"].memory_limit is None


def test_a_budget_may_come_from_the_environment_and_the_command_line(load):
    text = "budgets: {seconds: '${MOST}', pdf: '${SIZE}'}\n" + FLUX
    report = load(text, ["budgets.pdf=4 MB"], MOST="7", SIZE="9 MB")
    assert report.budgets.limits == {"seconds": 7, "pdf": 4e6}


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (
            "budgets: {html: 3 XB}",
            "4:11: budgets.html: should be a size such as 256 MB, not '3 XB'",
        ),
        ("budgets: {pdf: 0}", "4:11: budgets.pdf: should be a size such as 256 MB, more than"),
        ("budgets: {seconds: -1}", "4:11: budgets.seconds: should be greater than 0, not -1"),
        ("budgets: {second: 1}", "4:11: budgets.second: unknown key 'second'; did you mean 'seco"),
        (
            "budgets: {severity: fail}",
            "4:1: budgets: nothing is limited: give one or more of html, pdf, seconds, memory",
        ),
        ("budgets: 3 MB", "4:1: budgets: should be keys and values, not '3 MB'"),
        ("budgets: {pdf: 1 MB, severity: no}", "4:22: budgets.severity: should be 'warn' or"),
    ],
)
def test_what_is_wrong_in_a_budget_is_named_with_its_place_and_key(problems, line, said):
    found = problems(f"{line}\n{FLUX}")
    assert any(each.startswith(said) for each in found), found


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (
            "budgets: {html: 3 MB, seconds: 1}",
            "9:15: sections.flux.budgets.html: html is a document of the whole report: its budget "
            "stands in budgets: of the file",
        ),
        (
            "budgets: {owner: Ann}",
            "9:5: sections.flux.budgets: nothing is limited: give one or more of seconds, memory",
        ),
        (
            "budgets: {seconds: 600}",
            "9:15: sections.flux.budgets.seconds: seconds (600) is not less than the timeout (600)"
            ": it could never be exceeded",
        ),
        ("memory_limit: 0 MB", "9:5: sections.flux.memory_limit: should be a size such as 256 MB"),
        ("memory_limit: much", "9:5: sections.flux.memory_limit: should be a size such as 256 MB"),
    ],
)
def test_what_is_wrong_in_a_section_is_named_with_its_place_and_key(problems, line, said):
    found = problems(f"{FLUX}    {line}\n")
    assert any(each.startswith(said) for each in found), found


def test_the_json_schema_knows_budgets():
    schema = configuration_schema(installed_analyses().types)
    keys = {
        "report": {"id": "a", "title": "A"},
        "budgets": {"html": "3 MB", "pdf": 10_000_000, "seconds": 60, "memory": "1 GB"},
        "catalogues": {"c": {"columns": {"x": {"file": "a", "dataset": "b"}}}},
        "sections": {
            "one": {
                "analysis": "overview",
                "catalogue": "c",
                "title": "One",
                "memory_limit": "2 GB",
                "budgets": {"seconds": 5, "memory": "500 MB", "severity": "fail"},
            }
        },
    }
    jsonschema.validate(keys, schema)
    keys["sections"]["one"]["budgets"] = {"html": "3 MB"}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(keys, schema)
