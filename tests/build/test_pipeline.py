import json

import pytest

from reportgen.analyses.base import installed_analyses
from reportgen.build.pipeline import Options, build, chosen_sections, exit_code
from reportgen.build.progress import Progress
from reportgen.config.loader import load_report
from reportgen.data.sources import every_source, open_sources
from reportgen.errors import ConfigError, ExitCode, PublishError
from reportgen.record import ErrorRecord, Summary, with_status


@pytest.fixture
def record(summary):
    return Summary.model_validate_json(json.dumps(summary))


@pytest.fixture
def report(project):
    return load_report(project.config, installed_analyses().types)


def with_section(record, **changes):
    first = record.sections[0].model_copy(update=changes)
    return with_status(record.model_copy(update={"sections": (first, *record.sections[1:])}))


@pytest.mark.parametrize(
    ("status", "code"),
    [
        ("ok", ExitCode.OK),
        ("warn", ExitCode.OK),
        ("fail", ExitCode.CHECK_FAILED),
        ("error", ExitCode.SECTION),
    ],
)
def test_the_exit_code_follows_from_the_worst_section(record, status, code):
    assert exit_code(with_section(record, status=status)) == code


def test_an_unreadable_source_outranks_a_failed_section(record):
    source = ErrorRecord(kind="source", message="gone")
    assert exit_code(with_section(record, status="error", error=source)) == ExitCode.SOURCE
    inputs = (record.inputs[0].model_copy(update={"error": "is truncated"}), *record.inputs[1:])
    assert exit_code(with_status(record.model_copy(update={"inputs": inputs}))) == ExitCode.SOURCE


def test_a_document_that_could_not_be_made_counts_as_a_section(record):
    broken = record.documents["pdf"].model_copy(
        update={"error": ErrorRecord(kind="error", message="no")}
    )
    documents = {**record.documents, "pdf": broken}
    changed = with_status(record.model_copy(update={"documents": documents}))
    assert exit_code(changed) == ExitCode.SECTION


def test_all_sections_are_built_or_those_that_are_asked_for(report):
    assert list(chosen_sections(report, ())) == ["fluxes"]
    assert list(chosen_sections(report, ("fluxes", "fluxes"))) == ["fluxes"]
    with pytest.raises(ConfigError, match="--only flux: unknown section 'flux'; did you mean"):
        chosen_sections(report, ("flux",))


def test_a_build_can_be_made_from_a_program(report, project):
    built = build(report, Options(workers=1), Progress())
    assert built.exit_code == ExitCode.OK
    assert built.folder == project.latest.resolve()
    assert built.summary.run.seconds > 0
    assert built.summary.sections[0].seconds > 0
    assert project.summary() == json.loads(built.summary.model_dump_json())


def test_a_wrong_time_is_said_before_anything_is_built(report, project, monkeypatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "soon")
    with pytest.raises(PublishError, match="SOURCE_DATE_EPOCH is 'soon'"):
        build(report, Options(), Progress())
    assert not project.out.exists()


def test_sources_name_their_files_whether_or_not_they_open(project):
    other = {"file": "lost.h5", "columns": {"x": {"dataset": "x"}, "y": {"file": "stars.h5"}}}
    other["columns"]["y"]["dataset"] = "flux"
    catalogues = {"stars": {"file": "stars.h5", "columns": project.columns}, "other": other}
    images = {"stamps": {"file": "stamps.h5", "dataset": "stamps"}}
    sections = {"a": {"analysis": "overview", "catalogue": "stars", "title": "A"}}
    project.configure(sections, catalogues=catalogues, images=images)
    report = load_report(project.config, installed_analyses().types)
    only = open_sources(report, {("catalogues", "stars")})
    assert [path.name for path in only.files] == ["stars.h5"]
    assert not only.errors
    everything = open_sources(report, every_source(report))
    assert [path.name for path in everything.files] == ["stars.h5", "lost.h5", "stamps.h5"]
    assert set(everything.catalogues) == {"stars", "other"}
    assert set(everything.catalogues["other"].broken) == {"x"}
    assert set(everything.errors) == {("images", "stamps")}
    assert len(everything.problems) == 2
