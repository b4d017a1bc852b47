"""The files of the synthetic survey."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from reportgen.data.sample import cut_outs, keras_files, network
from reportgen.data.sample.catalogue import COLUMNS, UNITS, draw_catalogue
from reportgen.data.sample.radio import RadioSky, draw_radio_sky
from reportgen.data.sample.survey import fits_files
from reportgen.errors import ConfigError, PublishError

if TYPE_CHECKING:
    import h5py

# Of the original survey: rows of the catalogue and, about, radio objects.
ROWS = 30853
RADIO_OBJECTS = 2400

SYNTHETIC = "Synthetic survey made by reportgen sample; not observations"


def write_sample(
    folder: Path, *, seed: int = 2016, rows: int = ROWS, images: int = 200
) -> list[Path]:
    """Write a synthetic survey of the CDFS and give the paths of its files.

    folder: made when it is not there. seed: the same one gives the same bytes. rows: of the
    infrared catalogue; the number of radio objects is in proportion, 2400 for 30853. images:
    cut-outs of the first radio objects, at most as many as there are.

    - ``crowdastro.h5``: ``/swire/cdfs/catalogue`` (rows, 12) float64: RA, Dec [deg]; flux densities
      at 3.6, 4.5, 5.8, 8.0, 24 micron [uJy], where 0 is not detected and -99 not covered;
      stellarity; index of the nearest radio object; 0/1 flags of the training, validation and
      testing sets, exactly one of which is 1, the same for all rows around a radio object.
      ``/atlas/cdfs/positions`` (n, 2) float64: RA, Dec [deg]. ``/atlas/cdfs/images_2x2``
      (images, 201, 201) and ``images_5x5`` (images, 501, 501) float32 [Jy/beam]: the same sky, 0.6
      arcsec per pixel, row 0 south, RA decreasing with the column, the object in the middle pixel.
    - ``training.h5``: ``labels`` (rows,) bool, true for the hosts of radio objects.
    - ``cnn_model.json``, ``weights_10epochs.h5``, ``my_cnn_weights.h5`` (100 epochs): a network for
      such cut-outs as Keras 1.0 on Theano wrote it, the same for any rows and images.
    - ``radio.fits``, ``swire.fits``: the radio objects and the infrared catalogue as FITS tables.
    - ``components.fits``, ``mosaic.fits``, ``rms.fits``: a second radio survey of the field, less
      deep and at another frequency, and the middle of its map with the noise.
    - ``truth.fits``: the infrared objects as they are. ``shallow.fits``: what a less deep survey
      lists of them, and ``infrared.fits`` a piece of its image. ``visits.fits``: repeated
      measurements of the bright ones. ``scores.fits``: how likely each is to be the host of a radio
      object, beside whether it is. ``spectra.fits``: redshifts of some, and ``nz_reference.fits``
      what their distributions should be.

    Raises ConfigError when rows, images or seed make no sense, PublishError when the files
    cannot be written; whatever was in the folder before is then still there, untouched.
    """
    radio_objects = max(1, round(rows * RADIO_OBJECTS / ROWS))
    if rows < 1 or images < 0 or seed < 0:
        raise ConfigError(
            f"a sample of {rows} rows and {images} images with seed {seed} cannot be made",
            "rows must be at least 1, images and seed at least 0",
        )
    if images > radio_objects:
        raise ConfigError(
            f"{images} images are more than the {radio_objects} radio objects that go with "
            f"{rows} rows",
            f"ask for at most {radio_objects} images, or for more rows",
        )
    # A generator for each part: asking for more images leaves the catalogue as it is.
    seeds = np.random.SeedSequence(seed).spawn(5)
    radio_rng, catalogue_rng, image_rng, network_rng, survey_rng = (
        np.random.Generator(np.random.PCG64(child)) for child in seeds
    )
    sky = draw_radio_sky(radio_rng, radio_objects)
    catalogue, objects = draw_catalogue(catalogue_rng, rows, sky)

    survey, training = BytesIO(), BytesIO()
    with _new_file(survey, seed) as file:
        table = file.create_dataset("/swire/cdfs/catalogue", data=catalogue)
        _describe(table, columns=list(COLUMNS), units=list(UNITS))
        positions = file.create_dataset(
            "/atlas/cdfs/positions", data=np.column_stack([sky.ra, sky.dec])
        )
        _describe(positions, columns=["ra", "dec"], units=["deg", "deg"])
        _write_cut_outs(file, image_rng, sky, images)
    with _new_file(training, seed) as file:
        chosen = file.create_dataset("labels", data=objects.is_host)
        _describe(chosen, meaning="true where the object is the host of a radio source")
    files = {"crowdastro.h5": survey, "training.h5": training}
    files |= _network_files(network_rng, seed)
    files |= fits_files(survey_rng, sky, catalogue, objects, SYNTHETIC)
    contents = {folder / name: content for name, content in files.items()}
    _publish(folder, contents)
    return list(contents)


def _network_files(rng: np.random.Generator, seed: int) -> dict[str, BytesIO]:
    """The files of the network: its architecture and the weights of two trainings."""
    model = {**keras_files.architecture(), "synthetic": SYNTHETIC}
    files = {"cnn_model.json": BytesIO(json.dumps(model).encode())}
    for name, training in network.WEIGHT_FILES.items():
        files[name] = BytesIO()
        with _new_file(files[name], seed) as file:
            keras_files.write_weights(file, network.draw_weights(rng, training))
    return files


def _write_cut_outs(
    file: "h5py.File", rng: np.random.Generator, sky: RadioSky, images: int
) -> None:
    """Write the cut-outs of both sizes, an image a chunk."""
    datasets = []
    for name, side in (("images_2x2", cut_outs.SMALL_SIDE), ("images_5x5", cut_outs.LARGE_SIDE)):
        dataset = file.create_dataset(
            f"/atlas/cdfs/{name}",
            shape=(images, side, side),
            maxshape=(None, side, side),
            dtype=np.float32,
            chunks=(1, side, side),
            compression="gzip",
            compression_opts=1,
            shuffle=True,
        )
        _describe(
            dataset,
            unit="Jy/beam",
            pixel_scale_arcsec=cut_outs.PIXEL,
            beam_major_arcsec=cut_outs.BEAM_MAJOR,
            beam_minor_arcsec=cut_outs.BEAM_MINOR,
            beam_position_angle_deg=0.0,
            orientation="row 0 is south; RA decreases with the column",
        )
        datasets.append(dataset)
    small, large = datasets
    for k, image in enumerate(cut_outs.draw_cut_outs(rng, sky, images)):
        small[k], large[k] = cut_outs.centre_of(image), image


def _describe(item: "h5py.Dataset", **attributes: str | float | list[str]) -> None:
    """Say of a dataset that it is synthetic, and whatever else."""
    for name, value in {"synthetic": SYNTHETIC, **attributes}.items():
        item.attrs[name] = value


@contextmanager
def _new_file(content: BytesIO, seed: int) -> Iterator["h5py.File"]:
    """Open an HDF5 file in memory: HDF5 itself crashes the process when a disk is full."""
    import h5py

    # A fixed format, so that the same seed gives the same bytes.
    with h5py.File(content, "w", libver=("earliest", "v110")) as file:
        file.attrs["synthetic"] = SYNTHETIC
        file.attrs["seed"] = seed
        yield file


def _publish(folder: Path, contents: dict[Path, BytesIO]) -> None:
    """Write files beside their places, and move them there when all of them are whole."""
    partial = {path: path.with_name(f".{path.name}.{os.getpid()}.partial") for path in contents}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for path, content in contents.items():
            partial[path].write_bytes(content.getbuffer())
        for path, written in partial.items():
            written.replace(path)
    except OSError as error:
        raise PublishError(
            f"{folder}: the sample cannot be written: {error}",
            "check that the folder is writable and that the disk has room",
        ) from error
    finally:
        for written in partial.values():
            with suppress(OSError):
                written.unlink()
