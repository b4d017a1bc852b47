import re

import numpy as np
import pytest
from astropy.coordinates import SkyCoord
from astropy.wcs import WCS
from hypothesis import given
from hypothesis import strategies as st
from splitting import INF, NAN, special, split, splits, table, whole

from reportgen.errors import ExitCode, SectionError
from reportgen.reduce.sky import MAX_CELLS, CountOnSky, Extent, SkyExtent, gnomonic, wrapped


def field(ra, dec, radius, n=400, seed=1):
    """Return positions within a radius (degrees) of a centre, uniform on the sphere."""
    rng = np.random.default_rng(seed)
    distance = np.degrees(np.arccos(1 - rng.uniform(size=n) * (1 - np.cos(np.radians(radius)))))
    places = SkyCoord(ra, dec, unit="deg").directional_offset_by(
        rng.uniform(0, 360, n) * _deg(), distance * _deg()
    )
    return {"ra": places.ra.deg, "dec": places.dec.deg}


def _deg():
    from astropy import units

    return units.deg


def test_the_extent_of_a_field_is_its_box():
    columns = table(ra=[53, 51, 52, NAN, 99], dec=[-28, -27, -29, 0, INF])
    extent = whole(SkyExtent("ra", "dec"), columns)
    assert extent == Extent((51, 53), (-29, -27))
    assert not extent.crosses_zero
    assert extent.centre == (52, -28)


def test_a_field_across_zero_hours_is_narrow():
    columns = table(ra=[359.5, 0.25, 359.75, 0], dec=[1, 2, 3, 4])
    extent = whole(SkyExtent("ra", "dec"), columns)
    assert extent == Extent((-0.5, 0.25), (1, 4))
    assert extent.crosses_zero
    assert extent.centre == (-0.125, 2.5)


def test_a_field_up_to_zero_hours_does_not_cross_it():
    assert not whole(SkyExtent("ra", "dec"), table(ra=[0, 1], dec=[0, 0])).crosses_zero
    assert not whole(SkyExtent("ra", "dec"), table(ra=[359, 359.9], dec=[0, 0])).crosses_zero
    # Further than half around, through 0 h: the gap is from 150° to 200°.
    ra = np.concatenate([np.arange(200.0, 360), np.arange(0.0, 151)])
    assert whole(SkyExtent("ra", "dec"), {"ra": ra, "dec": 0 * ra}).ra == (-160, 150)


def test_right_ascension_may_be_written_with_a_sign_or_beyond_a_turn():
    columns = table(ra=[-0.5, 0.25, 360, 720.125], dec=[0, 0, 0, 0])
    assert whole(SkyExtent("ra", "dec"), columns).ra == (-0.5, 0.25)
    assert wrapped(np.array([-1e-20, 360.0, -0.0]), crosses_zero=False).tolist() == [0, 0, 0]


@pytest.mark.parametrize(
    ("ra", "dec", "centre"),
    [
        ((0, 360), (70, 89), (0, 90)),
        ((0, 359), (-90, -30), (0, -90)),
        ((0, 359), (-5, 5), (179.5, 0)),
        ((10, 20), (80, 89), (15, 84.5)),
        ((0, 359), (-80, 10), (179.5, -35)),
    ],
)
def test_the_centre_of_a_field_around_a_pole_is_the_pole(ra, dec, centre):
    assert Extent(ra, dec).centre == centre


ra_values = st.floats(0, 360) | special | st.sampled_from([0.0, 359.99, 52.5])
dec_values = st.floats(-90, 90) | special


@given(st.lists(st.tuples(ra_values, dec_values), max_size=40), splits, st.integers(2, 30))
def test_counts_by_edges_are_those_of_numpy(rows, parts, edges):
    columns = dict(zip(("ra", "dec"), np.array(rows, dtype=float).reshape(-1, 2).T, strict=True))
    found = split(CountOnSky("ra", "dec", edges=edges), columns, *parts)
    both = np.isfinite(columns["ra"]) & np.isfinite(columns["dec"])
    if not both.any():
        assert found is None
        return
    grid, dec = found.grid, columns["dec"][both]
    ra = wrapped(columns["ra"][both], crosses_zero=grid.crosses_zero)
    assert found.counts.dtype == np.int64
    assert found.counts.shape == (edges - 1, edges - 1)
    assert found.counts.sum() == both.sum()
    if ra.min() < ra.max() and dec.min() < dec.max():
        bins = [np.linspace(v.min(), v.max(), edges) for v in (dec, ra)]
        expected = np.histogram2d(dec, ra, bins=bins)[0]
        assert found.counts.tolist() == expected.tolist()
        assert grid.x.tolist() == bins[1].tolist()
        assert grid.y.tolist() == bins[0].tolist()


def test_gnomonic_offsets_are_those_of_astropy():
    rng = np.random.default_rng(2)
    for centre in ((53.1, -27.8), (0.0, 0.0), (359.9, 89.5), (0.0, -90.0), (-0.1, 45.0)):
        wcs = WCS(naxis=2)
        wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
        wcs.wcs.crval, wcs.wcs.crpix, wcs.wcs.cdelt = centre, (1, 1), (1, 1)
        places = field(*centre, 20, n=200, seed=rng.integers(100))
        expected = wcs.all_world2pix(places["ra"], places["dec"], 0)
        found = gnomonic(places["ra"], places["dec"], centre)
        np.testing.assert_allclose(found, expected, atol=1e-9)


centres = st.tuples(st.sampled_from([0.0, 0.1, 53.0, 180.0, 359.9]), st.floats(-90, 90))


@given(centres, st.floats(0.01, 20), st.floats(1 / 3000, 1 / 3))
def test_no_object_is_lost_from_a_map_with_square_cells(centre, radius, share):
    columns = field(*centre, radius, n=120)
    # A box in RA and Dec about a field beside the pole is much wider than the field.
    cell = max(share * radius, 2.5 * 57.3 * np.tan(np.radians(2.9 * radius)) / MAX_CELLS) * 3600
    try:
        found = whole(CountOnSky("ra", "dec", cell=cell), columns)
    except SectionError:
        assert abs(centre[1]) + radius > 60
        return
    assert found.counts.sum() == 120


def solid_angle(x, y):
    """Solid angle of a rectangle on the tangent plane from its corner at the centre; square deg."""
    a, b = np.radians(x), np.radians(y)
    return np.degrees(np.degrees(np.arctan2(a * b, np.sqrt(1 + a**2 + b**2))))


@pytest.mark.parametrize(("dec", "radius"), [(-28, 1.0), (80, 5.0), (90, 20.0)])
def test_square_cells_have_their_true_area(dec, radius):
    found = whole(CountOnSky("ra", "dec", cell=radius * 36), field(40, dec, radius))
    grid = found.grid
    (x0, x1), (y0, y1) = grid.x[[0, -1]], grid.y[[0, -1]]
    true = solid_angle(x1, y1) - solid_angle(x0, y1) - solid_angle(x1, y0) + solid_angle(x0, y0)
    assert grid.cell_areas().sum() == pytest.approx(true * 3600, rel=1e-4)
    assert grid.cell_areas().shape == found.counts.shape


def test_cells_by_edges_have_their_true_area():
    found = whole(CountOnSky("ra", "dec", edges=50), table(ra=[10, 40], dec=[-80, 60]))
    sines = np.sin(np.radians([-80, 60]))
    true = np.degrees(np.radians(30) * np.diff(sines)[0] * 180 / np.pi)
    assert found.grid.cell_areas().sum() == pytest.approx(true * 3600, rel=1e-12)
    cell = whole(CountOnSky("ra", "dec", edges=2), table(ra=[10, 11], dec=[0, 1]))
    assert cell.grid.cell_areas() == pytest.approx(3600 * 0.99995, rel=1e-5)


def test_a_mark_among_the_declinations_is_named():
    columns = table(ra=[52, 53, -99], dec=[-28, -27, -999])
    for grid in ({"edges": 5}, {"cell": 60.0}):
        with pytest.raises(SectionError, match=r"dec reaches from −999° to −27°") as caught:
            whole(CountOnSky("ra", "dec", **grid), columns)
        assert "missing:" in caught.value.hint
        assert caught.value.exit_code == ExitCode.SECTION


def test_too_small_cells_are_answered_with_a_size_that_works():
    columns = field(53, -28, 1)
    with pytest.raises(SectionError, match=f"at most {MAX_CELLS} are allowed") as caught:
        whole(CountOnSky("ra", "dec", cell=0.1), columns)
    cell = float(re.search(r"cell: (\S+) or more", caught.value.hint)[1])
    assert cell < 3
    assert whole(CountOnSky("ra", "dec", cell=cell), columns).counts.sum() == 400


def test_a_field_wider_than_half_the_sky_needs_edges():
    columns = table(ra=np.arange(0.0, 360, 10), dec=np.linspace(-80, 80, 36))
    with pytest.raises(SectionError, match="wider than half the sky") as caught:
        whole(CountOnSky("ra", "dec", cell=3600.0), columns)
    assert "edges:" in caught.value.hint
    assert whole(CountOnSky("ra", "dec", edges=20), columns).counts.sum() == 36
