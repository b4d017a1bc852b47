"""Networks exported once by TensorFlow, to be run by LiteRT.

The numbers of a network that was just exported are those of the nights after, to the last bit, as
LiteRT computes both.
"""

import hashlib
import json
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, packages_distributions, version
from importlib.util import find_spec
from typing import Any

from reportgen.cnn.extractor import Extractor, LoadError
from reportgen.cnn.importing import TensorFlow, first_line, import_tensorflow, silence
from reportgen.cnn.network import Fitted
from reportgen.cnn.tensorflow_layers import Rebuilder
from reportgen.data.store import Store
from reportgen.errors import SectionError
from reportgen.versions import package_digest


def export_network(fitted: Fitted) -> bytes:
    """Convert part of a network to a model of LiteRT, in float32, operations of LiteRT only.

    The same network gives the same operations on the same numbers; names may differ, as Keras
    numbers its layers on. SectionError when TensorFlow is not there, or its converter refuses.
    """
    modules = import_tensorflow()
    function = rebuild(modules, fitted)
    with silence():
        try:
            converter = modules.tensorflow.lite.TFLiteConverter.from_concrete_functions(
                [function.get_concrete_function()], function
            )
            return bytes(converter.convert())
        except Exception as error:
            # Before it stands the place in TensorFlow's own code.
            why = first_line(error).rpartition(" error: ")[2]
            name = fitted.layers[-1].name
            raise SectionError(f"the maps of layer {name} cannot be exported: {why}") from error


def rebuild(modules: TensorFlow, fitted: Fitted) -> Any:
    """Return a function of TensorFlow: image (1, row, column, channel) → maps.

    They are (1, filter, row, column), or (1, number) after layers that make vectors.
    """
    tensorflow, keras = modules.tensorflow, modules.keras
    rebuilder = Rebuilder(keras, fitted.network)
    image = keras.Input(fitted.shapes[0], dtype="float32")
    tensor = image
    for layer, shape in zip(fitted.layers, fitted.shapes, strict=False):
        tensor = rebuilder.add(layer, tensor, shape)
    model = keras.Model(image, tensor)
    signature = [tensorflow.TensorSpec((1, *fitted.shapes[0]), "float32")]

    def run(images: Any) -> Any:
        found = model(images, training=False)
        return tensorflow.transpose(found, (0, 3, 1, 2)) if len(found.shape) == 4 else found

    return tensorflow.function(run, input_signature=signature, autograph=False)


def make_extractor(fitted: Fitted, store: Store) -> Extractor:
    """Return what computes the maps of a layer.

    store: where exported networks are kept; TensorFlow is not imported for one that is there.
    SectionError says what to install, or why the network cannot be exported or run.
    """
    with suppress(LoadError):  # what was kept is damaged: it is exported again
        if (kept := store.get(network_key(fitted, exporter_versions()))) is not None:
            return Extractor(kept, fitted)
    model = export_network(fitted)
    try:
        made = Extractor(model, fitted)
    except LoadError as error:
        raise SectionError(f"layer {fitted.layers[-1].name} cannot be run: {error}") from error
    # Also for a machine that has LiteRT only: there no version of TensorFlow can be asked for.
    for exporter in (exporter_versions(), ""):
        store.put(network_key(fitted, exporter), model)
    return made


def network_key(fitted: Fitted, exporter: str) -> str:
    """Return a digest of all that decides what is exported: hexadecimal, of 64 digits.

    Layers and numbers count as they are used, not the files they came from, so it is the same for
    read and drawn weights. exporter: see exporter_versions.
    """
    identity = {
        "code": package_digest(),
        "exporter": exporter,
        "shapes": fitted.shapes,
        "layers": [repr(layer) for layer in fitted.layers],
        "channels_first": fitted.network.architecture.channels_first,
        "trained_with": fitted.network.trained_with,
        "parameters": [
            (layer.index, name, each.shape, hashlib.sha256(each.tobytes()).hexdigest())
            for layer in fitted.layers
            for name, each in sorted(fitted.network.parameters.get(layer.index, {}).items())
        ],
    }
    return hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()


def exporter_versions() -> str:
    """Return the versions of TensorFlow and Keras without importing them; empty if not there."""
    try:
        if find_spec("tensorflow") is None:
            return ""
    except (ImportError, ValueError):  # what stands in its place is no module
        return ""
    return ", ".join(f"{name} {_version(name)}" for name in ("tensorflow", "keras"))


def _version(module: str) -> str:
    try:
        return version(module)
    except PackageNotFoundError:  # it came in another package: tensorflow-cpu, tf-nightly
        packages = sorted(set(packages_distributions().get(module, ())))
        return "+".join(f"{package} {version(package)}" for package in packages)
