"""Sections on networks, of maps made by a formula, without a file or a network."""

import numpy as np

from reportgen.config.columns import Images, Model
from reportgen.reduce.cutouts import Cutout, Cutouts
from reportgen.reduce.maps import Batch, scan_maps
from reportgen.reduce.scan import Failure
from reportgen.style import house_style

LABELS = {"early": "10 epochs", "late": "100 epochs", "random": "random weights"}


def network_analysis(kind, unit="Jy / beam", pixel_scale=0.6, labels=None, **keys):
    """Make an analysis of YAML keys, for a stack of images and a network."""
    context = {
        "images": {"radio": Images("radio", "Radio cut-outs", unit, pixel_scale)},
        "models": {"cnn": Model("cnn", LABELS if labels is None else labels)},
    }
    own = {"analysis": kind.name, "images": "radio", "model": "cnn", "title": "A network"}
    return kind.model_validate({**own, "weights": ["early"], **keys}, context=context)


def present_maps(kind, images, compute, names=None, **keys):
    """Compute a section of images, (n, height, width) or with channels, in batches of 3.

    names: of the images, by a catalogue.
    compute: gives maps, (n, filter, row, column), of the weights' name and of images, as they are.
    """
    section = network_analysis(kind, **keys)
    images = np.asarray(images, dtype=np.float32)
    is_grey = images.ndim == 3
    images = images[..., np.newaxis] if is_grey else images
    batches = (Batch(images[k : k + 3], k) for k in range(0, len(images), 3))
    wanted = dict(section.reductions())

    def maps(of, shown):
        shown = shown[..., 0] if is_grey else shown
        return np.asarray(compute(of.weights, shown), dtype=np.float32)

    found = scan_maps(wanted.values(), batches, maps)
    for value in found.values():
        if isinstance(value, Failure):
            raise value.error
    values = {name: found[reduction] for name, reduction in wanted.items()}
    values |= {} if names is None else {"names": names}
    if (asked := section.cutouts(**values)) is not None:
        places = [spot.image for spot in asked.spots]
        nowhere = np.nan, np.nan
        cut = [
            Cutout(k, place, images[place, :, :, 0], 1, nowhere, nowhere, np.nan)
            for k, place in enumerate(places)
        ]
        values["cutouts"] = Cutouts(tuple(cut), 0, section.images)
    with house_style():
        return section.present(**values)


def noise(n=7, side=12, seed=3):
    """Return images of noise."""
    return np.random.default_rng(seed).normal(size=(n, side, side))
