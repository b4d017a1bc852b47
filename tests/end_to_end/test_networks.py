"""Reports with sections on networks, built as users build them, when all is well and when not."""

import json
import shutil

import h5py
import numpy as np
import pytest
from projects import DISTRIBUTION, reportgen

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
import os, signal
from dataclasses import dataclass
from reportgen.analyses.base import NetworkAnalysis
from reportgen.reduce.maps import FirstMaps, MapsOf
from reportgen.results import Section

@dataclass(frozen=True)
class Deadly(FirstMaps):
    deed: str = ""

    def update(self, state, maps):
        if self.deed == "dies":
            os.kill(os.getpid(), signal.SIGKILL)
        if self.deed == "raises":
            raise ValueError("maps are not for me")
        while self.deed == "hangs":
            pass

class Killer(NetworkAnalysis, name="killer"):
    deed: str

    def reductions(self):
        return {"maps": Deadly(MapsOf(self.weights[0]), deed=self.deed)}

    def present(self, maps):
        return Section(findings=["Nothing happened."])
"""


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sample")
    done = reportgen("sample", folder, "--rows", "300", "--images", "9")
    assert done.returncode == 0, done.stderr
    return folder


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


@pytest.fixture
def survey(project, sample):
    """A project with a catalogue, and beside it images and a network that a test may spoil."""
    for path in sample.iterdir():
        shutil.copy(path, project.folder)
    project.blocks = {
        "images": {
            "radio": {
                "file": "crowdastro.h5",
                "dataset": "/atlas/cdfs/images_2x2",
                "unit": "Jy / beam",
                "pixel_scale": 0.6,
            }
        },
        "models": {
            "cnn": {
                "architecture": "cnn_model.json",
                "trained_with": "theano",
                "weights": {"early": "weights_10epochs.h5", "late": "my_cnn_weights.h5"},
            }
        },
    }

    def configure(**sections):
        project.configure(sections, **project.blocks)

    project.sections = configure
    return project


def without(project, *packages):
    """Give an environment in which some packages are not installed."""
    site = project.folder / "without"
    site.mkdir()
    (site / "sitecustomize.py").write_text(f"PACKAGES = {packages}\n{SOME_ARE_MISSING}")
    return {"PYTHONPATH": str(site)}


def statuses(project):
    return {section["id"]: section["status"] for section in project.summary()["sections"]}


def test_sections_on_networks_stand_beside_those_on_catalogues(survey):
    survey.sections(maps={**MAPS, "weights": ["early", "random"]}, fluxes=DISTRIBUTION, all=FILTERS)
    done = survey.build("--verbose")
    assert done.returncode == 0, done.stderr
    assert statuses(survey) == {"maps": "ok", "fluxes": "ok", "all": "ok"}
    maps = survey.section("maps")
    assert (maps["rows"], maps["entries"], maps["source"]) == (1, "images", "radio, cnn")
    assert [figure["id"] for figure in maps["figures"]] == ["input", "maps_early", "maps_random"]
    assert survey.section("all")["rows"] == 4
    page = survey.page()
    assert "4 images" in page
    assert "Synthetic survey made by reportgen sample" in page


def test_nothing_but_what_reportgen_says_reaches_the_user(survey):
    survey.sections(maps=MAPS)
    done = survey.build("--verbose")
    assert done.returncode == 0, done.stderr
    said = done.stdout + done.stderr
    for word in ("tensorflow", "TensorFlow", "oneDNN", "cuda", "CPU", "WARNING", "absl", "keras"):
        assert word not in said
    assert survey.section("maps")["notes"] == []


def test_the_files_of_a_network_are_among_the_inputs(survey):
    survey.sections(maps=MAPS)
    assert survey.build().returncode == 0
    inputs = {record["path"].rsplit("/")[-1]: record for record in survey.summary()["inputs"]}
    assert inputs.keys() == {
        "crowdastro.h5",
        "cnn_model.json",
        "weights_10epochs.h5",
        "my_cnn_weights.h5",
    }
    assert all(len(record["sha256"]) == 64 for record in inputs.values())
    images = inputs["crowdastro.h5"]["datasets"]
    assert images == [{"name": "/atlas/cdfs/images_2x2", "rows": 9, "entries": "images"}]
    assert inputs["weights_10epochs.h5"]["synthetic"]


def test_the_same_input_gives_the_same_bytes_on_one_worker_and_on_two(survey):
    survey.sections(maps={**MAPS, "weights": ["late", "random"]}, all=FILTERS, fluxes=DISTRIBUTION)
    runs = []
    for workers in ("1", "2"):
        env = {"SOURCE_DATE_EPOCH": "1760000000"}
        done = survey.build("--workers", workers, "--output", workers, env=env)
        assert done.returncode == 0, done.stderr
        run = (survey.folder / workers / "latest").resolve()
        runs.append({p.relative_to(run): p.read_bytes() for p in run.rglob("*") if p.is_file()})
    assert runs[0] == runs[1]


def test_once_a_network_is_known_tensorflow_is_not_needed_and_nothing_changes(survey):
    survey.sections(maps={**MAPS, "weights": ["late", "random"]})
    files, exports = [], []
    for env in ({}, without(survey, "tensorflow", "keras")):
        done = survey.build("--profile", "profile.txt", env=env)
        assert done.returncode == 0, done.stderr
        of = (survey.latest / "sections").resolve()
        files.append({p.relative_to(of): p.read_bytes() for p in of.rglob("*") if p.is_file()})
        timeline = (survey.folder / "profile.txt").read_text()
        exports.append(timeline.count("worker: export for radio, cnn"))
    assert exports == [1, 0]
    assert files[0]
    assert files[0] == files[1]
    assert len(survey.section("maps")["notes"]) == 1  # on how random weights are drawn


def test_what_is_exported_for_one_build_serves_it_and_is_not_kept(survey):
    survey.sections(maps=MAPS, all=FILTERS)
    done = survey.build("--no-cache", "--profile", "profile.txt")
    assert done.returncode == 0, done.stderr
    assert statuses(survey) == {"maps": "ok", "all": "ok"}
    timeline = (survey.folder / "profile.txt").read_text()
    assert timeline.count("worker: export for radio, cnn") == 1
    assert timeline.count("worker: pass over radio, cnn") == 1
    assert not (survey.out / ".cache").exists()


# What goes wrong


def test_without_tensorflow_the_sections_say_what_to_install(survey):
    survey.sections(maps=MAPS, fluxes=DISTRIBUTION)
    done = survey.build(env=without(survey, "tensorflow", "keras"))
    assert done.returncode == ExitCode.SECTION
    assert statuses(survey) == {"maps": "error", "fluxes": "ok"}
    error = survey.section("maps")["error"]
    assert error["message"] == "TensorFlow is not installed"
    assert error["hint"] == "pip install 'reportgen[cnn]'"
    assert "pip install &#39;reportgen[cnn]&#39;" in survey.page()


def test_without_litert_tensorflow_computes_and_the_section_says_so(survey):
    survey.sections(maps=MAPS)
    done = survey.build(env=without(survey, "ai_edge_litert"))
    assert done.returncode == 0, done.stderr
    (note,) = survey.section("maps")["notes"]
    assert note == (
        "TensorFlow computed the maps, since LiteRT is not installed (pip install "
        "'reportgen[cnn]')."
    )
    assert "since LiteRT is not installed" in survey.page()


@pytest.mark.parametrize(
    ("deed", "kind", "said"),
    [
        ("dies", "died", "killed by SIGKILL"),
        ("hangs", "timeout", "ran longer than its timeout of 5 s"),
        ("raises", "error", "ValueError: maps are not for me"),
    ],
)
def test_a_section_that_ends_the_process_of_the_network_harms_no_other(survey, deed, kind, said):
    survey.plugin(KILLER, killer="Killer")
    killer = network("killer", deed=deed, timeout=5 if deed == "hangs" else 600)
    survey.sections(killer=killer, maps=MAPS, fluxes=DISTRIBUTION)
    done = survey.build()
    assert done.returncode == ExitCode.SECTION, done.stderr
    assert statuses(survey) == {"killer": "error", "maps": "ok", "fluxes": "ok"}
    error = survey.section("killer")["error"]
    assert error["kind"] == kind
    assert said in error["message"]


def spoil(**changes):
    """Give what changes weights: dataset to its new values."""

    def change(folder):
        with h5py.File(folder / "weights_10epochs.h5", "r+") as file:
            for layer, value in changes.items():
                name = f"{layer}/{layer}_W"
                old = file[name][()]
                del file[name]
                file[name] = value(old)

    return change


def remove(folder):
    (folder / "weights_10epochs.h5").unlink()


SPOILT = {
    "missing": (remove, "there is no such file"),
    "NaN": (spoil(convolution2d_2=lambda old: old * np.nan), "NaN"),
}


@pytest.mark.parametrize("how", SPOILT)
def test_weights_that_cannot_be_used_fail_the_sections_that_use_them(survey, how):
    change, said = SPOILT[how]
    change(survey.folder)
    survey.sections(maps=MAPS, late=network("feature_maps", weights=["late"]), fluxes=DISTRIBUTION)
    done = survey.build()
    assert done.returncode == ExitCode.SOURCE, done.stderr
    assert statuses(survey) == {"maps": "error", "late": "ok", "fluxes": "ok"}
    error = survey.section("maps")["error"]
    assert error["kind"] == "source"
    assert said in error["message"]
    assert error["message"].startswith("report.yaml:")
    assert "models.cnn.weights.early" in error["message"]


def test_an_architecture_that_cannot_be_read_fails_all_sections_on_the_network(survey):
    (survey.folder / "cnn_model.json").write_text('{"class_name": "Model", "config": {}}')
    survey.sections(maps=MAPS, all=FILTERS, fluxes=DISTRIBUTION)
    done = survey.build()
    assert done.returncode == ExitCode.SOURCE
    assert statuses(survey) == {"maps": "error", "all": "error", "fluxes": "ok"}
    assert "models.cnn.architecture" in survey.section("all")["error"]["message"]


def test_a_layer_or_image_that_is_not_there_is_named(survey):
    survey.sections(
        layer=network("feature_maps", layer="convolution2d_3"),
        image=network("feature_maps", image=9),
        fine=MAPS,
    )
    done = survey.build()
    assert done.returncode == ExitCode.SECTION
    assert statuses(survey) == {"layer": "error", "image": "error", "fine": "ok"}
    assert "did you mean 'convolution2d_2'?" in survey.section("layer")["error"]["message"]
    assert "there is no image 9" in survey.section("image")["error"]["message"]


def test_images_that_are_not_there_fail_the_sections_that_show_them(survey):
    survey.blocks["images"]["radio"]["dataset"] = "/atlas/cdfs/images_3x3"
    survey.sections(maps=MAPS, fluxes=DISTRIBUTION)
    done = survey.build()
    assert done.returncode == ExitCode.SOURCE
    assert statuses(survey) == {"maps": "error", "fluxes": "ok"}
    assert "images_2x2" in survey.section("maps")["error"]["message"]


# Before a build


def test_check_reads_every_file_of_a_network(survey):
    survey.sections(maps=MAPS)
    done = survey.run("check", "report.yaml")
    assert done.returncode == 0, done.stderr
    assert "model cnn: weights early, late" in done.stdout
    spoil(convolution2d_1=lambda old: old * np.inf)(survey.folder)
    done = survey.run("check", "report.yaml")
    assert done.returncode == ExitCode.SOURCE
    assert "models.cnn.weights.early" in done.stderr
    assert "Traceback" not in done.stderr


def test_check_names_every_file_that_is_wrong_at_once(survey):
    survey.sections(maps=MAPS)
    (survey.folder / "cnn_model.json").unlink()
    path = survey.folder / "my_cnn_weights.h5"
    path.write_bytes(path.read_bytes()[:200_000])
    done = survey.run("check", "report.yaml")
    assert done.returncode == ExitCode.SOURCE
    assert "models.cnn.architecture: cnn_model.json: there is no such file" in done.stderr
    assert "models.cnn.weights.late: my_cnn_weights.h5: is truncated" in done.stderr
    assert "models.cnn.weights.early" not in done.stderr


@pytest.mark.parametrize(
    ("section", "place", "said"),
    [
        ({"weights": ["erly"]}, "sections.maps.weights[0]", "did you mean 'early'?"),
        ({"images": "radoi"}, "sections.maps.images", "did you mean 'radio'?"),
        ({"model": "can"}, "sections.maps.model", "did you mean 'cnn'?"),
        ({"catalogue": "stars"}, "sections.maps.catalogue", "unknown key 'catalogue'"),
    ],
)
def test_names_that_are_not_known_are_told_with_their_place(survey, section, place, said):
    survey.sections(maps={**MAPS, **section})
    done = survey.run("check", "report.yaml")
    assert done.returncode == ExitCode.CONFIG
    assert place in done.stderr
    assert said in done.stderr


def test_a_set_of_weights_cannot_be_called_random(survey):
    survey.blocks["models"]["cnn"]["weights"]["random"] = "weights_10epochs.h5"
    survey.sections(maps=MAPS)
    done = survey.run("check", "report.yaml")
    assert done.returncode == ExitCode.CONFIG
    assert "models.cnn.weights.random" in done.stderr
    assert "choose another name" in done.stderr


def test_a_file_that_does_not_say_its_backend_needs_trained_with(survey):
    del survey.blocks["models"]["cnn"]["trained_with"]
    survey.sections(maps=MAPS)
    done = survey.run("check", "report.yaml")
    assert done.returncode == ExitCode.SOURCE
    assert "trained_with: theano" in done.stderr
    assert "trained_with: tensorflow" in done.stderr


def test_the_schema_takes_a_path_or_a_block_for_weights(survey):
    import jsonschema

    done = survey.run("schema")
    schema = json.loads(done.stdout)
    block = schema["$defs"]["ModelBlock"]
    model = {"architecture": "a.json", "weights": {"a": "a.h5", "b": {"file": "b.h5"}}}
    with_definitions = {**block, "$defs": schema["$defs"]}
    jsonschema.validate(model, with_definitions)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**model, "weights": {"a": 5}}, with_definitions)
