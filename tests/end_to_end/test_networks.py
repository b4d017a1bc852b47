"""Reports with sections on networks, built as users build them, when all is well and when not."""

import shutil
import time

import h5py
import numpy as np
import pytest
from projects import DISTRIBUTION, Project, files_of, small_project

from reportgen.build import image_tasks, network_checks
from reportgen.errors import ExitCode

SOME_ARE_MISSING = """
import sys

class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in PACKAGES:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Missing())
"""

KILLER = """
import os, signal, time
from dataclasses import dataclass
from reportgen import FirstMaps, MapsOf, NetworkAnalysis, Section

@dataclass(frozen=True)
class Deadly(FirstMaps):
    deed: str = ""

    def update(self, state, maps):
        if self.deed == "dies":
            os.kill(os.getpid(), signal.SIGKILL)
        if self.deed == "raises":
            raise ValueError("maps are not for me")
        if self.deed == "hangs":
            time.sleep(3600)

class Killer(NetworkAnalysis, name="killer"):
    deed: str

    def reductions(self):
        return {"maps": Deadly(MapsOf(self.weights[0]), deed=self.deed)}

    def present(self, maps):
        return Section(findings=["Nothing happened."])
"""


TIMELESS = {"SOURCE_DATE_EPOCH": "1760000000"}
RADIO = {
    "file": "crowdastro.h5",
    "dataset": "/atlas/cdfs/images_2x2",
    "unit": "Jy / beam",
    "pixel_scale": 0.6,
}
CNN = {
    "architecture": "cnn_model.json",
    "trained_with": "theano",
    "weights": {"early": "weights_10epochs.h5", "late": "my_cnn_weights.h5"},
}


def network(analysis, **keys):
    return {
        "analysis": analysis,
        "images": "radio",
        "model": "cnn",
        "title": analysis,
        "weights": ["early"],
        **keys,
    }


MAPS = network("feature_maps")
FILTERS = network("feature_statistics", count=4)


class Stars(Project):
    """A project with a catalogue, and beside it images and a network that a test may spoil."""

    def sections(self, images=None, models=None, **sections):
        images, models = {"radio": RADIO, **(images or {})}, {"cnn": CNN, **(models or {})}
        self.configure(sections, images=images, models=models)

    def statuses(self):
        return {section["id"]: section["status"] for section in self.summary()["sections"]}


def make_stars(folder, survey):
    small = small_project(folder)
    for path in survey.iterdir():
        shutil.copy(path, folder)
    return Stars(folder, small.columns)


@pytest.fixture(scope="module")
def first(tmp_path_factory, survey):
    """A first night, on which the networks are exported. Do not change it."""
    stars = make_stars(tmp_path_factory.mktemp("first"), survey)
    stars.sections(maps={**MAPS, "weights": ["late", "random"]}, all=FILTERS, fluxes=DISTRIBUTION)
    stars.done = stars.run("report.yaml", "--workers", "2", "--verbose", env=TIMELESS)
    assert stars.done.returncode == 0, stars.done.stderr
    return stars


@pytest.fixture
def stars(tmp_path, survey):
    return make_stars(tmp_path, survey)


def without(project, *packages):
    """Return an environment in which some packages are not installed."""
    site = project.folder / "without"
    site.mkdir(exist_ok=True)
    (site / "sitecustomize.py").write_text(f"PACKAGES = {packages}\n{SOME_ARE_MISSING}")
    return {**TIMELESS, "PYTHONPATH": str(site)}


def test_sections_on_networks_stand_beside_those_on_catalogues(first):
    assert first.statuses() == {"maps": "ok", "all": "ok", "fluxes": "ok"}
    maps = first.section("maps")
    assert (maps["rows"], maps["entries"], maps["source"]) == (1, "images", "radio, cnn")
    assert [figure["id"] for figure in maps["figures"]] == ["input", "maps_late", "maps_random"]
    assert first.section("all")["rows"] == 4
    assert "4 images" in first.page()
    assert "Synthetic survey made by reportgen sample" in first.page()


def test_nothing_but_what_reportgen_says_reaches_the_user(first):
    said = first.done.stdout + first.done.stderr
    for word in ("tensorflow", "TensorFlow", "oneDNN", "cuda", "CPU", "WARNING", "absl", "keras"):
        assert word not in said
    assert len(first.section("maps")["notes"]) == 1  # on how random weights are drawn


def test_the_files_of_a_network_are_among_the_inputs(first):
    inputs = {record["path"].rsplit("/")[-1]: record for record in first.summary()["inputs"]}
    assert inputs.keys() == {
        "stars.h5",
        "crowdastro.h5",
        "cnn_model.json",
        "weights_10epochs.h5",
        "my_cnn_weights.h5",
    }
    assert all(len(record["sha256"]) == 64 for record in inputs.values())
    images = inputs["crowdastro.h5"]["datasets"]
    assert images == [{"name": "/atlas/cdfs/images_2x2", "rows": 6, "entries": "images"}]
    assert inputs["weights_10epochs.h5"]["synthetic"]


def test_a_network_that_is_known_needs_no_tensorflow_and_others_say_what_to_install(first, stars):
    shutil.copytree(first.out / ".cache", stars.out / ".cache")
    shutil.copy(stars.folder / "weights_10epochs.h5", stars.folder / "new.h5")
    spoil(stars.folder, "new.h5", convolution2d_1=lambda old: old / 2)
    stars.sections(
        models={"new": {**CNN, "weights": {"early": "new.h5"}}},
        maps={**MAPS, "weights": ["late", "random"]},
        new={**MAPS, "model": "new"},
        fluxes=DISTRIBUTION,
    )
    done = stars.run("report.yaml", env=without(stars, "tensorflow", "keras"))
    assert done.returncode == ExitCode.SECTION, done.stderr
    assert stars.statuses() == {"maps": "ok", "new": "error", "fluxes": "ok"}
    maps = files_of(stars.latest / "sections" / "maps")
    assert maps
    assert maps == files_of(first.latest / "sections" / "maps")
    assert len(stars.section("maps")["notes"]) == 1  # on how random weights are drawn
    error = stars.section("new")["error"]
    assert error["message"] == "TensorFlow is not installed"
    assert error["hint"] == "pip install 'reportgen[cnn]'"
    assert "pip install &#39;reportgen[cnn]&#39;" in stars.page()


# What goes wrong


def test_without_litert_the_sections_say_what_to_install(first, stars):
    shutil.copytree(first.out / ".cache", stars.out / ".cache")
    stars.sections(maps={**MAPS, "weights": ["late"]})
    done = stars.run("report.yaml", env=without(stars, "ai_edge_litert"))
    assert done.returncode == ExitCode.SECTION
    error = stars.section("maps")["error"]
    assert (error["message"], error["hint"]) == (
        "LiteRT is not installed",
        "pip install 'reportgen[cnn]'",
    )


DEEDS = {
    "dies": ("died", "killed by SIGKILL"),
    "hangs": ("timeout", "ran longer than its timeout of 3 s"),
    "raises": ("error", "ValueError: maps are not for me"),
}


def test_sections_that_end_the_process_of_the_network_harm_no_other(first, stars):
    shutil.copytree(first.out / ".cache", stars.out / ".cache")
    stars.plugin(KILLER, killer="Killer")
    killers = {
        deed: network("killer", deed=deed, timeout=3 if deed == "hangs" else 600) for deed in DEEDS
    }
    stars.sections(**killers, maps=MAPS, fluxes=DISTRIBUTION)
    done = stars.build()
    assert done.returncode == ExitCode.SECTION, done.stderr
    assert stars.statuses() == {**dict.fromkeys(DEEDS, "error"), "maps": "ok", "fluxes": "ok"}
    for deed, (kind, said) in DEEDS.items():
        error = stars.section(deed)["error"]
        assert error["kind"] == kind
        assert said in error["message"]


def spoil(folder, name, **changes):
    """Change a weight file. changes: layer to its new values, given the old ones."""
    with h5py.File(folder / name, "r+") as file:
        for layer, change in changes.items():
            weights = f"{layer}/{layer}_W"
            values = change(file[weights][()])
            del file[weights]
            file[weights] = values


BROKEN = {  # section: kind of its error, and what its message says
    "not_a_number": ("source", "NaN"),
    "lost": ("source", "models.lost.weights.early: lost.h5: there is no such file"),
    "other_json": ("source", "models.other.architecture"),
    "other_json_too": ("source", "models.other.architecture"),
    "no_layer": ("error", "did you mean 'convolution2d_2'?"),
    "no_image": ("error", "there is no image 6"),
    "no_dataset": ("source", "images_2x2"),
}


@pytest.fixture(scope="module")
def broken(tmp_path_factory, survey, first):
    """A report of sections that cannot be made, beside two that can."""
    stars = make_stars(tmp_path_factory.mktemp("broken"), survey)
    shutil.copytree(first.out / ".cache", stars.out / ".cache")
    shutil.copy(stars.folder / "weights_10epochs.h5", stars.folder / "nan.h5")
    spoil(stars.folder, "nan.h5", convolution2d_2=lambda old: old * np.nan)
    (stars.folder / "other.json").write_text('{"class_name": "Model", "config": {}}')
    late = "my_cnn_weights.h5"
    stars.sections(
        images={"gone": {**RADIO, "dataset": "/atlas/cdfs/images_3x3"}},
        models={
            "nan": {**CNN, "weights": {"early": "nan.h5"}},
            "lost": {**CNN, "weights": {"early": "lost.h5", "late": late}},
            "other": {**CNN, "architecture": "other.json"},
        },
        not_a_number={**MAPS, "model": "nan"},
        lost={**MAPS, "model": "lost"},
        other_json={**MAPS, "model": "other"},
        other_json_too={**FILTERS, "model": "other"},
        no_layer={**MAPS, "layer": "convolution2d_3"},
        no_image={**MAPS, "image": 6},
        no_dataset={**MAPS, "images": "gone"},
        fine_beside_lost={**MAPS, "model": "lost", "weights": ["late"]},
        fluxes=DISTRIBUTION,
    )
    stars.done = stars.build()
    return stars


def test_what_cannot_be_used_fails_the_sections_that_use_it(broken):
    assert broken.done.returncode == ExitCode.SOURCE, broken.done.stderr
    fine = {"fine_beside_lost": "ok", "fluxes": "ok"}
    assert broken.statuses() == {**dict.fromkeys(BROKEN, "error"), **fine}


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_wrong_with_a_file_a_layer_or_an_image_is_said(broken, name):
    kind, said = BROKEN[name]
    error = broken.section(name)["error"]
    assert error["kind"] == kind
    assert said in error["message"]
    if kind == "source":
        assert error["message"].startswith("report.yaml:")


# Before a build


def test_check_reads_every_file_of_a_network(stars):
    stars.sections(maps=MAPS)
    done = stars.call("check", "report.yaml")
    assert done.returncode == 0, done.stderr
    assert "model cnn: weights early, late" in done.stdout
    spoil(stars.folder, "weights_10epochs.h5", convolution2d_1=lambda old: old * np.inf)
    done = stars.call("check", "report.yaml")
    assert done.returncode == ExitCode.SOURCE
    assert "models.cnn.weights.early" in done.stderr
    assert "Traceback" not in done.stderr


def never_return(*arguments):
    """Be a library that loops on a file."""
    time.sleep(3600)


@pytest.mark.parametrize("command", ["check", "build"])
def test_what_never_returns_from_a_file_of_a_network_is_stopped(stars, monkeypatch, command):
    monkeypatch.setattr(image_tasks, "network_problems", never_return)
    monkeypatch.setattr(network_checks, "network_problems", never_return)
    monkeypatch.setattr("reportgen.data.models.longest_look", lambda files: 0.1)
    stars.sections(maps=MAPS)
    done = stars.call(command, "report.yaml")
    assert done.returncode == ExitCode.SOURCE
    said = "models.cnn.architecture: reading the files of cnn failed: ran longer than"
    assert said in done.stderr


def test_check_says_what_the_build_says_and_ends_with_its_code(broken):
    done = broken.call("check", "report.yaml")
    assert done.returncode == broken.done.returncode == ExitCode.SOURCE
    for name in BROKEN:
        assert broken.section(name)["error"]["message"] in done.stderr
