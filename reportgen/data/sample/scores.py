"""How likely each infrared object is to be the host of a radio object: the likelihood ratio.

After Sutherland & Saunders (1992, MNRAS 259, 413): how much more often a host is found this far
from its radio object, and this bright, than an object of the field.
"""

import numpy as np

from reportgen.data.sample.catalogue import COLUMNS, SPLIT
from reportgen.data.sample.fits_tables import LABELS, MISSING, Columns, single
from reportgen.data.sample.measurements import tile_of
from reportgen.data.sample.population import (
    HOST_MEDIAN,
    HOST_OFFSETS,
    HOST_SCATTER,
    HOST_SHARE,
    Objects,
)
from reportgen.data.sample.radio import RadioSky
from reportgen.data.sample.sky import CANDIDATE_RADIUS, Floats, project

FIELD_MEDIAN, FIELD_SCATTER = 25.0, 0.45  # microjansky and dex, of all objects
FEWER_OFFSETS = 0.1  # share of the hosts with the larger of their offsets
NOT_LABELLED = 0.02  # share of the objects that nobody has looked at
LEAST = 1e-6  # of what is lower nobody knows how much
SETS = ("train", "valid", "test")


def score_columns(
    rng: np.random.Generator, catalogue: Floats, sky: RadioSky, objects: Objects
) -> Columns:
    """Return the score of each object and whether it is a host.

    catalogue: (rows, 12), as in crowdastro.h5. objects: what its rows show.
    """
    radio = catalogue[:, COLUMNS.index("atlas_index")].astype(np.int32)
    (x, y), (x0, y0) = project(*catalogue[:, :2].T), project(sky.ra[radio], sky.dec[radio])
    apart = np.hypot(x - x0, y - y0) * 60  # arcsec
    near, far = (
        np.exp(-0.5 * (apart / each) ** 2) / (2 * np.pi * each**2) for each in HOST_OFFSETS
    )
    offsets = (1 - FEWER_OFFSETS) * near + FEWER_OFFSETS * far
    log_flux = np.log10(catalogue[:, 2])
    host = _normal(log_flux, np.log10(HOST_MEDIAN), HOST_SCATTER)
    field = _normal(log_flux, np.log10(FIELD_MEDIAN), FIELD_SCATTER)
    density = len(catalogue) / len(sky.ra) / (np.pi * (60 * CANDIDATE_RADIUS) ** 2)
    ratio = HOST_SHARE * offsets * host / (density * field)
    label = np.where(rng.uniform(size=len(apart)) < NOT_LABELLED, MISSING, objects.is_host)
    subset = np.array(SETS)[np.argmax(catalogue[:, -len(SPLIT) :], axis=1)]
    return {
        "ra": (catalogue[:, 0], "deg", LABELS["ra"]),
        "dec": (catalogue[:, 1], "deg", LABELS["dec"]),
        "tile": (tile_of(objects).astype(np.int16), "", "Tile"),
        "radio": (radio, "", "Number of the radio object"),
        "distance": (single(apart), "arcsec", "Distance from the radio object"),
        "flux_36": (single(catalogue[:, 2]), "uJy", LABELS["flux_ap2_36"]),
        "score": (
            single(np.maximum(ratio / (1 + ratio), LEAST)),
            "",
            "Probability of being the host",
        ),
        "is_host": (label.astype(np.int16), "", "Whether it is the host"),
        "subset": (subset, "", "Training, validation or test"),
    }


def _normal(values: Floats, mean: float, scatter: float) -> Floats:
    return np.asarray(np.exp(-0.5 * ((values - mean) / scatter) ** 2) / scatter)
