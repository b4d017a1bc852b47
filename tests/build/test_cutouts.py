import dataclasses

import h5py
import numpy as np
import pytest
import yaml
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.wcs import WCS

from reportgen.analyses.image_noise import ImageNoise
from reportgen.build.cutouts import read_cutouts
from reportgen.config.loader import load_report
from reportgen.data.images import open_images
from reportgen.errors import SectionError
from reportgen.reduce.cutouts import CutoutsWanted, Spot

SCALE = 2.0  # arcseconds a pixel


def header(ra, dec, shape, kind="RA---TAN", kind2="DEC--TAN"):
    cards = {"CTYPE1": kind, "CRVAL1": ra, "CRPIX1": shape[1] / 2, "CDELT1": -SCALE / 3600}
    cards |= {"CTYPE2": kind2, "CRVAL2": dec, "CRPIX2": shape[0] / 2, "CDELT2": SCALE / 3600}
    return fits.Header(cards)


def opened(folder, file, **keys):
    settings = {
        "report": {"id": "a", "title": "A"},
        "images": {"sky": {"file": file, **keys}},
        "sections": {"a": {"analysis": "image_noise", "title": "A", "images": "sky"}},
    }
    config = folder / "report.yaml"
    config.write_text(yaml.safe_dump(settings))
    report = load_report(config, {"image_noise": ImageNoise}, (), {})
    return open_images(report, "sky")


@pytest.fixture(scope="module")
def mosaic(tmp_path_factory):
    """A mosaic across RA 0 in which each pixel says which it is, and its WCS."""
    folder = tmp_path_factory.mktemp("mosaic")
    pixels = np.arange(300 * 400, dtype="f4").reshape(300, 400)
    cards = header(0.0, -60.0, pixels.shape)
    fits.writeto(folder / "field.fits", pixels, cards)
    return opened(folder, "field.fits"), pixels, WCS(cards)


def at(wcs, *places):
    """Return spots at columns and rows of an image."""
    found = [wcs.pixel_to_world(x, y).icrs for x, y in places]
    return tuple(Spot(k, each.ra.deg, each.dec.deg) for k, each in enumerate(found))


def test_positions_are_cut_out_of_a_mosaic_by_its_wcs_across_ra_0(mosaic):
    stack, pixels, wcs = mosaic
    spots = at(wcs, (20.0, 30.0), (380.2, 250.0), (500.0, 20.0), (1.0, 298.0), (3.0, 3.0))
    wanted = CutoutsWanted(spots, 3, size=14.0, marks=tuple((s.ra, s.dec) for s in spots[::-1]))
    made = read_cutouts(stack, wanted, 99)
    assert [each.spot for each in made.found] == [0, 1, 3]
    assert made.without == 1
    first, _, corner = made.found
    assert (first.pixels == pixels[27:34, 17:24]).all()
    assert first.at == pytest.approx((3, 3), abs=1e-6)
    assert first.mark == pytest.approx((3 - 17, 3 - 27), abs=1e-6)
    assert first.arcsec == pytest.approx(14, rel=1e-3)
    assert np.isnan(corner.pixels[:, :2]).all()
    assert np.isnan(corner.pixels[5:]).all()
    assert (corner.pixels[:5, 2:] == pixels[295:, :5]).all()


def test_a_large_cut_out_is_averaged(mosaic):
    stack, pixels, wcs = mosaic
    (large,) = read_cutouts(stack, CutoutsWanted(at(wcs, (200.0, 150.0)), 1), 9).found
    assert large.side == 4
    assert max(large.pixels.shape) == 100
    assert large.pixels == pytest.approx(pixels.reshape(75, 4, 100, 4).mean(axis=(1, 3)))
    assert large.at == pytest.approx((49.625, 37.125), abs=1e-3)


def test_positions_are_found_in_galactic_images_and_in_files_of_their_own(tmp_path):
    for number, longitude in enumerate((10.0, 20.0)):
        cards = header(longitude, 5.0, (40, 40), "GLON-TAN", "GLAT-TAN")
        fits.writeto(tmp_path / f"{number}.fits", np.full((40, 40), number, "f4"), cards)
    stack = opened(tmp_path, "*.fits")
    sky = [SkyCoord(x, 5.0, unit="deg", frame="galactic").icrs for x in (20.0, 10.0, 15.0)]
    spots = tuple(Spot(k, each.ra.deg, each.dec.deg) for k, each in enumerate(sky))
    made = read_cutouts(stack, CutoutsWanted(spots, 9, size=10.0), 3)
    assert [(each.spot, each.image) for each in made.found] == [(0, 1), (1, 0)]
    assert [each.pixels.mean() for each in made.found] == [1, 0]
    assert made.without == 1


@pytest.fixture
def stack(tmp_path):
    with h5py.File(tmp_path / "cut.h5", "w") as file:
        file["images"] = np.arange(4 * 21 * 31, dtype="f4").reshape(4, 21, 31)
    return opened(tmp_path, "cut.h5", dataset="images")


def test_rows_have_the_image_of_their_number_or_of_their_own(stack):
    numbers = (Spot(7, image=3), Spot(8, image=4), Spot(9, image=-1), Spot(2, image=0))
    made = read_cutouts(stack, CutoutsWanted(numbers, 2), 99)
    assert [each.image for each in made.found] == [3, 0]
    assert made.without == 2
    assert made.found[1].pixels.tolist() == np.arange(651.0).reshape(21, 31).tolist()
    assert np.isnan(made.found[0].arcsec)
    own = read_cutouts(stack, CutoutsWanted((Spot(2), Spot(1)), 2), 4)
    assert [each.image for each in own.found] == [2, 1]
    with pytest.raises(SectionError, match=r"no WCS, and 4 images for 99 rows"):
        read_cutouts(stack, CutoutsWanted((Spot(2),), 2), 99)
    assert not read_cutouts(stack, CutoutsWanted((), 2), 99).found


def test_a_size_needs_a_pixel_scale_and_a_channel_must_be_there(stack):
    with pytest.raises(SectionError, match=r"how large a pixel is"):
        read_cutouts(stack, CutoutsWanted((Spot(2),), 2, size=5.0), 4)
    with pytest.raises(SectionError, match=r"no channel 1: images of .* has 1"):
        read_cutouts(stack, CutoutsWanted((Spot(2),), 2, channel=1), 4)
    scaled = dataclasses.replace(stack, images=dataclasses.replace(stack.images, pixel_scale=0.5))
    (middle,) = read_cutouts(scaled, CutoutsWanted((Spot(0),), 1, size=2.5), 4).found
    whole = np.arange(651.0).reshape(21, 31)
    assert (middle.pixels == whole[8:13, 13:18]).all()


def test_imagined_cut_outs_read_no_pixel(stack):
    stack.file.unlink()
    (found,) = read_cutouts(stack, CutoutsWanted((Spot(2),), 1), 4, imagined=True).found
    assert found.pixels.shape == (21, 31)
