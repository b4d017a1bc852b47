"""The house style of figures: sizes, colours, type. Used where figures are drawn and where saved.

Colours hold at 3:1 or more on their ground, stay apart in ordinary sight and in the three kinds of
colour blindness (least distance 0.10 in OKLab, by the matrices of Machado, Oliveira & Fernandes
2009) and differ in lightness (by 0.05 in OKLab), so that they can be told in grey. DARK gives each
its counterpart for a dark ground, for which the same holds.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

MM = 1 / 25.4  # inches
PNG_DPI = 220  # 84 mm are 727 pixels: sharp on a phone, small in a mail
WIDTHS = {"column": 84 * MM, "full": 174 * MM}  # inches; the widths of journal columns

INK = "#1c2026"  # axes and their labels
MUTED = "#5a6470"  # what is said quietly: ticks, notes, limits
LINE = "#c9d0d8"  # grid
SERIES = ("#5260ce", "#134f6d", "#3ca642", "#685e04", "#71051e", "#ab608e")
Dashes = str | tuple[int, tuple[float, ...]]
DASHES: tuple[Dashes, ...] = (
    "-",
    (0, (5, 1.2)),
    (0, (3, 1, 1, 1)),
    (0, (1.2, 0.9)),
    (0, (7, 1, 1, 1, 1, 1)),
    (0, (8, 2)),
)

# Dark mode: what each colour of a figure becomes on a near-black ground.
DARK = {
    INK: "#e4e8ed",
    MUTED: "#a3adb8",
    LINE: "#39414b",
    "#fefefe": "#14171c",
    **dict(
        zip(
            SERIES,
            ("#5f7ee6", "#9cbee8", "#72f0b8", "#ffe657", "#fd815f", "#b782ac"),
            strict=True,
        )
    ),
}
HALO = "#fefefe"  # around lines that cross a map; the ground, nearly
# cividis is perceptually uniform and made for colour-blind readers (Nuñez, Anderton & Renslow 2018,
# PLoS ONE 13, e0199239). Its darkest part is left out where it would be lost on a dark ground.
SKY_MAP = "cividis"
DENSITY_MAP = "reportgen.density"
DENSITY_START = 0.22
DIVERGING_MAP = "RdBu_r"

# Source Sans 3, Source Serif 4, DejaVu Sans Mono for configurations and, for signs that these lack
# such as ☉ and ♃, DejaVu Sans, cut to what reports need by fonts/cut.py.
SANS, SERIF, SIGNS = "Reportgen Sans", "Reportgen Serif", "Reportgen Signs"
MONO = "Reportgen Mono"
LABEL_SIZE, TEXT_SIZE, CELL_SIZE = 8.5, 8.0, 7.0  # points; nothing is smaller than CELL_SIZE
FONT_FILES = {
    (SANS, "normal", 400): "ReportgenSans-Regular.ttf",
    (SANS, "italic", 400): "ReportgenSans-It.ttf",
    (SANS, "normal", 600): "ReportgenSans-Semibold.ttf",
    (SERIF, "normal", 400): "ReportgenSerif-Regular.ttf",
    (SERIF, "italic", 400): "ReportgenSerif-It.ttf",
    (SERIF, "normal", 600): "ReportgenSerif-Semibold.ttf",
    (SIGNS, "normal", 400): "ReportgenSigns.ttf",
    (MONO, "normal", 400): "ReportgenMono.ttf",
}


def font_path(name: str) -> Path:
    """Return the path of a font file that comes with reportgen; of their folder for no name."""
    return Path(str(files("reportgen") / "fonts" / name))


def series_colour(order: int) -> str:
    """Return the colour of the n-th of several like things; the same wherever it is drawn."""
    return SERIES[order % len(SERIES)]


def series_dashes(order: int) -> Dashes:
    """Return the line style of the n-th of several like things.

    It moves on by one where the colours begin again, so that 36 things differ in one or the other.
    """
    return DASHES[(order + order // len(SERIES)) % len(DASHES)]


@cache
def register_type() -> None:
    """Make the fonts and the colour map known to matplotlib, once a process."""
    import matplotlib as mpl
    import numpy as np
    from matplotlib.colors import ListedColormap
    from matplotlib.font_manager import fontManager

    for name in FONT_FILES.values():
        fontManager.addfont(font_path(name))
    whole = mpl.colormaps[SKY_MAP]
    mpl.colormaps.register(
        ListedColormap(whole(np.linspace(DENSITY_START, 1, 256)), name=DENSITY_MAP), force=True
    )


@contextmanager
def house_style() -> Iterator[None]:
    """Draw and save figures in the house style inside this block, whatever matplotlibrc says."""
    import matplotlib as mpl

    register_type()
    settings: Any = {
        # The last is for who views an SVG by itself, without our fonts.
        "font.family": [SANS, SIGNS, "sans-serif"],
        "font.sans-serif": [SANS],
        "font.size": LABEL_SIZE,
        "axes.labelsize": LABEL_SIZE,
        "axes.titlesize": LABEL_SIZE,
        "xtick.labelsize": TEXT_SIZE,
        "ytick.labelsize": TEXT_SIZE,
        "legend.fontsize": TEXT_SIZE,
        "mathtext.fontset": "custom",
        "mathtext.rm": SANS,
        "mathtext.it": f"{SANS}:italic",
        "mathtext.bf": f"{SANS}:semibold",
        "mathtext.cal": SANS,
        "mathtext.sf": SANS,
        "mathtext.tt": SANS,
        "mathtext.fallback": "stixsans",
        "text.hinting": "none",
        "text.color": INK,
        "axes.labelcolor": INK,
        "axes.edgecolor": INK,
        "xtick.color": INK,
        "ytick.color": INK,
        "axes.linewidth": 0.6,
        "xtick.major.width": 0.6,
        "ytick.major.width": 0.6,
        "xtick.minor.width": 0.4,
        "ytick.minor.width": 0.4,
        "xtick.direction": "out",
        "ytick.direction": "out",
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.axisbelow": True,
        "axes.formatter.use_mathtext": True,
        "axes.formatter.limits": (-4, 6),
        "axes.unicode_minus": True,
        "axes.facecolor": "none",
        "figure.facecolor": "none",
        "figure.dpi": PNG_DPI,
        "figure.constrained_layout.use": True,
        "grid.color": LINE,
        "grid.linewidth": 0.5,
        "lines.linewidth": 1.2,
        "legend.frameon": False,
        "legend.handlelength": 2.2,
        "image.cmap": SKY_MAP,
        "svg.fonttype": "none",
        "svg.hashsalt": "reportgen",
        "pdf.fonttype": 42,
        "savefig.dpi": 300,
        "path.simplify": True,
    }
    # How figures are shown in windows is left alone: asking for it would choose a backend.
    usual = {k: v for k, v in mpl.rcParamsDefault.items() if not k.startswith("backend")}
    with mpl.rc_context({**usual, **settings}):
        yield
