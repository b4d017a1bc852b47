import re
import warnings

import numpy as np
import pytest
from astropy import units
from astropy.convolution import Gaussian2DKernel, convolve
from astropy.coordinates import SkyCoord
from presenting import NAN, axes, check, figure, present, table
from presenting import units as units_of

from reportgen.analyses.sky_density import SkyDensity, smoothed_counts


def around(ra, dec, degrees=0.7, n=300):
    """Return positions of a round field, as RA (0–360°) and Dec."""
    random = np.random.default_rng(12)
    centre = SkyCoord(ra * units.deg, dec * units.deg)
    angle = random.uniform(0, 360, n) * units.deg
    distance = degrees * np.sqrt(random.random(n)) * units.deg
    field = centre.directional_offset_by(angle, distance)
    return field.ra.deg, field.dec.deg


def sky(ra, dec, **keys):
    unit = {"ra": "deg", "dec": "deg"}
    return present(SkyDensity, {"ra": ra, "dec": dec}, unit, ra="ra", dec="dec", **keys)


FIELDS = {
    "CDFS": (52.8, -28.1),
    "across RA 0 h": (0.1, -30.0),
    "across RA 12 h": (180.0, 45.0),
    "on the equator": (120.0, 0.0),
    "north pole": (40.0, 90.0),
    "south pole": (250.0, -90.0),
    "near a pole": (10.0, 88.9),
}


def drawn(section):
    return axes(figure(section, "density"))


def image(section):
    return drawn(section).images[0].get_array().filled(NAN)


def pixel_of(section, ra, dec):
    """Return the rows and columns of the drawn image in which astropy finds positions."""
    x, y = drawn(section).wcs.world_to_pixel(SkyCoord(ra * units.deg, dec * units.deg))
    return np.floor([y + 0.5, x + 0.5]).astype(int)


# The projection


RANDOM = np.random.default_rng(12)
EVERYWHERE = (RANDOM.uniform(0, 360, 300), RANDOM.uniform(-90, 90, 300))
GRIDS = [
    *((around(*FIELDS[field]), {"cell": 90}) for field in FIELDS),
    *((around(*FIELDS[field]), {"edges": 60}) for field in FIELDS if "pole" not in field),
    (EVERYWHERE, {"edges": 37}),
]


@pytest.mark.parametrize(("positions", "grid"), GRIDS)
def test_an_object_is_in_the_pixel_in_which_astropy_finds_it(positions, grid):
    ra, dec = positions
    section = sky(ra, dec, smoothing=0, **grid)
    shown = image(section)
    found = np.zeros_like(shown)
    # The outermost objects of a plate carrée are on its edges.
    last = np.array(shown.shape)[:, None] - 1
    np.add.at(found, tuple(np.clip(pixel_of(section, ra, dec), 0, last)), 1)
    assert (shown > 0).tolist() == (found > 0).tolist()


@pytest.mark.parametrize("grid", [{"cell": 90}, {"edges": 60}])
@pytest.mark.parametrize("field", ["CDFS", "across RA 0 h", "across RA 12 h"])
def test_right_ascension_increases_to_the_left_and_declination_upwards(field, grid):
    ra, dec = FIELDS[field]
    section = sky(*around(ra, dec), **grid)
    here = pixel_of(section, ra, dec)
    assert pixel_of(section, ra + 0.3, dec)[1] < here[1]
    assert pixel_of(section, ra, dec + 0.3)[0] > here[0]
    low, high = drawn(section).get_xlim()
    assert low < high


@pytest.mark.parametrize("field", ["north pole", "south pole"])
def test_around_a_pole_east_is_to_the_left_of_north(field):
    section = sky(*around(*FIELDS[field]), cell=60)
    pole = pixel_of(section, 0.0, FIELDS[field][1]).astype(float)
    dec = np.copysign(89.6, FIELDS[field][1])
    for ra in (0.0, 100.0, 200.0):
        here = pixel_of(section, ra, dec).astype(float)
        east = pixel_of(section, ra + 25, dec) - here
        north = (pole - here) * np.sign(dec)
        # Rows count upwards, columns to the right: a turn from north to east is to the left.
        assert north[1] * east[0] - north[0] * east[1] > 0


def test_the_mean_density_is_that_of_the_part_of_the_map_that_objects_cover():
    ra, dec = around(*FIELDS["CDFS"], n=3000)
    metrics = sky(ra, dec, cell=60).metrics
    disc = np.pi * 0.7**2
    assert metrics["covered_area"].value == pytest.approx(disc, rel=0.08)
    assert metrics["mean_density"].value == pytest.approx(3000 / disc / 3600, rel=0.08)
    assert metrics["field_area"].value > 1.2 * disc


def test_a_map_takes_the_width_of_a_page_only_where_it_is_wide():
    ra, dec = around(*FIELDS["CDFS"])
    assert figure(sky(ra, dec, cell=90), "density").width == "column"
    assert (
        figure(sky(ra, FIELDS["CDFS"][1] + 0.2 * (dec - dec.mean()), cell=90), "density").width
        == "full"
    )


# Smoothing


@pytest.mark.parametrize("sigma", [0.3, 0.5, 1, 1.7, 2.5, 6])
def test_smoothing_is_that_of_astropys_gaussian_kernel(sigma):
    counts = np.random.default_rng(12).poisson(0.2, size=(31, 45))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # astropy's, of kernels narrower than a cell
        expected = convolve(counts.astype(float), Gaussian2DKernel(sigma))
    assert smoothed_counts(counts, sigma) == pytest.approx(expected, rel=1e-10, abs=1e-15)


# What is drawn and said


def test_the_map_and_its_table_have_objects_per_square_arcminute():
    section = sky([10.0, 10.0, 10.2], [0.0, 0.0, 0.2], edges=3, smoothing=0)
    shown, found = image(section), table(section, "density")
    area = 6 * 6  # a cell of 0.1° on the equator
    assert shown.ravel() == pytest.approx([0, 2 / area, 1 / area, 0], rel=1e-4)
    assert found["n"] == [2, 1]
    assert found["ra"] == pytest.approx([10.05, 10.15])
    assert found["dec"] == pytest.approx([0.05, 0.15])
    assert found["density"] == [shown[0, 1], shown[1, 0]]
    assert units_of(section, "density")["density"] == "arcmin-2"
    assert section.metrics["max_smoothed_count"].value == 2
    assert figure(section, "density").caption.endswith("not smoothed.")
    assert drawn(section).images[0].get_clim()[0] == 0
    bar = figure(section, "density").drawing.axes[1]
    assert bar.get_ylabel() == "Density of objects [arcmin⁻²]"


@pytest.mark.parametrize("grid", [{"cell": 90}, {"edges": 60, "axes": "hms"}])
@pytest.mark.parametrize("field", FIELDS)
def test_a_map_is_whole_wherever_the_field_is(field, grid):
    check(sky(*around(*FIELDS[field], n=60), **grid))


@pytest.mark.parametrize(
    ("ra", "dec", "stretched"),
    [
        ((10, 60), (-2, 2), "declination"),
        ((10, 12), (-52, -2), "right ascension"),
        ((0, 359), (-89, 89), ""),
        ((5, 5), (0, 20), "right ascension"),
        ((5, 25), (0, 0), "declination"),
        ((10, 11), (0, 1), ""),
    ],
)
def test_a_map_is_whole_whatever_its_shape_and_says_where_it_is_stretched(ra, dec, stretched):
    section = sky(RANDOM.uniform(*ra, 60), RANDOM.uniform(*dec, 60), edges=40)
    check(section)
    found = re.search("Not to scale: (.*) is stretched", figure(section, "density").caption)
    assert (found[1] if found else "") == stretched


def test_the_finding_gives_the_densest_place():
    ra, dec = around(52.0, -28.0)
    section = sky(np.r_[ra, np.full(50, 52.2)], np.r_[dec, np.full(50, -28.2)], edges=90)
    finding = section.findings[0]
    assert finding.startswith("350 objects over ")
    near = re.search(r"near RA ([\d.]+)°, Dec −([\d.]+)°\.$", finding)
    assert (float(near[1]), float(near[2])) == pytest.approx((52.2, 28.2), abs=0.02)
    assert finding in figure(section, "density").alt


@pytest.mark.parametrize(
    ("positions", "keys", "said"),
    [
        (around(52.0, -28.0, 0.002), {"cell": 1}, r"square arcminutes: .* RA 5\d\.\d{4}°"),
        (([359.6, 359.6, 0.1], [0.0, 0.0, 0.2]), {"edges": 5, "smoothing": 0}, r"near RA 359\.66"),
        (([10.0, 12.0], [20.0, 22.0]), {"edges": 10}, "^2 objects over .* square degrees:"),
        (([10.0], [20.0]), {"edges": 10}, "^1 object over .* square arcminutes:"),
    ],
)
def test_places_and_areas_have_the_digits_and_units_that_suit_them(positions, keys, said):
    section = sky(*positions, **keys)
    assert re.search(said, section.findings[0])
    assert all(0 <= ra < 360 for ra in table(section, "density")["ra"])
    check(section)


def test_a_place_is_named_only_where_one_is_the_densest():
    grid = np.meshgrid(np.linspace(10, 11, 5), np.linspace(-0.5, 0.5, 5))
    ra, dec = (each.ravel() for each in grid)
    (alike,) = sky(ra, dec, edges=6, smoothing=0).findings
    assert re.search(r"at most \S+ in \d+ cells\.$", alike)
    (one,) = sky([*ra, 10.5], [*dec, 0.0], edges=6, smoothing=0).findings
    assert re.search(r"at most \S+ near RA 10\.\S+°, Dec \S+°\.$", one)
