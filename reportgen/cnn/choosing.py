"""Which of TensorFlow and LiteRT computes maps: always the same one for the same network.

TensorFlow only exports where LiteRT can run, on the first night too. So the numbers of a network
that was just exported are those of the nights after, to the last bit.
"""

from contextlib import suppress

from reportgen.cnn.exporting import ExportError, export_network, get_exported, put_exported
from reportgen.cnn.extractor import Extractor, build_extractor
from reportgen.cnn.litert import LiteRTError, import_litert, load_extractor
from reportgen.cnn.network import Fitted, Network, fit_network
from reportgen.data.store import Store


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
    """Give what computes the maps of a layer, for images of height × width pixels.

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
