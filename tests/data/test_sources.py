from reportgen.analyses.base import installed_analyses
from reportgen.config.loader import load_report
from reportgen.data.sources import every_source, open_sources


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
