"""What check says of networks, beside what a pass over the images says of the same input."""

import h5py
import numpy as np
import pytest
from scanning import WEIGHTS, section_on_network, write_network

from reportgen.build.image_tasks import network_problems, scan_features
from reportgen.errors import ExitCode


@pytest.fixture
def folder(tmp_path):
    write_network(tmp_path)
    return tmp_path


def edit_json(old, new):
    def change(folder):
        path = folder / "model.json"
        path.write_text(path.read_text().replace(old, new))

    return change


def edit_weights(name, values):
    def change(folder):
        with h5py.File(folder / WEIGHTS, "r+") as file:
            del file[name]
            file[name] = values

    return change


def write_images(*shape):
    def change(folder):
        with h5py.File(folder / "images.h5", "w") as file:
            file["images"] = np.zeros(shape, np.float32)

    return change


KERNEL = "convolution2d_1/convolution2d_1_W"
BAD = {  # what is done; keys of the section; shape of the images; code; words
    "layer": (None, {"layer": "convolution2d_9"}, None, 3, "unknown layer"),
    "index": (None, {"layer": 9}, None, 3, "there is no layer 9"),
    "image": (None, {"first": 5}, None, 3, "there is no image 5"),
    "class": (edit_json('"Activation"', '"Lambda"'), {}, None, 3, "is a Lambda that cannot"),
    "small": (write_images(5, 12, 12), {}, (5, 12, 12, 1), 3, "are too small for the model"),
    "colour": (
        write_images(5, 40, 41, 3),
        {},
        (5, 40, 41, 3),
        3,
        "takes images of 1 channel, but these have 3",
    ),
    "graph": (edit_json('"Sequential"', '"Merge"'), {}, None, 5, "of the kind Merge"),
    "json": (edit_json("{", "["), {}, None, 5, "is not JSON"),
    "weights": (lambda folder: (folder / WEIGHTS).unlink(), {}, None, 5, "no such file"),
    "shape": (edit_weights(KERNEL, np.zeros((4, 1, 4, 4))), {}, None, 5, "expected (4, 1, 5, 4)"),
    "blank": (edit_weights(KERNEL, np.full((4, 1, 5, 4), np.nan)), {}, None, 5, "that are NaN"),
}


@pytest.mark.parametrize("what", BAD)
def test_check_refuses_what_a_build_refuses_in_the_same_words(folder, what):
    change, keys, shape, code, words = BAD[what]
    if change is not None:
        change(folder)
    stack, model, sections, store = section_on_network(folder, shape=shape, **keys)
    found = scan_features(stack, model, sections, store)["filters"].values.error
    assert words in found.message
    assert found.exit_code == ExitCode(code)
    problems = [(name, section, stack) for name, section in sections.items()]
    said = {error.message: error.exit_code for _, error in network_problems(model, problems)}
    assert said == {found.message: code}


def test_check_finds_nothing_wrong_with_what_a_build_computes(folder):
    stack, model, sections, _ = section_on_network(folder)
    assert network_problems(model, [("filters", sections["filters"], stack)]) == []
