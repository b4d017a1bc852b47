"""The synthetic survey against what is known of the real one.

Numbers "read off the notebook" are from the figures of the original data analysis notebook, or
printed in it; the tolerance is how well they can be read, or what the sample promises.
"""

from pathlib import Path

import h5py
import numpy as np
import pytest
from astropy.coordinates import angular_separation
from astropy.io import fits
from astropy.table import Table
from astropy.wcs import WCS

from reportgen.data.opening import describe_here
from reportgen.data.sample import write_sample
from reportgen.errors import ConfigError, PublishError

ROWS = 30853
IMAGES = 80  # of 200, which take three times as long
DATASETS = {
    "crowdastro.h5": [
        "/swire/cdfs/catalogue",
        "/atlas/cdfs/positions",
        "/atlas/cdfs/images_2x2",
        "/atlas/cdfs/images_5x5",
    ],
    "training.h5": ["/labels"],
}
# test_sample_network.py looks into these.
NETWORK = ["cnn_model.json", "weights_10epochs.h5", "my_cnn_weights.h5"]
TABLES = ["radio.fits", "swire.fits"]
SURVEYS = ["components", "truth", "shallow", "visits", "scores", "spectra", "nz_reference"]
IMAGE_FILES = ["mosaic.fits", "rms.fits", "infrared.fits"]
ALL = [*DATASETS, *NETWORK, *TABLES, *(f"{name}.fits" for name in SURVEYS), *IMAGE_FILES]


class Sample:
    """All that is in the files of a sample."""

    def __init__(self, folder, **options):
        self.paths = write_sample(folder, **options)
        with h5py.File(folder / "crowdastro.h5") as file:
            self.catalogue = file["/swire/cdfs/catalogue"][:]
            self.positions = file["/atlas/cdfs/positions"][:]
            self.small = file["/atlas/cdfs/images_2x2"][:]
            self.large = file["/atlas/cdfs/images_5x5"][:]
        with h5py.File(folder / "training.h5") as file:
            self.labels = file["labels"][:]
        self.flux = self.catalogue[:, 2:7]
        self.stellarity = self.catalogue[:, 7]
        self.index = self.catalogue[:, 8].astype(int)


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    return Sample(tmp_path_factory.mktemp("sample"), images=IMAGES)


def test_the_tables_in_fits_hold_the_same_with_units_and_say_that_they_are_synthetic(sample):
    tables = [path for path in sample.paths if path.name in TABLES]
    radio, swire = (Table.read(path, unit_parse_strict="silent") for path in tables)
    assert np.array_equal(radio["ra"], sample.positions[:, 0])
    assert np.array_equal(swire["dec"], sample.catalogue[:, 1])
    assert (str(radio["s1_4"].unit), str(swire["flux_ap2_24"].unit)) == ("mJy", "uJy")
    for column in range(2, 7):
        valid = sample.catalogue[:, column] > 0
        assert np.array_equal(np.isfinite(np.ma.filled(swire.columns[column], np.nan)), valid)
    assert 0 < radio["n_components"].mask.sum() < len(radio)  # of point-like objects none is given
    for path in sample.paths[ALL.index("radio.fits") : -len(IMAGE_FILES)]:
        table = describe_here((path, ""))
        assert "not observations" in table.synthetic
        assert all(each.label for each in table.columns)


def separation(*places):
    """Arcminutes between two places: right ascension and declination of each, in degrees."""
    return 60 * np.degrees(angular_separation(*map(np.radians, places)))


def test_the_files_have_the_layout_of_the_notebook_and_say_that_they_are_synthetic(sample):
    assert [path.name for path in sample.paths] == ALL
    assert (sample.catalogue.shape, sample.catalogue.dtype) == ((ROWS, 12), np.float64)
    assert (sample.positions.shape, sample.positions.dtype) == ((2400, 2), np.float64)
    assert (sample.small.shape, sample.large.shape) == ((IMAGES, 201, 201), (IMAGES, 501, 501))
    assert sample.small.dtype == sample.large.dtype == np.float32
    assert (sample.labels.shape, sample.labels.dtype) == ((ROWS,), np.bool_)
    for path in sample.paths[: len(DATASETS)]:
        with h5py.File(path) as file:
            assert "not observations" in file.attrs["synthetic"]
            assert file.attrs["seed"] == 2016
            for name in DATASETS[path.name]:
                assert "not observations" in file[name].attrs["synthetic"]
    with h5py.File(sample.paths[0]) as file:
        assert file["/swire/cdfs/catalogue"].chunks is None
        assert file["/atlas/cdfs/images_5x5"].chunks == (1, 501, 501)
        table = file["/swire/cdfs/catalogue"].attrs
        assert len(table["columns"]) == len(table["units"]) == 12
        assert list(table["units"][:3]) == ["deg", "deg", "uJy"]
        assert file["/atlas/cdfs/images_2x2"].attrs["unit"] == "Jy/beam"
        assert file["/atlas/cdfs/images_2x2"].attrs["pixel_scale_arcsec"] == 0.6


def test_as_many_objects_as_in_the_real_survey_are_above_the_flux_cuts(sample):
    # Printed in the notebook: 30512 of 30853 below 1000, 28766 below 150 microjansky.
    flux = sample.flux[:, 0]
    assert np.sum(flux >= 1000) == pytest.approx(ROWS - 30512, rel=0.1)
    assert np.sum(flux >= 150) == pytest.approx(ROWS - 28766, rel=0.1)
    # Read off the notebook's sorted curve and histogram.
    assert np.median(flux) == pytest.approx(25, rel=0.1)
    assert 1e5 < flux.max() < 3e5


def test_as_much_is_missing_as_in_the_real_survey(sample):
    # Read off the notebook's sorted curves; "mostly measured" for 4.5 micron.
    not_covered = np.sum(sample.flux == -99, axis=0)
    assert not_covered[0] == 0
    assert not_covered[1:] == pytest.approx([100, 1000, 500, 2700], rel=0.1)
    below = np.sum(sample.flux <= 0, axis=0)
    assert below[0] == 0
    assert below[1] < 0.01 * ROWS
    assert ROWS - below[2:] == pytest.approx([ROWS - 24500, ROWS - 25000, ROWS - 27500], rel=0.1)
    assert np.all((sample.flux > 0) | np.isin(sample.flux, [0, -99]))


def test_columns_correlate_as_in_the_real_survey(sample):
    # Read off the notebook's matrix of 1000 rows; here all rows that are measured in both bands.
    table = sample.catalogue[:, 2:8]

    def correlation(a, b):
        measured = np.all(table[:, [band for band in (a, b) if band < 5]] > 0, axis=1)
        return np.corrcoef(table[measured, a], table[measured, b])[0, 1]

    assert all(correlation(*pair) > 0.95 for pair in ((0, 1), (0, 2), (1, 2)))
    assert all(0.85 < correlation(band, 3) < 0.95 for band in range(3))
    assert all(abs(correlation(band, 4)) < 0.35 for band in range(4))
    assert all(abs(correlation(band, 5)) < 0.1 for band in range(5))


def test_objects_fill_the_box_of_the_notebooks_sky_plots(sample):
    for ra, dec in (sample.catalogue[:, :2].T, sample.positions.T):
        assert 51.50 <= ra.min() < 51.56
        assert 53.99 < ra.max() <= 54.05
        assert -28.96 <= dec.min() < -28.90
        assert -27.26 < dec.max() <= -27.20


def test_rows_are_sorted_by_ra_and_name_the_nearest_radio_object_within_an_arcminute(sample):
    assert np.all(np.diff(sample.catalogue[:, 0]) >= 0)
    own = sample.positions[sample.index]
    assert separation(*sample.catalogue[:, :2].T, *own.T).max() <= 1
    for k in range(0, ROWS, 97):
        distance = separation(*sample.positions.T, *sample.catalogue[k, :2])
        assert distance[sample.index[k]] == pytest.approx(distance.min(), abs=0.002)


def test_each_object_is_in_exactly_one_set_shared_around_its_radio_object(sample):
    flags = sample.catalogue[:, 9:]
    assert np.array_equal(np.unique(flags), [0, 1])
    assert np.all(flags.sum(axis=1) == 1)
    assert flags.mean(axis=0) == pytest.approx([0.6, 0.2, 0.2], abs=0.03)
    group = np.argmax(flags, axis=1)
    of_radio_object = np.zeros(len(sample.positions), dtype=int)
    of_radio_object[sample.index] = group
    assert np.array_equal(of_radio_object[sample.index], group)


def test_all_objects_and_hosts_have_the_real_stellarities(sample):
    # Read off the notebook's figures.
    everyone = [2910, 1650, 1270, 1180, 1000, 880, 860, 770, 770, 770]
    everyone += [910, 1000, 1150, 1310, 1430, 1490, 1790, 2170, 2890, 4630]
    hosts = [610, 175, 155, 115, 97, 120, 140, 165, 238, 474]
    counts, edges = np.histogram(sample.stellarity, bins=20)
    assert counts == pytest.approx(everyone, rel=0.1)
    counts, _ = np.histogram(sample.stellarity[sample.labels], bins=edges[::2])
    assert counts == pytest.approx(hosts, rel=0.1)


def test_hosts_are_bright_near_their_radio_object_and_about_one_each(sample):
    own = sample.positions[sample.index]
    distance = separation(*sample.catalogue[:, :2].T, *own.T)
    assert np.median(distance[sample.labels]) * 60 < 3  # arcsec
    assert distance[sample.labels].max() < 0.4
    flux = sample.flux[:, 0]
    assert np.median(flux[sample.labels]) > 2 * np.median(flux)
    hosts = np.bincount(sample.index[sample.labels], minlength=len(sample.positions))
    assert np.mean(hosts == 1) > 0.9
    assert hosts.max() <= 2


def test_cut_outs_are_whole_and_show_their_source_in_the_middle(sample):
    assert np.all(np.isfinite(sample.large))
    assert np.array_equal(sample.large[:, 150:351, 150:351], sample.small)
    noise = 14e-6
    core = sample.small[:, 90:111, 93:108].max(axis=(1, 2))
    assert np.mean(core > 4 * noise) > 0.95
    assert np.argmax(sample.small[0]) == 100 * 201 + 100


def test_the_noise_is_that_of_the_survey_and_as_wide_as_the_beam(sample):
    # Franzen et al. (2015): 14 microjansky per beam; a robust rms, as sources are in the images.
    images = sample.large[1:]
    rms = 1.4826 * np.median(np.abs(images - np.median(images)))
    assert rms == pytest.approx(14e-6, rel=0.1)
    faint = images[images.max(axis=(1, 2)) < 0.5e-3]
    assert len(faint) > 30
    quiet = np.clip(faint, -5e-5, 5e-5)
    # The autocorrelation is the beam: a half at half the full widths, 8 and 3.5 arcsec.
    variance = np.mean(quiet**2)
    north = np.mean(quiet[:, 13:, :] * quiet[:, :-13, :]) / variance
    east = np.mean(quiet[:, :, 6:] * quiet[:, :, :-6]) / variance
    assert north == pytest.approx(0.5, abs=0.1)
    assert east == pytest.approx(0.5, abs=0.1)


def test_the_beam_is_elongated_north_south(sample):
    # Franzen et al. (2015): 16 by 7 arcsec. Second moments of the first, brightest point source,
    # down to where the sidelobes begin.
    image = sample.small[0].astype(float)
    image[image < 0.1 * image.max()] = 0
    rows, columns = np.mgrid[:201, :201] - 100
    height = np.sqrt(np.sum(image * rows**2) / image.sum())
    width = np.sqrt(np.sum(image * columns**2) / image.sum())
    assert height / width == pytest.approx(16 / 7, rel=0.05)
    across = np.sum(image[100] >= image.max() / 2) * 0.6
    along = np.sum(image[:, 100] >= image.max() / 2) * 0.6
    assert along == pytest.approx(16, abs=0.7)
    assert across == pytest.approx(7, abs=0.7)


def test_neighbours_are_at_their_place_in_the_cut_outs(sample):
    # Row 0 is south and RA decreases with the column, as in the survey's FITS files. A neighbour
    # that has a cut-out of its own is as bright there, in the middle, as here, at its place.
    ra, dec = sample.positions[:IMAGES].T
    compared = 0
    for k, image in enumerate(sample.large):
        row = np.round(250 + (dec - dec[k]) * 3600 / 0.6).astype(int)
        column = np.round(250 - (ra - ra[k]) * np.cos(np.radians(dec)) * 3600 / 0.6).astype(int)
        inside = (np.minimum(row, column) >= 0) & (np.maximum(row, column) <= 500)
        for other in np.flatnonzero(inside):
            here, there = image[row[other], column[other]], sample.small[other][100, 100]
            assert here == pytest.approx(there, rel=0.03, abs=40e-6)
            compared += other != k
    assert compared > 10


def test_a_second_survey_has_the_errors_that_it_is_known_for(sample):
    folder = sample.paths[0].parent
    found = {name: Table.read(folder / f"{name}.fits") for name in SURVEYS}
    faint = found["components"]
    pair = separation(faint["ra"][:, None], faint["dec"][:, None], *sample.positions.T)
    true = pair.argmin(axis=1)[pair.min(axis=1) < 0.1]
    matched = faint[pair.min(axis=1) < 0.1]
    assert len(matched) > 0.97 * len(faint)
    bright = matched["peak_flux"] > 20 * matched["local_rms"]
    flux = Table.read(folder / "radio.fits")["s1_4"][true[bright]] / 1000
    ratio = matched["int_flux"][bright] / flux * (887.5 / 1400) ** 0.7
    assert np.median(ratio) == pytest.approx(1.04, abs=0.02)
    north = (matched["dec"] - sample.positions[true, 1])[bright] * 3600
    assert np.median(north) == pytest.approx(-0.15, abs=0.03)
    assert np.array_equal(found["truth"]["kind"] == "star", found["truth"]["redshift"] == 0)
    scores = found["scores"][~found["scores"]["is_host"].mask]
    assert np.mean(scores["score"]) == pytest.approx(np.mean(scores["is_host"]), rel=0.1)
    visits = found["visits"].group_by("id")["mag"].groups
    assert 4 < np.median(np.diff(visits.indices)) < 10
    shares = found["nz_reference"].group_by("TRACER")["N_MEAN"].groups.aggregate(np.sum)
    assert shares == pytest.approx(1, abs=0.01)


def test_images_of_the_surveys_have_a_beam_a_unit_and_their_sources_in_place(sample):
    folder = sample.paths[0].parent
    with fits.open(folder / "mosaic.fits") as mosaic, fits.open(folder / "rms.fits") as rms:
        image, noise, header = mosaic[0].data, rms[0].data, mosaic[0].header
    assert (header["BUNIT"], header["BMAJ"] * 3600) == ("Jy/beam", pytest.approx(15))
    scatter = 1.4826 * np.median(np.abs(image - np.median(image)))
    assert scatter == pytest.approx(np.median(noise), rel=0.2)
    table = Table.read(folder / "components.fits")
    column, row = WCS(header).all_world2pix(table["ra"], table["dec"], 0)
    inside = (np.minimum(column, row) > 0) & (np.maximum(column, row) < len(image) - 1)
    bright = inside & (table["peak_flux"] > 20 * table["local_rms"])
    at = image[np.rint(row[bright]).astype(int), np.rint(column[bright]).astype(int)]
    assert np.count_nonzero(bright) > 5
    assert np.median(at / table["peak_flux"][bright]) == pytest.approx(1, abs=0.15)


def test_a_seed_gives_the_same_bytes_and_more_images_leave_the_rest_as_it_is(tmp_path):
    first, again, more = (
        Sample(tmp_path / n, rows=200, images=i) for n, i in zip("abc", (2, 2, 3), strict=True)
    )
    assert [a.read_bytes() for a in first.paths] == [b.read_bytes() for b in again.paths]
    assert np.array_equal(first.catalogue, more.catalogue)
    assert np.array_equal(first.large, more.large[:2])


def test_the_smallest_sample_can_be_made(tmp_path):
    small = Sample(tmp_path, rows=1, images=0)
    assert small.catalogue.shape == (1, 12)
    assert small.small.shape == (0, 201, 201)
    assert len(small.positions) == 1


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"rows": 50, "images": 5}, "5 images are more than the 4 radio objects"),
        ({"rows": 0}, "cannot be made"),
        ({"seed": -1}, "cannot be made"),
    ],
)
def test_numbers_that_make_no_sense_are_an_error(tmp_path, options, said):
    with pytest.raises(ConfigError, match=said):
        write_sample(tmp_path, **{"rows": 100, "images": 1, **options})
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_made_is_an_error_that_names_it(tmp_path):
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(PublishError, match="taken: the sample cannot be written"):
        write_sample(tmp_path / "taken", rows=50, images=0)


def test_a_failed_write_leaves_the_former_files(tmp_path, monkeypatch):
    before = [path.read_bytes() for path in write_sample(tmp_path, rows=50, images=1)]
    whole = Path.write_bytes

    def disk_full(path, data):
        if "training" in path.name:
            whole(path, bytes(data)[:10])
            raise OSError(28, "No space left on device")
        return whole(path, data)

    monkeypatch.setattr(Path, "write_bytes", disk_full)
    with pytest.raises(PublishError, match="No space left on device"):
        write_sample(tmp_path, rows=60, images=1)
    assert {path.name for path in tmp_path.iterdir()} == set(ALL)
    assert [(tmp_path / name).read_bytes() for name in ALL] == before
