"""Networks exported once by TensorFlow, to be run by LiteRT.

Which of the two computes maps is always the same for the same network: TensorFlow only exports
where LiteRT can run, on the first night too. So the numbers of a network that was just exported are
those of the nights after, to the last bit.
"""

import hashlib
import json
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, packages_distributions, version
from importlib.util import find_spec

from reportgen.cnn.extractor import Extractor, build_extractor, rebuild
from reportgen.cnn.importing import first_line, import_tensorflow, silence
from reportgen.cnn.litert import LiteRTError, import_litert, load_extractor
from reportgen.cnn.network import Fitted, Network, fit_network
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


def export_once(fitted: Fitted, store: Store) -> None:
    """Export part of a network to a store, unless it is there or there is no LiteRT to run it.

    SectionError when TensorFlow is not there, ExportError when it refuses.
    """
    with suppress(LiteRTError):
        import_litert()
        if get_exported(store, fitted) is None:
            put_exported(store, fitted, export_network(fitted))


def choose_extractor(
    network: Network,
    layer_index: int,
    height: int,
    width: int,
    store: Store | None = None,
    *,
    threads: int = 1,
) -> Extractor:
    """Return what computes the maps of a layer, for images of height × width pixels.

    store: where exported networks are kept; TensorFlow is not imported for one that is there.
    threads: how many images LiteRT may be shown at once. The note of what is given says why, when
    LiteRT does not compute. SectionError names the layer that cannot be rebuilt or that the images
    do not fit, or says what to install.
    """
    fitted = fit_network(network, layer_index, height, width)
    try:
        litert = import_litert()
    except LiteRTError as error:
        note = f"TensorFlow computed the maps, since {error}."
        return build_extractor(network, layer_index, height, width, note)
    exported = get_exported(store, fitted) if store is not None else None
    if exported is not None:
        with suppress(LiteRTError):  # then it is exported again
            return load_extractor(litert, exported, fitted, threads)
    try:
        model = export_network(fitted)
        made = load_extractor(litert, model, fitted, threads)
    except (ExportError, LiteRTError) as error:
        name = fitted.layers[-1].name
        note = f"TensorFlow computed the maps of layer {name}, since LiteRT cannot: {error}."
        return build_extractor(network, layer_index, height, width, note)
    if store is not None:
        put_exported(store, fitted, model)
    return made


def put_exported(store: Store, fitted: Fitted, model: bytes) -> None:
    """Keep what was exported of a network."""
    # Also for a machine that has LiteRT only: there no version of TensorFlow can be asked for.
    for exporter in (exporter_versions(), ""):
        store.put(network_key(fitted, exporter), model)


def get_exported(store: Store, fitted: Fitted) -> bytes | None:
    """Return what was exported of a network; None when there is nothing."""
    return store.get(network_key(fitted, exporter_versions()))


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
