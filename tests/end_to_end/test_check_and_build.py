"""What a build refuses, a check refuses before: with the same exit code and in the same words."""

import os
import re

import h5py
import numpy as np
import pytest
from projects import DISTRIBUTION, section, small_project

MAIL = {"from": "a@example.org", "to": ["b@example.org"], "sendmail": True}
STARS = {"columns": {"flux": {"dataset": "flux"}}}
CELL = {"cell": {"table": "quantile", "row": 0, "column": "n"}, "min": 1}
NOISE = {"analysis": "image_noise", "title": "Noise", "images": "cut"}
DEEP = {"text": "{{ " + "(" * 300 + "1" + ")" * 300 + " }}"}
ENDING = """
    import os
    from reportgen import Analysis

    class Ending(Analysis, name="ending"):
        def reductions(self):
            return {}

        def present(self):
            os._exit(1)
"""
# Blocks of the configuration, by the exit code that they must give.
WRONG = {
    2: {
        "id": {"report": {"id": "x" * 300, "title": "x"}},
        "title": {"report": {"id": "x", "title": None}},
        "output_name": {"output": {"folder": "x" * 300}},
        "output_path": {"output": {"folder": "x/" * 3000}},
        "templates": {"output": {"templates": "nowhere"}},
        "template": {"output": {"templates": "own"}},
        "template_pipe": {"output": {"templates": "pipes"}},
        "analysis": {"sections": {"a": section("distribtion")}},
        "column": {"sections": {"a": section("distribution", columns=["flx"])}},
        "catalogue": {"sections": {"a": {**DISTRIBUTION, "catalogue": "galaxies"}}},
        "selection": {"sections": {"a": {**DISTRIBUTION, "where": "9 ** (" * 99}}},
        "prose": {"sections": {"a": {**DISTRIBUTION, "text": "{{ 'x' * 10**9 }}"}}},
        "deep_prose": {"sections": {"a": {**DISTRIBUTION, **DEEP}}},
        "large_number": {"sections": {"a": {**DISTRIBUTION, "cuts": ["1_" * 2000 + "1"]}}},
        "size": {"sections": {"a": {**DISTRIBUTION, "memory_limit": "1:30"}}},
        "endless_size": {"sections": {"a": {**DISTRIBUTION, "memory_limit": float("inf")}}},
        "check": {"sections": {"a": {**DISTRIBUTION, "checks": [{"metric": "flux_median"}]}}},
        "metric": {
            "sections": {"a": {**DISTRIBUTION, "checks": [{"metric": "flux_medan", "min": 1}]}}
        },
        "table": {"sections": {"a": {**DISTRIBUTION, "checks": [CELL]}}},
        "failing_prose": {"sections": {"a": {**DISTRIBUTION, "text": "{{ 1 / 0 }}"}}},
        "failing_link": {"deliver": {"links": {"report": "https://x.org/{{ 'a' | round }}"}}},
        "row": {
            "sections": {
                "a": {
                    **DISTRIBUTION,
                    "checks": [
                        {
                            "cell": {
                                "table": "quantiles",
                                "row": {"n": float("nan")},
                                "column": "n",
                            },
                            "min": 1,
                        }
                    ],
                }
            }
        },
        "reference": {"references": {"paper": "x" * 300}},
        "budget": {"budgets": {"html": "1 MB or so"}},
        "subject": {"deliver": {"mail": {**MAIL, "subject": "{{ 9 ** 9 ** 9 }}"}}},
        "link": {"deliver": {"links": {"report": "https://x.org/{{ run.nothing }}"}}},
        "matrix": {"matrix": {"field": []}},
        "same_folder": {"matrix": {"field": ["${{ matrix.field }}"]}},
        "unset": {"report": {"id": "x", "title": "${REPORTGEN_TESTS_UNSET}"}},
        "history": {"output": {"history": "out/history.sqlite"}},
    },
    3: {
        "metric_in_prose": {"sections": {"a": {**DISTRIBUTION, "text": "{{ metrics.median }}"}}},
        "prose_of_values": {
            "sections": {
                "a": {**DISTRIBUTION, "text": "{{ 1 / (metrics.flux_n - metrics.flux_n) }}"}
            }
        },
        "metric_in_trend": {
            "sections": {
                "fluxes": DISTRIBUTION,
                "a": {"analysis": "trend", "title": "Nights", "metrics": ["fluxes.median"]},
            }
        },
        "no_row": {
            "sections": {"a": {**DISTRIBUTION, "where": "flux > 1e9"}}
        },
    },
    4: {
        "output_file": {"output": {"folder": "stars.h5"}},
        "output_below_file": {"output": {"folder": "stars.h5/out"}},
        "output_loop": {"output": {"folder": "loop"}},
        "latest_folder": {"output": {"folder": "taken"}},
        "lock_link": {"output": {"folder": "locked"}},
        "foreign_index": {"output": {"folder": "foreign"}},
        "link_for_pages": {"output": {"folder": "linked"}},
        "no_folder_of_history": {"output": {"history": "sqlite:////nowhere/history.sqlite"}},
    },
    5: {
        "no_file": {"catalogues": {"stars": {**STARS, "file": "no.h5"}}},
        "pipe": {"catalogues": {"stars": {**STARS, "file": "pipe"}}},
        "no_images": {"images": {"cut": {"file": "no.fits"}}, "sections": {"a": NOISE}},
        "table": {"images": {"cut": {"file": "stars.h5"}}, "sections": {"a": NOISE}},
        "device": {"catalogues": {"stars": {**STARS, "file": "/dev/zero"}}},
    },
}  # fmt: skip
CASES = [(code, name) for code, blocks in WRONG.items() for name in blocks]


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    project = small_project(tmp_path_factory.mktemp("wrong"))
    (project.folder / "own").mkdir()
    (project.folder / "own" / "report.html.j2").write_text("{% for %}")
    (project.folder / "pipes").mkdir()
    os.mkfifo(project.folder / "pipes" / "report.html.j2")
    (project.folder / "loop").symlink_to("loop")
    os.mkfifo(project.folder / "pipe")
    (project.folder / "taken" / "latest").mkdir(parents=True)
    for name in ("locked", "foreign", "linked"):
        (project.folder / name).mkdir()
    (project.folder / "locked" / ".build.lock").symlink_to("elsewhere")
    (project.folder / "foreign" / "index.html").write_text("mine")
    (project.folder / "linked" / "nights").symlink_to("..")
    return project


def complaints(done):
    """Return what is said to be wrong, without what a build says of its progress."""
    lines = [re.sub(r".*?(catalogues|images)\.", "", line) for line in done.stderr.splitlines()]
    return [line for line in lines if not line.startswith(("Building", "ok "))]


@pytest.mark.parametrize(("code", "name"), CASES)
def test_a_check_refuses_what_a_build_refuses(project, code, name):
    project.configure(**{"sections": {"fluxes": DISTRIBUTION}, **WRONG[code][name]})
    checked = project.call("check", "report.yaml")
    built = project.call("build", "report.yaml", "-q")
    assert (checked.returncode, built.returncode) == (code, code), built.stderr
    if code == 3:
        assert complaints(checked)[0].rpartition("sections.a: ")[2] in built.stderr
    else:
        assert complaints(checked)[0] == complaints(built)[0]
    if code == 2:
        assert checked.stderr == built.stderr


def test_a_history_that_cannot_be_read_is_found_by_a_check(project):
    output = {"folder": "out", "formats": ["html"], "history": f"sqlite:///{project.folder}"}
    project.configure({"fluxes": DISTRIBUTION}, output=output)
    checked, built = (project.call(word, "report.yaml") for word in ("check", "build"))
    assert (checked.returncode, built.returncode) == (4, 4)
    assert checked.stderr.splitlines()[0] in built.stderr


def test_a_history_that_cannot_be_written_is_found_by_a_check(project):
    project.configure({"fluxes": DISTRIBUTION}, output={"folder": "dated", "formats": ["html"]})
    assert project.call("build", "report.yaml").returncode == 0
    where = f"sqlite:///file:{project.folder}/dated/history.sqlite?mode=ro&uri=true"
    project.configure({"fluxes": DISTRIBUTION}, output={"folder": "dated", "history": where})
    checked, built = (project.call(word, "report.yaml") for word in ("check", "build"))
    assert (checked.returncode, built.returncode) == (4, 4)
    assert "is read-only here" in checked.stderr.splitlines()[0]
    assert checked.stderr.splitlines()[0] in built.stderr


def test_names_are_looked_up_in_the_first_rows_of_a_large_catalogue(project):
    flux = np.arange(70_000.0)
    with h5py.File(project.folder / "large.h5", "w") as file:
        file["flux"] = flux
    large = {"stars": {"file": "large.h5", "columns": {"flux": {"dataset": "flux"}}}}
    late = {**DISTRIBUTION, "where": "flux > 69000"}  # which the first rows are not
    prose = {"text": "{{ 1 / metrics.flux_below_0 }}", "cuts": [0]}  # for which they give no value
    sections = {"a": {**late, "text": "{{ metrics.flux_n }}"}, "b": {**DISTRIBUTION, **prose}}
    project.configure(sections, catalogues=large)
    checked = project.call("check", "report.yaml")
    assert checked.returncode == 0
    assert (
        "sections.a: was not tried, as it cannot be made of the first rows alone" in checked.stderr
    )
    project.configure({"a": {**DISTRIBUTION, "text": "{{ metrics.flx_n }}"}}, catalogues=large)
    checked = project.call("check", "report.yaml")
    assert checked.returncode == 3
    assert "did you mean 'flux_n'" in checked.stderr


def test_an_analysis_that_ends_its_process_does_not_end_a_check(project):
    project.plugin(ENDING, ending="Ending")
    project.configure({"a": section("ending")})
    checked = project.call("check", "report.yaml")
    assert checked.returncode == 0
    assert "were not tried: doing so its process ended by itself" in checked.stderr


def test_a_check_says_which_reference_run_is_not_there(project):
    within = {"metric": "flux_median", "within": {"of": "paper", "relative": 0.1}}
    sections = {"a": {**DISTRIBUTION, "checks": [within]}}
    project.configure(sections, references={"paper": "20260101T000000Z"})
    said = project.call("check", "report.yaml").stderr
    assert "references.paper: out/20260101T000000Z/summary.json: cannot be read" in said


def test_a_time_that_is_none_is_found_by_a_check(project):
    project.configure({"fluxes": DISTRIBUTION})
    env = {"SOURCE_DATE_EPOCH": "yesterday"}
    checked, built = (project.call(word, "report.yaml", env=env) for word in ("check", "build"))
    assert (checked.returncode, checked.stderr) == (built.returncode, built.stderr)
    assert checked.returncode == 4
