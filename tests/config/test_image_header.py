import numpy as np
import pytest
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.wcs import WCS

from reportgen.config.columns import Images
from reportgen.config.image_header import read_beam, read_sky

TAN = {
    **{"CTYPE1": "RA---TAN", "CRVAL1": 359.99, "CRPIX1": 5.0, "CDELT1": -2 / 3600},
    **{"CTYPE2": "DEC--TAN", "CRVAL2": -30.0, "CRPIX2": 3.0, "CDELT2": 2 / 3600},
}


def cards(**values):
    header = fits.Header()
    for key, value in {**TAN, **values}.items():
        if value is not None:
            header[key] = value
    return header.tostring()


def test_positions_and_sizes_are_those_of_the_wcs():
    sky = read_sky(cards(), 5, 9)
    assert sky.names == ("Right ascension", "Declination")
    assert sky.scale == pytest.approx(2, rel=1e-6)
    assert sky.pixel_area == pytest.approx((2 / 3600) ** 2)
    wcs = WCS(fits.Header.fromstring(cards()))
    found, wanted = sky.positions([0, 8], [0, 4]), wcs.all_pix2world([0, 8], [0, 4], 0)
    np.testing.assert_allclose(found, wanted)
    assert sky.title(4, 2) == "23h59m57.6s −30°00′00″"
    assert read_sky(cards(CRVAL1=10.0), 5, 9).title(4, 2) == "00h40m00.0s −30°00′00″"


@pytest.mark.parametrize("angle", [0, 30, 200])
@pytest.mark.parametrize("flip", [1, -1])
def test_north_and_east_are_where_the_sky_turns_to(angle, flip):
    turn = np.radians(angle)
    cd = {"CD1_1": -np.cos(turn) / 900, "CD1_2": np.sin(turn) / 900 * flip}
    cd |= {"CD2_1": np.sin(turn) / 900, "CD2_2": np.cos(turn) / 900 * flip}
    sky = read_sky(cards(CDELT1=None, CDELT2=None, **cd), 5, 9)
    at = SkyCoord(*sky.positions([4], [2]), unit="deg")
    for (column, row), way in ((sky.north, 0), (sky.east, 90)):
        there = SkyCoord(*sky.positions([4 + column], [2 + row]), unit="deg")
        assert at.separation(there).arcsec[0] == pytest.approx(1, rel=1e-4)
        assert at.position_angle(there).deg[0] == pytest.approx(way, abs=0.1) or way == 0
        assert np.cos(at.position_angle(there).rad[0] - np.radians(way)) == pytest.approx(1)


def test_squares_of_pixels_are_where_their_pixels_are():
    sky = read_sky(cards(), 30, 40)
    binned = sky.binned(4)
    assert binned.scale == pytest.approx(4 * sky.scale)
    np.testing.assert_allclose(binned.positions(2, 3), sky.positions(9.5, 13.5))


def test_other_frames_keep_their_names():
    galactic = read_sky(cards(CTYPE1="GLON-CAR", CTYPE2="GLAT-CAR", CRVAL2=0.0), 5, 9)
    assert galactic.names == ("Galactic longitude", "Galactic latitude")
    assert galactic.title(4, 2) == "359.9900°, 0.0000°"
    assert read_sky(cards(RADESYS="FK4", EQUINOX=1950.0), 5, 9).names[0].endswith("(B1950)")
    turned = read_sky(cards(CTYPE1="DEC--TAN", CTYPE2="RA---TAN", CRVAL1=-30.0, CRVAL2=10.0), 5, 9)
    np.testing.assert_allclose(turned.positions(4, 2), (10, -30))


@pytest.mark.parametrize(
    "values",
    [
        {"CTYPE1": "LAMBDA", "CTYPE2": "ANGLE"},
        {"CTYPE1": None, "CTYPE2": None},
    ],
)
def test_what_is_not_on_the_sky_has_no_position(values):
    assert read_sky(cards(**values), 5, 9) is None


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"CTYPE1": "RA---XYZ", "CTYPE2": "DEC--XYZ"}, "Unrecognized projection code"),
        ({"CDELT1": 0.0}, "singular"),
        ({"CRVAL1": "abc"}, "CRVAL1 is 'abc'"),
        ({"CDELT1": None, "CDELT2": None}, "it has no CDELT and no CD"),
        ({"CTYPE2": "FREQ"}, "Unmatched celestial axes"),
        ({"CTYPE1": "RA---SIN", "CTYPE2": "DEC--SIN", "CRPIX1": 1e9}, "on the sky"),
    ],
)
def test_a_wcs_that_makes_no_sense_says_why_in_one_line(values, said):
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - what it says is looked at
        read_sky(cards(**values), 5, 9)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
    assert "wcslib" not in str(caught.value)


def test_the_scale_of_the_configuration_stands_in_place_of_the_wcs():
    assert Images("x", header=cards()).sky(5, 9) is not None
    assert Images("x", pixel_scale=0.6, header=cards()).sky(5, 9) is None


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"BMAJ": 0.00303, "BMIN": 0.0026, "BPA": 56.2}, "10.9″ × 9.36″, position angle 56°"),
        ({"BMAJ": 0.24}, "14.4′ × 14.4′, position angle 0°"),
        ({"BMAJ": "big", "BMIN": 1}, None),
        ({"BMAJ": -1.0}, None),
        ({}, None),
    ],
)
def test_the_beam_is_that_of_the_header(values, said):
    beam = read_beam(cards(**values))
    assert (beam and beam.title) == said
