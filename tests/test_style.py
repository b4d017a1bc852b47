"""The palette holds for every reader, the fonts have every sign, and nothing is left behind."""

from itertools import combinations
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest
from fontTools.ttLib import TTFont

from reportgen.style import (
    DARK,
    DENSITY_MAP,
    FONT_FILES,
    HALO,
    INK,
    LINE,
    MUTED,
    SANS,
    SERIES,
    SERIF,
    SIGNS,
    font_path,
    house_style,
)

ROOT = Path(__file__).parents[1]
WHITE, NIGHT = "#ffffff", "#14171c"
PALETTES = {"light": (SERIES, WHITE), "dark": (tuple(DARK[c] for c in SERIES), NIGHT)}

# Of linear RGB, severity 1.0: Machado, Oliveira & Fernandes 2009, IEEE TVCG 15, 1291, table 1.
SIGHT = {
    "ordinary": np.eye(3),
    "protanopia": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "tritanopia": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}
NOT_ON_PAGES = {
    "series_text.py",
    "markdown.py",
    "timeline.py",
    "mail.txt.j2",
}  # of other programs' fonts


def linear(colour):
    """Give a colour as linear RGB."""
    share = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)


def contrast(first, second):
    """Contrast of WCAG 2."""
    dark, light = sorted(linear(c) @ (0.2126, 0.7152, 0.0722) for c in (first, second))
    return (light + 0.05) / (dark + 0.05)


def oklab(rgb):
    """Give linear RGB in OKLab (Ottosson 2020): lightness, green to red, blue to yellow."""
    cones = [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
    axes = [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
    return np.array(axes) @ np.cbrt(np.array(cones) @ rgb)


def distance(first, second, sight):
    seen = [oklab(np.clip(np.array(SIGHT[sight]) @ linear(c), 0, 1)) for c in (first, second)]
    return np.linalg.norm(seen[0] - seen[1])


# The palette


@pytest.mark.parametrize("mode", PALETTES)
def test_each_colour_stands_out_from_its_ground(mode):
    colours, ground = PALETTES[mode]
    assert min(contrast(colour, ground) for colour in colours) >= 3


@pytest.mark.parametrize(("colour", "least"), [(INK, 7), (MUTED, 4.5)])
def test_text_can_be_read_by_day_and_by_night(colour, least):
    assert contrast(colour, WHITE) >= least
    assert contrast(DARK[colour], NIGHT) >= least


@pytest.mark.parametrize("sight", SIGHT)
@pytest.mark.parametrize("mode", PALETTES)
def test_colours_stay_apart_however_they_are_seen(mode, sight):
    colours, _ = PALETTES[mode]
    assert min(distance(a, b, sight) for a, b in combinations(colours, 2)) >= 0.10


@pytest.mark.parametrize("mode", PALETTES)
def test_colours_differ_in_lightness_so_that_grey_tells_them_apart(mode):
    light = sorted(oklab(linear(colour))[0] for colour in PALETTES[mode][0])
    assert min(np.diff(light)) >= 0.05


def test_every_colour_of_a_figure_has_a_counterpart_for_the_dark():
    assert set(DARK) == {INK, MUTED, LINE, HALO, *SERIES}
    assert len(set(DARK.values())) == len(DARK)
    assert all(len(c) == 7 and c == c.lower() for pair in DARK.items() for c in pair)


# Fonts


def signs_of_units():
    """Give the signs with which astropy writes units, the Sun's and the planets' among them."""
    from astropy.units import get_current_unit_registry

    units = get_current_unit_registry().all_units
    return {sign for unit in units for sign in unit.to_string("unicode")}


def signs_of_ours():
    """Give the signs in the sources and templates of pages."""
    files = [*ROOT.glob("reportgen/**/*.py"), *ROOT.glob("templates/*")]
    texts = [path.read_text() for path in files if path.name not in NOT_ON_PAGES]
    return {sign for text in texts for sign in text if sign.isprintable()}


@pytest.mark.parametrize("suffix", [".ttf", ".woff2"])
@pytest.mark.parametrize("family", [SANS, SERIF])
def test_there_is_a_glyph_for_every_sign_that_reports_write(family, suffix):
    files = {key: font_path(name).with_suffix(suffix) for key, name in FONT_FILES.items()}
    fallback = TTFont(files[SIGNS, "normal", 400]).getBestCmap()
    needed = signs_of_units() | signs_of_ours() | set("M☉M⊕M♃mₑmₚ µμσ−×≤≥′″⁰¹²³⁴⁵⁶⁷⁸⁹⁻")
    for (each, *_), path in files.items():
        known = TTFont(path).getBestCmap().keys() | fallback.keys()
        assert each != family or not [sign for sign in needed if ord(sign) not in known]


def test_a_sign_that_the_font_lacks_is_taken_from_another():
    from io import BytesIO

    from matplotlib.figure import Figure

    with house_style():
        figure = Figure(figsize=(1, 1))
        figure.text(0.5, 0.5, "M☉ ⊙ ♀")
        figure.savefig(BytesIO(), format="pdf")  # a missing glyph is a warning, which is an error


# The style


def test_the_style_is_that_of_its_block_only():
    before = dict(mpl.rcParams)
    with house_style():
        assert mpl.rcParams["font.family"][0] == SANS
        assert mpl.rcParams["savefig.facecolor"] == before["savefig.facecolor"]
        assert mpl.rcParams["axes.facecolor"] == "none"
    assert dict(mpl.rcParams) == before


def test_settings_of_the_user_change_no_figure():
    with house_style():
        usual = dict(mpl.rcParams)
    own = {"axes.grid": True, "xtick.minor.visible": True, "timezone": "Asia/Tokyo"}
    with mpl.rc_context(own), house_style():
        assert dict(mpl.rcParams) == usual


def test_the_density_map_is_seen_on_a_dark_ground_and_grows_lighter():
    with house_style():
        colours = mpl.colormaps[DENSITY_MAP](np.linspace(0, 1, 64))[:, :3]
    hexes = ["#" + "".join(f"{round(255 * c):02x}" for c in colour) for colour in colours]
    assert contrast(hexes[0], NIGHT) >= 1.5
    assert (np.diff([oklab(linear(h))[0] for h in hexes]) > 0).all()
