"""Files of the sample in FITS: the catalogues, and what a survey of the field measures again."""

from io import BytesIO

import numpy as np

from reportgen.data.sample.components import draw_components, draw_second_sky
from reportgen.data.sample.fits_tables import image, infrared_columns, radio_columns, table
from reportgen.data.sample.measurements import draw_shallow, draw_visits, truth_columns
from reportgen.data.sample.mosaics import (
    INFRARED_HEADER,
    RADIO_HEADER,
    draw_infrared,
    draw_radio,
)
from reportgen.data.sample.population import Objects
from reportgen.data.sample.radio import RadioSky
from reportgen.data.sample.redshifts import draw_spectra, reference_columns
from reportgen.data.sample.scores import score_columns
from reportgen.data.sample.sky import Floats


def fits_files(
    rng: np.random.Generator, sky: RadioSky, catalogue: Floats, objects: Objects, synthetic: str
) -> dict[str, BytesIO]:
    """Return the tables and images, by the names of their files.

    catalogue: (rows, 12), as in crowdastro.h5. objects: what its rows show. synthetic: what the
    headers say of the data.
    """
    second_rng, noise_rng, shallow_rng, visit_rng, score_rng, spectra_rng = rng.spawn(6)
    second = draw_second_sky(second_rng, sky)
    mosaic, noise = draw_radio(noise_rng, second)
    columns = {
        "radio": radio_columns(sky),
        "swire": infrared_columns(catalogue),
        "components": draw_components(second_rng, second),
        "truth": truth_columns(objects),
        "shallow": draw_shallow(shallow_rng, objects),
        "visits": draw_visits(visit_rng, objects),
        "scores": score_columns(score_rng, catalogue, sky, objects),
        "spectra": draw_spectra(spectra_rng, objects),
        "nz_reference": reference_columns(objects),
    }
    files = {f"{name}.fits": table(each, synthetic) for name, each in columns.items()}
    files["mosaic.fits"] = image(mosaic, RADIO_HEADER, synthetic)
    files["rms.fits"] = image(noise, RADIO_HEADER, synthetic)
    infrared = draw_infrared(noise_rng, objects)
    files["infrared.fits"] = image(infrared, INFRARED_HEADER, synthetic)
    return files
