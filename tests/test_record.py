import json

import pytest

from reportgen.errors import ConfigError
from reportgen.record import (
    CheckRecord,
    ErrorRecord,
    MetricRecord,
    Summary,
    read_summary,
    with_status,
    write_summary,
)


@pytest.fixture
def record(summary):
    return Summary.model_validate_json(json.dumps(summary))


def test_a_record_reads_back_as_it_was_written(record, tmp_path):
    write_summary(tmp_path, record)
    assert read_summary(tmp_path) == record
    assert [path.name for path in tmp_path.iterdir()] == ["summary.json"]


def test_each_section_of_the_record_is_whole(summary):
    assert len(summary["sections"]) == 10
    for section in summary["sections"]:
        assert section["status"] == "ok"
        assert section["findings"]
        assert section["metrics"]
        assert section["rows"] > 0
        assert section["error"] is None
        tables = {table["id"]: table for table in section["tables"]}
        for figure in section["figures"]:
            assert set(figure["files"]) == {"svg", "pdf", "png"}
            assert figure["alt"]
            assert figure["caption"]
            assert figure["table"] in tables
        for table in tables.values():
            assert {"ecsv", "csv"} <= set(table["files"]) <= {"ecsv", "csv", "reg", "tex"}
            assert table["rows"] > 0


@pytest.mark.parametrize(
    ("changes", "verdict"),
    [
        ({}, "fail"),
        ({"waived": True}, "ok"),
        ({"in_force": False}, "ok"),
        ({"status": "error"}, "error"),
    ],
)
def test_a_check_that_is_waived_or_not_in_force_counts_as_ok(changes, verdict):
    keys = {"status": "fail", **changes}
    assert CheckRecord(id="x", kind="max", label="x", message="x", **keys).verdict == verdict


def test_no_number_of_the_record_is_none(built):
    def refuse(constant):
        raise AssertionError(f"{constant} is no JSON")

    json.loads((built.run / "summary.json").read_text(), parse_constant=refuse)


def test_a_nan_cannot_be_written(record, tmp_path):
    section = record.sections[0].model_copy(
        update={"metrics": {"x": MetricRecord(label="x", value=float("nan"))}}
    )
    with pytest.raises(ValueError, match="JSON compliant"):
        write_summary(tmp_path, record.model_copy(update={"sections": (section,)}))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("broken", ["section", "input", "document"])
def test_the_status_follows_from_every_part(record, broken):
    error = ErrorRecord(kind="error", message="no")
    changes = {
        "section": {"sections": (record.sections[0].model_copy(update={"status": "error"}),)},
        "input": {"inputs": (record.inputs[0].model_copy(update={"error": "no"}),)},
        "document": {
            "documents": {"pdf": record.documents["pdf"].model_copy(update={"error": error})}
        },
    }
    assert with_status(record).run.status == "ok"
    assert with_status(record.model_copy(update=changes[broken])).run.status == "error"


def test_a_run_that_started_at_no_time_is_said(summary, tmp_path):
    changed = {**summary, "run": {**summary["run"], "started": "yesterday"}}
    (tmp_path / "summary.json").write_text(json.dumps(changed))
    with pytest.raises(ConfigError, match=r"run\.started: 'yesterday' is not a time of ISO 8601"):
        read_summary(tmp_path)


def test_what_is_no_run_is_said(tmp_path):
    with pytest.raises(ConfigError, match=r"summary\.json: cannot be read: No such file"):
        read_summary(tmp_path)
    (tmp_path / "summary.json").write_text('{"format": "reportgen-run/1"}')
    with pytest.raises(
        ConfigError, match="is not a run of this version of reportgen: report: Field"
    ):
        read_summary(tmp_path)
