"""TensorFlow starts in silence, on one thread, or says what to install."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
RUN = """
import numpy as np
from reportgen.cnn.exporting import export_network
from reportgen.cnn.extractor import Extractor
from reportgen.cnn.importing import import_tensorflow
from reportgen.cnn.layers import Convolution
from reportgen.cnn.network import Architecture, fit_network, random_network

made = Architecture((Convolution("c", 0, 4, (3, 3), activation="relu"),), True, (9, 9, 1))
network = random_network(made, 1)
fitted = fit_network(network, 0, 30, 30)
maps = Extractor(export_network(fitted), fitted).maps(np.ones((3, 30, 30, 1), np.float32))
expected = np.maximum(network.parameters[0]["kernel"].sum(axis=(0, 1, 2)), 0)
assert np.abs(maps - expected[:, np.newaxis, np.newaxis]).max() < 1e-5
modules = import_tensorflow()
threading = modules.tensorflow.config.threading
assert threading.get_intra_op_parallelism_threads() == 1
assert threading.get_inter_op_parallelism_threads() == 1
assert maps.shape == (3, 4, 28, 28)
"""


def python(code, *options, **environment):
    return subprocess.run(
        [sys.executable, *options, "-c", code],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )


def test_computing_maps_is_silent_on_one_thread_and_heeds_no_settings_of_a_user(tmp_path):
    (tmp_path / "keras.json").write_text(
        '{"backend": "jax", "floatx": "float16", "image_data_format": "channels_first"}'
    )
    done = python(RUN, "-W", "error", KERAS_HOME=str(tmp_path), KERAS_BACKEND="jax")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_what_tensorflow_says_is_shown_when_it_does_not_start(tmp_path):
    broken = tmp_path / "tensorflow.py"
    broken.write_text(
        "import os\nos.write(2, b'illegal instruction: AVX\\n')\nraise ImportError('no core')\n"
    )
    done = python(
        "from reportgen.cnn.importing import import_tensorflow\nimport_tensorflow()\n",
        PYTHONPATH=str(tmp_path),
    )
    assert "TensorFlow cannot be imported: no core; it said: illegal instruction" in done.stderr


def test_reading_files_imports_neither_tensorflow_nor_h5py():
    done = python(
        "import sys\nimport reportgen.cnn.weights, reportgen.cnn.exporting\n"
        "heavy = ('ai_edge_litert', 'tensorflow', 'keras', 'h5py', 'scipy')\n"
        "print([name for name in heavy if name in sys.modules])"
    )
    assert done.stdout == "[]\n"
