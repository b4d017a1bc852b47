"""What a build refuses, a check refuses before: with the same exit code and in the same words."""

import os
import re

import pytest
from projects import DISTRIBUTION, section, small_project

MAIL = {"from": "a@example.org", "to": ["b@example.org"], "sendmail": True}
STARS = {"columns": {"flux": {"dataset": "flux"}}}
NOISE = {"analysis": "image_noise", "title": "Noise", "images": "cut"}
DEEP = {"text": "{{ " + "(" * 300 + "1" + ")" * 300 + " }}"}
# Blocks of the configuration, by the exit code that they must give.
WRONG = {
    2: {
        "id": {"report": {"id": "x" * 300, "title": "x"}},
        "title": {"report": {"id": "x", "title": None}},
        "output_name": {"output": {"folder": "x" * 300}},
        "output_path": {"output": {"folder": "x/" * 3000}},
        "templates": {"output": {"templates": "nowhere"}},
        "template": {"output": {"templates": "own"}},
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
    4: {
        "output_file": {"output": {"folder": "stars.h5"}},
        "output_below_file": {"output": {"folder": "stars.h5/out"}},
        "output_loop": {"output": {"folder": "loop"}},
        "latest_folder": {"output": {"folder": "taken"}},
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
    (project.folder / "loop").symlink_to("loop")
    os.mkfifo(project.folder / "pipe")
    (project.folder / "taken" / "latest").mkdir(parents=True)
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
    assert complaints(checked)[0] == complaints(built)[0]
    if code == 2:
        assert checked.stderr == built.stderr


def test_a_history_that_cannot_be_read_is_found_by_a_check(project):
    output = {"folder": "out", "formats": ["html"], "history": f"sqlite:///{project.folder}"}
    project.configure({"fluxes": DISTRIBUTION}, output=output)
    checked, built = (project.call(word, "report.yaml") for word in ("check", "build"))
    assert (checked.returncode, built.returncode) == (4, 4)
    assert checked.stderr.splitlines()[0] in built.stderr


def test_a_time_that_is_none_is_found_by_a_check(project):
    project.configure({"fluxes": DISTRIBUTION})
    env = {"SOURCE_DATE_EPOCH": "yesterday"}
    checked, built = (project.call(word, "report.yaml", env=env) for word in ("check", "build"))
    assert (checked.returncode, checked.stderr) == (built.returncode, built.stderr)
    assert checked.returncode == 4
