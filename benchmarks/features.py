"""Feature statistics of radio cut-outs: reportgen beside a bare TensorFlow script.

    python benchmarks/features.py [IMAGES ...]      100 and 1000 by default

All read the same HDF5 images and Keras 1 weights, run two convolutions on 201×201 pixels and
compute mean and standard deviation of 32 maps, and each has a process of its own. reportgen runs
twice: on the first night TensorFlow exports the network, on the others LiteRT finds it in the
cache; it counts silent filters and correlates every pair besides. The script is what one writes
without reportgen: all images at once, through ``model.predict``. Importing TensorFlow or LiteRT is
told apart from the work; all is from the start of the process to its end. One thread each; a build
uses one for each core.
"""

import json
import platform
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path

COUNTS = (100, 1000)

REPORTGEN = """
import json, resource, sys, time
from pathlib import Path
folder, n, cache = Path(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])
known = cache.exists()
begun = time.perf_counter()
if known:
    from reportgen.cnn.extractor import import_litert
    import_litert()
else:
    from reportgen.cnn.importing import import_tensorflow
    import_tensorflow()
imported = time.perf_counter()
from reportgen.analyses.feature_statistics import FeatureStatistics
from reportgen.config.columns import Images, Model
from reportgen.data.images import ImageStack
from reportgen.data.models import ModelFiles
from reportgen.build.image_tasks import scan_features
from reportgen.data.store import Store
weights = folder / "my_cnn_weights.h5"
files = ModelFiles("cnn", folder / "cnn_model.json", {"w": weights}, "theano", "", {"w": ""})
stack = ImageStack("radio", folder / f"{n}.h5", "images", (n, 201, 201, 1))
context = {"images": {"radio": Images("radio")}, "models": {"cnn": Model("cnn", {"w": "w"})}}
keys = {"analysis": "feature_statistics", "title": "Filters", "images": "radio", "model": "cnn"}
section = FeatureStatistics.model_validate({**keys, "weights": ["w"], "count": n}, context=context)
found = scan_features(stack, files, {"filters": section}, Store(cache))["filters"].values
assert isinstance(found, bytes), found
assert known != ("tensorflow" in sys.modules)
"""

BARE = """
import json, os, resource, sys, time
from pathlib import Path
os.environ.update(TF_CPP_MIN_LOG_LEVEL="3", CUDA_VISIBLE_DEVICES="-1", KERAS_BACKEND="tensorflow")
begun = time.perf_counter()
import tensorflow
import keras
tensorflow.config.threading.set_intra_op_parallelism_threads(1)
tensorflow.config.threading.set_inter_op_parallelism_threads(1)
imported = time.perf_counter()
import h5py
folder, n = Path(sys.argv[1]), int(sys.argv[2])
layers = keras.layers
model = keras.Sequential([
    keras.Input((201, 201, 1)),
    layers.Conv2D(32, 10, activation="relu"),
    layers.MaxPooling2D(5),
    layers.Conv2D(32, 10, activation="relu"),
])
with h5py.File(folder / "my_cnn_weights.h5") as file:
    values = []
    for name in ("convolution2d_1", "convolution2d_2"):
        kernel = file[f"{name}/{name}_W"][:][:, :, ::-1, ::-1]
        values += [kernel.transpose(2, 3, 1, 0), file[f"{name}/{name}_b"][:]]
model.set_weights(values)
with h5py.File(folder / f"{n}.h5") as file:
    images = file["images"][:]
maps = model.predict(images[..., None], verbose=0)
mean, std = maps.mean(axis=0), maps.std(axis=0)
"""

ENDING = """
done = time.perf_counter()
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps({"import": imported - begun, "work": done - imported, "peak": peak}))
"""


PROGRAMS = {
    "reportgen, first night (export)": REPORTGEN,
    "reportgen, known weights (LiteRT)": REPORTGEN,
    "bare TensorFlow": BARE,
}


def main() -> None:
    counts = [int(text) for text in sys.argv[1:]] or COUNTS
    print(f"{platform.platform()}, Python {platform.python_version()}, ", end="")
    print(f"TensorFlow {version('tensorflow')}, LiteRT {version('ai-edge-litert')}")
    print("| images | | all [s] | import [s] | work [s] | ms an image | peak memory [MB] |")
    print("|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_images(folder, counts)
        for n in counts:
            for who, program in PROGRAMS.items():
                run = measured(program, folder, n)
                print(
                    f"| {n} | {who} | {run['all']:.1f} | {run['import']:.2f} | {run['work']:.2f} "
                    f"| {1000 * run['work'] / n:.1f} | {run['peak']:.0f} |",
                    flush=True,
                )


def write_images(folder: Path, counts: list[int] | tuple[int, ...]) -> None:
    """Write a sample, and files of so many of its cut-outs, over and over."""
    import h5py
    import numpy as np

    sample = ["-m", "reportgen", "sample", str(folder), "--rows", "3000", "--images", "100"]
    subprocess.run([sys.executable, *sample], check=True, capture_output=True)
    with h5py.File(folder / "crowdastro.h5") as file:
        images = file["/atlas/cdfs/images_2x2"][:]
    for n in counts:
        with h5py.File(folder / f"{n}.h5", "w") as file:
            file["images"] = np.resize(images, (n, *images.shape[1:]))


def measured(program: str, folder: Path, n: int) -> dict[str, float]:
    """Run a program in a process of its own; give what it measured."""
    command = [sys.executable, "-c", program + ENDING, str(folder), str(n), str(folder / f"c{n}")]
    begun = time.perf_counter()
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    measured: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return {**measured, "all": time.perf_counter() - begun}


if __name__ == "__main__":
    main()
