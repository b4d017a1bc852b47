from datetime import UTC, datetime

import pytest
from checking import section, summary

from reportgen.analyses.base import installed_analyses
from reportgen.config.loader import load_report
from reportgen.quality.checks.facts import (
    Reference,
    modified_files,
    read_references,
    source_files,
)
from reportgen.record import InputRecord, write_summary

YAML = """\
report: {id: cdfs, title: CDFS}
output: {folder: runs}
references: {paper: 20260901T020000Z, gone: elsewhere, unused: nowhere}
catalogues:
  swire:
    file: swire.h5
    dataset: fluxes
    missing: [-99]
    columns:
      flux_36: {index: 0, unit: uJy}
      flux_24: {index: 1, unit: uJy, label: 24 μm flux density}
      is_host: {file: labels.h5, dataset: labels}
images: {cuts: {file: cuts.h5, dataset: images}}
models: {cnn: {architecture: cnn.json, weights: {one: one.h5}}}
sections:
  flux:
    analysis: distribution
    catalogue: swire
    title: Flux
    columns: [flux_36]
    where: flux_36 > 2
    checks:
      - {metric: flux_36_median, within: {of: paper, absolute: 1}}
      - {metric: flux_36_median, within: {of: gone, absolute: 1}}
      - {fresh: 26, missing_at_most: {column: flux_24, percent: 30}}
  hosts:
    analysis: distribution
    catalogue: swire
    title: Hosts
    columns: [flux_36]
    where: is_host > 0
  score: {analysis: classifier, catalogue: swire, title: S, label: is_host, score: flux_36}
  overview: {analysis: overview, catalogue: swire, title: All}
  maps:
    {analysis: feature_maps, images: cuts, model: cnn, weights: [one], title: Maps}
"""


@pytest.fixture
def report(tmp_path):
    path = tmp_path / "cdfs.yaml"
    path.write_text(YAML)
    return load_report(path, installed_analyses().types, (), {})


def test_only_references_that_checks_use_are_read(report, tmp_path):
    found = read_references(report)
    assert set(found) == {"paper", "gone"}
    folder = tmp_path / "runs" / "20260901T020000Z"
    assert found["paper"] == f"{folder / 'summary.json'}: cannot be read: No such file or directory"
    folder.mkdir(parents=True)
    write_summary(folder, summary(section()))
    assert isinstance(read_references(report)["paper"], Reference)


def test_the_files_of_a_section_are_those_of_the_columns_it_names(report, tmp_path):
    files = {
        name: [path.name for path in source_files(report, block)]
        for name, block in report.sections.items()
    }
    assert files == {
        "flux": ["swire.h5"],
        "hosts": ["swire.h5", "labels.h5"],
        "score": ["swire.h5", "labels.h5"],
        "overview": ["swire.h5", "labels.h5"],
        "maps": ["cuts.h5"],
    }
    path = str(tmp_path / "swire.h5")
    assert modified_files(report, ()) == {"flux": {path: None}}
    record = InputRecord(path=path, modified="2026-11-22T02:00:00Z")
    then = datetime(2026, 11, 22, 2, tzinfo=UTC)
    assert modified_files(report, [record]) == {"flux": {path: then}}
