import re
import warnings

import numpy as np
import pytest
from astropy import units
from astropy.convolution import Gaussian2DKernel, convolve
from astropy.coordinates import SkyCoord
from matplotlib.backends.backend_agg import FigureCanvasAgg
from presenting import NAN, axes, check, figure, present, table
from presenting import units as units_of

from reportgen.analyses.sky_density import SkyDensity
from reportgen.analyses.sky_map import grid_wcs, smoothed_counts
from reportgen.reduce.sky import Extent, _box_grid, _tangent_grid
from reportgen.style import house_style


def around(ra, dec, degrees, n=300):
    """Give positions of a round field, as RA (0–360°) and Dec."""
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


def image(section):
    return axes(figure(section, "density")).images[0].get_array().filled(NAN)


def pixel_of(section, ra, dec):
    """Give the rows and columns of the drawn image in which astropy finds positions."""
    wcs = axes(figure(section, "density")).wcs
    x, y = wcs.world_to_pixel(SkyCoord(ra * units.deg, dec * units.deg))
    return np.floor([y + 0.5, x + 0.5]).astype(int)


# The projection


GRIDS = [
    *((field, {"cell": 90}) for field in FIELDS),
    *((field, {"edges": 60}) for field in FIELDS if "pole" not in field),
]


@pytest.mark.parametrize(("field", "grid"), GRIDS)
def test_an_object_is_in_the_pixel_in_which_astropy_finds_it(field, grid):
    ra, dec = around(*FIELDS[field], 0.7)
    section = sky(ra, dec, smoothing=0, **grid)
    drawn = image(section)
    found = np.zeros_like(drawn)
    # The outermost objects of a plate carrée are on its edges.
    last = np.array(drawn.shape)[:, None] - 1
    np.add.at(found, tuple(np.clip(pixel_of(section, ra, dec), 0, last)), 1)
    assert found.sum() == len(ra)
    # In objects per square arcminute: a cell has as many as its area times what is drawn.
    assert (drawn > 0).tolist() == (found > 0).tolist()
    area = section.metrics["field_area"].value * 3600
    assert (found.sum() / area) == pytest.approx(section.metrics["mean_density"].value)


@pytest.mark.parametrize("grid", [{"cell": 90}, {"edges": 60}])
@pytest.mark.parametrize("field", ["CDFS", "across RA 0 h", "across RA 12 h"])
def test_right_ascension_increases_to_the_left_and_declination_upwards(field, grid):
    ra, dec = FIELDS[field]
    section = sky(*around(ra, dec, 0.7), **grid)
    here = pixel_of(section, ra, dec)
    east = pixel_of(section, ra + 0.3, dec)
    north = pixel_of(section, ra, dec + 0.3)
    assert east[1] < here[1]
    assert north[0] > here[0]
    assert (
        axes(figure(section, "density")).get_xlim()[0]
        < axes(figure(section, "density")).get_xlim()[1]
    )


@pytest.mark.parametrize("field", ["north pole", "south pole"])
def test_around_a_pole_east_is_to_the_left_of_north(field):
    section = sky(*around(*FIELDS[field], 0.7), cell=60)
    pole = np.array(pixel_of(section, 0.0, FIELDS[field][1]), dtype=float)
    dec = np.copysign(89.6, FIELDS[field][1])
    for ra in (0.0, 100.0, 200.0):
        here = np.array(pixel_of(section, ra, dec), dtype=float)
        east = np.array(pixel_of(section, ra + 25, dec), dtype=float) - here
        north = (pole - here) * np.sign(dec)
        # Rows count upwards, columns to the right: a turn from north to east is to the left.
        assert north[1] * east[0] - north[0] * east[1] > 0


@pytest.mark.parametrize("field", FIELDS)
def test_cells_of_a_tangent_map_have_the_area_that_the_sphere_gives_them(field):
    ra, dec = around(*FIELDS[field], 0.7)
    section = sky(ra, dec, cell=120)
    wcs = axes(figure(section, "density")).wcs
    ny, nx = image(section).shape
    corners = [(-0.5, -0.5), (nx - 0.5, -0.5), (nx - 0.5, ny - 0.5), (-0.5, ny - 0.5)]
    xyz = np.array([wcs.pixel_to_world(x, y).cartesian.xyz.value for x, y in corners])
    solid = 2 * sum(
        np.arctan2(
            np.dot(xyz[0], np.cross(xyz[i], xyz[i + 1])),
            1 + xyz[0] @ xyz[i] + xyz[i] @ xyz[i + 1] + xyz[i + 1] @ xyz[0],
        )
        for i in (1, 2)
    )
    # Sides of the map are great circles: its area is that of a spherical quadrangle.
    assert section.metrics["field_area"].value == pytest.approx(
        abs(solid) * np.degrees(1) ** 2, rel=1e-6
    )


def test_the_area_of_a_plate_carree_is_that_between_its_meridians_and_parallels():
    section = sky([10.0, 14.0], [-30.0, 60.0], edges=50)
    expected = np.degrees(np.radians(4) * (np.sin(np.radians(60)) - np.sin(np.radians(-30)))) * (
        180 / np.pi
    )
    assert section.metrics["field_area"].value == pytest.approx(expected)


def test_every_pixel_of_a_plate_carree_of_the_whole_sky_is_where_its_wcs_says():
    grid = _box_grid(Extent((0.0, 360.0), (-90.0, 90.0)), 37)
    ra, dec = grid_wcs(grid).all_pix2world(np.arange(36), np.full(36, 17), 0)
    middles = (grid.x[1:] + grid.x[:-1])[::-1] / 2
    assert np.mod(ra, 360) == pytest.approx(middles)
    assert dec == pytest.approx((grid.y[17] + grid.y[18]) / 2)


def test_a_tangent_map_of_the_north_pole_is_turned_as_its_projection_is():
    grid = _tangent_grid(Extent((0.0, 360.0), (89.0, 90.0)), 600.0)
    wcs = grid_wcs(grid)
    x, y = wcs.all_world2pix([33.0], [89.5], 0)
    east, north = grid.place(np.array([33.0]), np.array([89.5]))
    column = (grid.x[-1] - east[0]) / (grid.x[1] - grid.x[0]) - 0.5
    row = (north[0] - grid.y[0]) / (grid.y[1] - grid.y[0]) - 0.5
    assert (x[0], y[0]) == pytest.approx((column, row))


# Smoothing


@pytest.mark.parametrize("sigma", [0.3, 0.5, 1, 1.7, 2.5, 6])
def test_smoothing_is_that_of_astropys_gaussian_kernel(sigma):
    random = np.random.default_rng(12)
    counts = random.poisson(0.2, size=(31, 45))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # astropy's, of kernels narrower than a cell
        expected = convolve(counts.astype(float), Gaussian2DKernel(sigma))
    assert smoothed_counts(counts, sigma) == pytest.approx(expected, rel=1e-10, abs=1e-15)


def test_no_smoothing_leaves_the_counts():
    random = np.random.default_rng(12)
    counts = random.poisson(0.2, size=(5, 7))
    assert smoothed_counts(counts, 0).tolist() == counts.tolist()
    section = sky([10.0, 10.2, 10.2], [0.0, 0.1, 0.1], edges=3, smoothing=0)
    assert section.metrics["max_smoothed_count"].value == 2
    assert figure(section, "density").caption.endswith("not smoothed.")


# What is drawn and said


def test_the_map_and_its_table_have_objects_per_square_arcminute():
    section = sky([10.0, 10.0, 10.2], [0.0, 0.0, 0.2], edges=3, smoothing=0)
    drawn, found = image(section), table(section, "density")
    area = 6 * 6  # a cell of 0.1° on the equator
    assert drawn[0].tolist() == pytest.approx([0, 2 / area], rel=1e-4)
    assert drawn[1].tolist() == pytest.approx([1 / area, 0], rel=1e-4)
    assert found["n"] == [2, 1]
    assert found["ra"] == pytest.approx([10.05, 10.15])
    assert found["dec"] == pytest.approx([0.05, 0.15])
    assert found["density"] == [drawn[0, 1], drawn[1, 0]]
    assert units_of(section, "density")["density"] == "arcmin-2"


def test_the_colour_bar_starts_at_0_and_names_the_unit():
    section = sky(*around(10.0, 20.0, 0.5), edges=20, smoothing=6)
    assert axes(figure(section, "density")).images[0].get_clim()[0] == 0
    bar = figure(section, "density").drawing.axes[1]
    assert bar.get_ylabel() == "Objects per square arcminute [arcmin⁻²]"


def tick_texts(section, coordinate):
    """Give the numbers along an axis of a map, as drawn."""
    drawn = axes(figure(section, "density"))
    with house_style():
        FigureCanvasAgg(figure(section, "density").drawing).draw()
    return drawn.coords[coordinate]._ticklabels.text["bl"[coordinate]]


def test_axes_have_degrees_within_0_and_360():
    section = sky(*around(0.0, -30.0, 0.7), edges=30)
    drawn = axes(figure(section, "density"))
    assert drawn.coords[0].get_axislabel() == "Right ascension [°]"
    assert drawn.coords[1].get_axislabel() == "Declination [°]"
    numbers = [float(text.replace("−", "-").replace("$", "")) for text in tick_texts(section, 0)]
    assert len(numbers) >= 3
    assert min(numbers) >= 0
    assert max(numbers) > 350


def test_axes_may_have_hours_and_minutes():
    section = sky(*around(52.0, -28.0, 0.7), edges=30, axes="hms")
    drawn = axes(figure(section, "density"))
    assert drawn.coords[0].get_axislabel() == "Right ascension [h m s]"
    assert drawn.coords[1].get_axislabel() == "Declination [° ′ ″]"
    assert any("h" in text and "m" in text for text in tick_texts(section, 0))


@pytest.mark.parametrize("hms", ["degrees", "hms"])
def test_a_field_of_arcseconds_has_numbers_that_differ(hms):
    section = sky(*around(10.0, 20.0, 0.002), cell=1, axes=hms)
    for coordinate in (0, 1):
        found = tick_texts(section, coordinate)
        assert len(set(found)) == len(found) >= 2


@pytest.mark.parametrize("grid", [{"cell": 90}, {"edges": 60, "axes": "hms"}])
@pytest.mark.parametrize("field", FIELDS)
def test_a_map_is_whole_wherever_the_field_is(field, grid):
    check(sky(*around(*FIELDS[field], 0.7, n=60), **grid))


@pytest.mark.parametrize(
    ("ra", "dec"),
    [
        ((10, 60), (-2, 2)),
        ((10, 12), (-52, -2)),
        ((0, 359), (-89, 89)),
        ((5, 5), (0, 20)),
        ((5, 25), (0, 0)),
    ],
)
def test_a_map_is_whole_whatever_its_shape(ra, dec):
    random = np.random.default_rng(12)
    check(sky(random.uniform(*ra, 60), random.uniform(*dec, 60), edges=40))


def test_a_field_too_narrow_to_be_seen_is_stretched_and_the_caption_says_so():
    random = np.random.default_rng(12)
    wide = sky(random.uniform(0, 60, 60), random.uniform(-0.5, 0.5, 60), edges=40)
    assert "Not to scale: declination is stretched " in figure(wide, "density").caption
    tall = sky(random.uniform(10, 10.5, 60), random.uniform(-30, 30, 60), edges=40)
    assert "Not to scale: right ascension is stretched" in figure(tall, "density").caption
    square = sky([10.0, 11.0], [0.0, 1.0], edges=40)
    assert "Not to scale" not in figure(square, "density").caption


def test_a_map_has_the_shape_of_its_field_on_the_sky():
    section = sky([10.0, 12.0], [59.5, 60.5], edges=41)
    drawn = axes(figure(section, "density"))
    # 2° of RA at Dec 60° are 1° on the sky: cells are as wide as high.
    assert drawn.get_aspect() == pytest.approx(1, rel=1e-3)


def test_the_finding_gives_the_densest_place():
    ra, dec = around(52.0, -28.0, 0.7)
    section = sky(np.r_[ra, np.full(50, 52.2)], np.r_[dec, np.full(50, -28.2)], edges=90)
    finding = section.findings[0]
    assert finding.startswith("350 objects over ")
    near = re.search(r"near RA ([\d.]+)°, Dec −([\d.]+)°\.$", finding)
    assert float(near[1]) == pytest.approx(52.2, abs=0.02)
    assert float(near[2]) == pytest.approx(28.2, abs=0.02)
    assert section.findings[0] in figure(section, "density").alt


def test_a_place_is_told_with_as_many_decimals_as_tell_its_cell():
    ra, dec = around(52.0, -28.0, 0.002)
    assert len(sky(ra, dec, cell=1).findings[0].split("RA ")[1].split("°")[0]) >= len("52.0001")


def test_a_place_across_ra_0_is_told_within_0_and_360():
    section = sky([359.6, 359.6, 0.1], [0.0, 0.0, 0.2], edges=5, smoothing=0)
    assert "near RA 359.66" in section.findings[0]
    assert all(0 <= ra < 360 for ra in table(section, "density")["ra"])


def test_a_small_field_is_told_in_square_arcminutes():
    assert "square arcminutes:" in sky([10.0], [20.0], edges=10).findings[0]
    assert "square degrees:" in sky([10.0, 12.0], [20.0, 22.0], edges=10).findings[0]


def test_a_single_position_is_a_map_of_one_object():
    section = sky([10.0], [20.0], edges=10)
    assert section.findings[0].startswith("1 object over ")
    assert section.metrics["objects"].value == 1
    assert section.metrics["empty_fraction"].value == pytest.approx(100 * 80 / 81)
    check(section)


def test_rows_without_a_position_are_counted():
    section = sky([10.0, NAN, 11.0], [20.0, 20.0, 21.0], edges=10)
    assert section.notes == ["Without a position: 1 row."]
    assert section.rows == 2


def test_no_position_at_all_is_an_error_that_names_the_columns():
    with pytest.raises(Exception, match="no valid value in ra and dec"):
        sky([NAN, 1.0], [2.0, NAN], edges=10)
