import numpy as np
import pytest
from astropy.io import fits
from matplotlib.patches import Ellipse
from presenting import axes, check, figure, table, units, values_of
from projects import ROOT

from reportgen.analyses.feature_maps import FeatureMaps
from reportgen.analyses.image_noise import ImageNoise
from reportgen.config.columns import Images
from reportgen.errors import SectionError
from reportgen.reduce.maps import Batch, scan_maps
from reportgen.style import house_style

SURVEY = ROOT / "../shared/data/survey"
TAN = {
    **{"CTYPE1": "RA---TAN", "CRVAL1": 10.0, "CRPIX1": 15.5, "CDELT1": -2 / 3600},
    **{"CTYPE2": "DEC--TAN", "CRVAL2": -30.0, "CRPIX2": 10.5, "CDELT2": 2 / 3600},
    **{"BMAJ": 11 / 3600, "BMIN": 5 / 3600, "BPA": 30.0},
}
IMAGE = np.random.default_rng(2).normal(50e-6, 5e-6, (20, 30))


def header(**cards):
    found = fits.Header()
    for key, value in {**TAN, **cards}.items():
        found[key] = value
    return found.tostring()


def present(image, unit="Jy / beam", pixel_scale=None, cards="", **keys):
    """Compute a section of one image, and of what its file would say of it."""
    images = Images("rms", "the rms map", unit, pixel_scale, cards)
    own = {"analysis": "image_noise", "title": "Noise", "images": "rms", **keys}
    # The unit of the pixels is that of the file, which is not read yet.
    section = ImageNoise.model_validate(
        own, context={"images": {"rms": Images("rms", "the rms map")}}
    )
    image = np.asarray(image, np.float32)
    image = image[..., np.newaxis] if image.ndim == 2 else image
    wanted = {name: each.in_unit(unit) for name, each in section.reductions().items()}
    found = scan_maps(wanted.values(), iter([Batch(image[np.newaxis], 0)]), None)
    with house_style():
        return section.present(about=images, pixels=found[wanted["pixels"]])


def test_the_distribution_of_the_pixels_is_told_drawn_and_followed():
    image = IMAGE.copy()
    image[:4] = np.nan
    limit = {"metric": "median", "max": 49, "unit": "uJy / beam"}
    section = present(image, cards=header(), below="50 uJy/beam", checks=[limit])
    check(section)
    assert "limit of the checks, 49\xa0µJy beam⁻¹. Dotted: 50" in section.figures[1].caption
    found, valid = values_of(section), image[4:].astype("f4").ravel()
    assert found["median"] == pytest.approx(np.median(valid))
    assert (found["low"], found["high"]) == pytest.approx(tuple(np.quantile(valid, [0.1, 0.9])))
    assert found["blank_percent"] == pytest.approx(20)
    assert found["area"] == pytest.approx(480 * (2 / 3600) ** 2)
    share = (valid < np.float32(50e-6)).mean()
    assert found["below_percent"] == pytest.approx(100 * share)
    assert found["area_below"] == pytest.approx(share * found["area"])
    assert (found["beam_major"], found["beam_angle"]) == pytest.approx((11, 30))
    assert section.metrics["median"].unit == "Jy / beam"
    half, level, size = section.findings
    assert half.startswith("Half of the pixels of image 0 of the rms map are below 49.44")
    assert "µJy beam⁻¹" in half
    assert level.startswith(f"{100 * share:.1f}")
    assert "Of 30 × 20 pixels 20.0\u00a0% are blank; the others cover 0.5333\u00a0arcmin²" in size
    assert size.endswith("Beam: 11″ × 5″, position angle 30°.")
    curve = table(section, "area")
    assert curve["value"][250] == pytest.approx(np.median(valid))
    assert units(section, "area") == {"area": "%", "value": "Jy / beam"}


def test_the_map_is_on_the_sky_with_the_beam_and_its_table_says_where():
    section = present(IMAGE, cards=header())
    drawn = axes(figure(section, "map"))
    assert type(drawn).__name__ == "WCSAxes"
    assert drawn.coords[0].get_axislabel() == "Right ascension [h m s]"
    (beam,) = [patch for patch in drawn.patches if isinstance(patch, Ellipse)]
    assert (beam.width, beam.height) == pytest.approx((5.5, 2.5), rel=1e-4)
    assert beam.angle == pytest.approx(120, abs=0.1)  # from north, which is up, through east, left
    cells = table(section, "map")
    assert list(cells) == ["row", "column", "ra", "dec", "value"]
    first = np.flatnonzero((np.array(cells["row"]) == 19) & (np.array(cells["column"]) == 0))[0]
    assert cells["dec"][first] == pytest.approx(-30 + 9.5 * 2 / 3600, abs=1e-5)
    assert cells["ra"][first] == pytest.approx(10 + 14.5 * 2 / 3600 / np.cos(np.pi / 6), abs=1e-5)
    assert cells["value"][first] == pytest.approx(IMAGE[19, 0])


@pytest.mark.parametrize(
    ("options", "columns", "label"),
    [
        ({}, ["x", "y"], "Offset from the centre [pixels]"),
        ({"pixel_scale": 0.5}, ["x", "y"], "Offset from the centre [″]"),
        ({"cards": header(CDELT1=0.0)}, ["x", "y"], "Offset from the centre [pixels]"),
    ],
)
def test_without_a_wcs_the_map_has_offsets(options, columns, label):
    section = present(IMAGE, **options)
    check(section)
    assert list(table(section, "map"))[2:4] == columns
    assert axes(figure(section, "map")).get_xlabel() == label
    assert ("area" in section.metrics) == ("pixel_scale" in options)


@pytest.mark.parametrize("cards", ["", header()])
@pytest.mark.parametrize("shape", [(900, 400), (1, 1), (40, 700)])
def test_large_and_odd_images_are_drawn(shape, cards):
    image = np.random.default_rng(1).normal(size=shape)
    section = present(image, unit="", cards=cards)
    check(section)
    cells = table(section, "map")
    assert len(cells["value"]) <= 200 * 200
    assert np.mean(cells["value"]) == pytest.approx(image.mean(), abs=0.1)
    where = "dec" if cards else "y"
    assert np.ptp(cells[where]) == pytest.approx(
        (shape[0] - -(-max(shape) // 200)) * (2 / 3600 if cards else 1), rel=0.02, abs=0.05
    )


def test_an_image_of_one_value_an_unknown_unit_and_a_channel():
    check(present(np.full((4, 5), 2.0), unit="furlongs$"))
    colours = np.stack([IMAGE, IMAGE + 1], axis=-1)
    assert values_of(present(colours, channel=1))["median"] == pytest.approx(1.00005)


def test_areas_say_where_pixels_differ_on_the_sky():
    cards = header(CTYPE1="RA---SIN", CTYPE2="DEC--SIN", CRPIX2=50000.0)
    (_, note) = present(IMAGE, cards=cards).notes
    assert "1.14 times as large" in note


def test_an_image_without_a_value_is_refused():
    with pytest.raises(SectionError, match="all 600 pixels of image 0 of the rms map are blank"):
        present(np.full((20, 30), np.nan))


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        (
            "aegean_1904/1904-66_SIN_rms.fits",
            {"median": 0.053603, "low": 0.04407, "high": 0.06925, "valid": 22027},
        ),
        (
            "flint_SB39400_subimage_rms.fits",
            {"median": 151.552e-6, "area": 7.2338e-05, "beam_major": 10.909},
        ),
    ],
)
def test_real_rms_maps_have_the_values_that_are_known(name, wanted):
    if not (SURVEY / name).exists():
        pytest.skip("../shared/data/survey is not there")
    image, cards = fits.getdata(SURVEY / name), fits.getheader(SURVEY / name)
    cards.remove("HISTORY", ignore_missing=True, remove_all=True)
    found = values_of(present(image, cards=cards.tostring()))
    found["valid"] = image.size * (1 - found["blank_percent"] / 100)
    assert {key: found[key] for key in wanted} == pytest.approx(wanted, rel=1e-4)


def test_what_a_network_sees_is_shown_on_the_sky():
    from presenting_maps import network_analysis

    section = network_analysis(FeatureMaps)
    maps = np.random.default_rng(1).normal(size=(3, 5, 5)).astype("f4")
    image = IMAGE.copy()
    image[12, 20] = 1e-3
    about = Images("radio", "Cut-outs", "Jy / beam", None, header())
    with house_style():
        found = section.present(about=about, input=image[np.newaxis].astype("f4"), set_0=maps)
    check(found)
    shown = figure(found, "input")
    assert type(axes(shown)).__name__ == "WCSAxes"
    assert "The brightest pixel, 1 mJy beam⁻¹, is at 00h39m59.2s −29°59′55″;" in shown.alt
    assert shown.caption.endswith("Beam: 11″ × 5″, position angle 30°.")
    assert list(table(found, "input"))[2:4] == ["ra", "dec"]
