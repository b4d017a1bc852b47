"""Networks exported once by TensorFlow, to be run by LiteRT."""

import hashlib
import json
from importlib.metadata import PackageNotFoundError, packages_distributions, version
from importlib.util import find_spec

from reportgen.cnn.extractor import rebuild
from reportgen.cnn.importing import first_line, import_tensorflow, silence
from reportgen.cnn.network import Fitted
from reportgen.data.store import Store
from reportgen.versions import package_digest


class ExportError(Exception):
    """TensorFlow's converter refuses a network; the message says why."""


def export_network(fitted: Fitted) -> bytes:
    """Convert part of a network to a model of LiteRT, in float32, operations of LiteRT only.

    The same network gives the same operations on the same numbers; names may differ, as Keras
    numbers its layers on. SectionError when TensorFlow is not there, ExportError when it refuses.
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
            raise ExportError(first_line(error).rpartition(" error: ")[2]) from error


def put_exported(store: Store, fitted: Fitted, model: bytes) -> None:
    """Keep what was exported of a network."""
    # Also for a machine that has LiteRT only: there no version of TensorFlow can be asked for.
    for exporter in (exporter_versions(), ""):
        store.put(network_key(fitted, exporter), model)


def get_exported(store: Store, fitted: Fitted) -> bytes | None:
    """Give what was exported of a network; None when there is nothing."""
    return store.get(network_key(fitted, exporter_versions()))


def network_key(fitted: Fitted, exporter: str) -> str:
    """Give a digest of all that decides what is exported: hexadecimal, of 64 digits.

    Layers and numbers count as they are used, not the files they came from, so it is the same for
    read and drawn weights. exporter: see exporter_versions.
    """
    told = {
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
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()


def exporter_versions() -> str:
    """Give the versions of TensorFlow and Keras without importing them; empty if not installed."""
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
