"""A small network on disk, shown some images as in a build.

As a program, for ``in_another_process``: python scanning.py FOLDER
"""

import hashlib
import json
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np

MODEL, WEIGHTS, IMAGES = "model.json", "weights.h5", "images.h5"
SIZE = (40, 41)
ROOT = Path(__file__).parents[2]


def write_network(folder):
    """Write two convolutions with a pooling between them, their weights, and five images."""
    import h5py
    from old_keras import Style, act, conv, pool, write

    g = np.random.default_rng(6)
    model = [conv(g, 4, (5, 4)), act("relu"), pool("max", (3, 3)), conv(g, 6, (4, 4), 4)]
    model.append(act("relu"))
    paths = write(folder, model, Style("1.0", "theano", channels_first=True), SIZE)
    for path, name in zip(paths, (MODEL, WEIGHTS), strict=True):
        path.rename(folder / name)
    with h5py.File(folder / IMAGES, "w") as file:
        file["images"] = g.normal(size=(5, *SIZE)).astype(np.float32)


def scan(folder):
    """Return the values that a section on the network gets; see ``pass_over``."""
    found = pass_over(folder).values
    assert isinstance(found, bytes), found
    return pickle.loads(found)  # noqa: S301 - pickled by ourselves


def pass_over(folder, cache=None):
    """Return what a pass gives a section on the network, with exported networks in folder/cache."""
    from reportgen.build.image_tasks import scan_features

    return scan_features(*section_on_network(folder), cache)["filters"]


def section_on_network(folder, shape=None, **more):
    """Return the images, the network, the section on them by its name, and the store of exports.

    shape: of the images, where they are others; more: keys of the section.
    """
    from reportgen.analyses.feature_statistics import FeatureStatistics
    from reportgen.config.columns import Images, Model
    from reportgen.data.images import ImageStack
    from reportgen.data.models import ModelFiles
    from reportgen.data.store import Store

    files = ModelFiles(
        "cnn", folder / MODEL, {"late": folder / WEIGHTS}, "theano", "", {"late": ""}
    )
    stack = ImageStack(
        "radio",
        folder / IMAGES,
        "images",
        shape or (5, *SIZE, 1),
        (0, 1, 2) if shape is None or shape[3] == 1 else (0, 1, 2, 3),
    )
    context = {
        "images": {"radio": Images("radio")},
        "models": {"cnn": Model("cnn", {"late": "late", "random": "random"})},
    }
    keys = {"analysis": "feature_statistics", "title": "Filters", "images": "radio", "model": "cnn"}
    section = FeatureStatistics.model_validate(
        {**keys, "weights": ["late", "random"], "count": 5, **more}, context=context
    )
    return stack, files, {"filters": section}, Store(folder / "cache")


def digest(values):
    """Return a digest of all numbers of some values."""
    told = hashlib.sha256()
    for name, each in sorted(values.items()):
        told.update(name.encode())
        for field, value in sorted(vars(each).items()):
            told.update(field.encode() + np.asarray(value).tobytes())
    return told.hexdigest()


def in_another_process(folder):
    """Make a pass there; give the digest of its values, and the packages that it imports."""
    done = subprocess.run(
        [sys.executable, "-W", "error", __file__, folder],
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    (said,) = done.stdout.splitlines()
    return json.loads(said)


def main():
    told = digest(scan(Path(sys.argv[1])))
    packages = {name.partition(".")[0] for name in sys.modules}
    print(json.dumps({"digest": told, "packages": sorted(packages)}))


if __name__ == "__main__":
    main()
