"""Sections that survey teams have, in reports that are built and read back."""

import numpy as np
import pytest
from projects import HISTOGRAM, section, small_project

RULES = [
    {"column": "flux", "above": 0, "owner": "Radio team", "reason": "Fluxes are fitted"},
    {"column": "size", "between": [-1, 1], "at_least": "90 percent", "severity": "warn"},
]
SECTIONS = {
    "rules": section("quality", rules=RULES),
    "resolved": section(
        "compactness", total="flux", total_error="error", peak="peak", peak_error="error"
    ),
    "counts": section("number_counts", flux="flux", area="2 deg2", bins={"from": 0.1, "to": 10}),
    "colours": section("colour_colour", x="size", y="peak", regions={"low": "size < 0"}),
    "visits": section("repeatability", object="id", value="size"),
    "score": section("classifier", label="id > 20", score="flux", threshold="best"),
}


def configured(project, sections=SECTIONS):
    random = np.random.default_rng(7)
    flux = random.lognormal(size=200)
    flux[:2] = -1
    project.columns["flux"] = {"dataset": "flux", "unit": "mJy"}
    for name in ("peak", "error"):
        project.columns[name] = {"dataset": name, "unit": "mJy"}
    project.write(
        flux=flux,
        size=random.normal(size=200),
        peak=flux * 0.9,
        error=np.full(200, 0.05),
        id=np.repeat(np.arange(40.0), 5),
    )
    project.configure(sections)


def test_a_broken_rule_is_a_check_that_fails_with_who_answers_for_it(project):
    configured(project)
    done = project.build()
    assert done.returncode == 1, done.stderr
    checks = {check["metric"]: check for check in project.section("rules")["checks"]}
    failed = checks["flux_above_broken_percent"]
    assert (failed["status"], failed["owner"], failed["value"]) == ("fail", "Radio team", 1)
    assert failed["reason"] == "Fluxes are fitted"
    assert checks["size_between_broken_percent"]["status"] == "warn"
    statuses = {each["id"]: each["status"] for each in project.summary()["sections"]}
    assert statuses == {**dict.fromkeys(SECTIONS, "ok"), "rules": "fail"}
    # Another limit is another verdict of the same section.
    rules = [{**RULES[0], "at_least": "95 percent"}]
    configured(project, {"rules": section("quality", rules=rules)})
    assert project.build().returncode == 0


def test_a_wrong_rule_is_refused_where_it_stands(project):
    configured(
        project, {"rules": section("quality", rules=[RULES[0], {"column": "flx", "above": 0}])}
    )
    done = project.call("check", "report.yaml")
    assert done.returncode == 2
    assert "sections.rules.rules[1].column: unknown column 'flx'" in done.stderr
    wrong = [{"column": "flux", "between": [0, "3 deg"]}]
    configured(project, {"rules": section("quality", rules=wrong)})
    said = project.call("check", "report.yaml").stderr.replace("\u00a0", " ")
    assert "sections.rules.rules[0].between: 3° should be in mJy" in said


def test_the_counts_of_others_are_part_of_a_section(project):
    (project.folder / "others.txt").write_text("# S [mJy], counts\n1 2\n2 3\n")
    reference = {"file": "others.txt", "unit": "mJy"}
    configured(project, {"counts": {**SECTIONS["counts"], "reference": reference}})
    assert project.build().returncode == 0
    before = project.section("counts")["metrics"]["reference_ratio"]["value"]
    (project.folder / "others.txt").write_text("1 4\n2 6\n")
    assert project.build().returncode == 0
    after = project.section("counts")["metrics"]["reference_ratio"]["value"]
    assert after * 2 == pytest.approx(before)
    (project.folder / "others.txt").unlink()
    done = project.call("check", "report.yaml")
    assert done.returncode == 2
    assert "sections.counts.reference.file" in done.stderr
    assert "others.txt: no such file" in done.stderr


def test_of_a_catalogue_that_is_not_there_only_that_is_said(project):
    configured(project)
    (project.folder / "stars.h5").unlink()
    done = project.call("check", "report.yaml")
    assert done.returncode == 5
    assert done.stderr.count("sections.") == 0, done.stderr


def test_a_distribution_is_compared_with_the_histogram_of_an_earlier_run(tmp_path):
    project = small_project(tmp_path)
    project.configure({"fluxes": HISTOGRAM})
    assert project.build().returncode == 0
    paper = project.latest.resolve()
    reference = {"catalogue": "paper", "low": "bin_low", "high": "bin_high", "mean": "n_flux"}
    published = {"file": str(paper / "sections/fluxes/tables/histogram_1.ecsv")}
    stars = {"file": "stars.h5", "columns": project.columns}
    keys = {"analysis": "reference_distribution", "catalogue": "stars", "title": "As published"}
    again = {**keys, "column": "flux", "reference": reference}
    project.configure({"again": again}, catalogues={"stars": stars, "paper": published})
    assert project.build().returncode == 0
    metrics = project.section("again")["metrics"]
    assert metrics["n"]["value"] == 200
    assert metrics["ks_distance"]["value"] == metrics["wasserstein"]["value"] == 0
