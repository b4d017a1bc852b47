"""The matrix of a correlation as a figure, its values in the cells."""

from collections.abc import Sequence
from itertools import combinations
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np

from reportgen.analyses.drawing import colour_bar, new_figure
from reportgen.analyses.lettering import fitted, plain, text_width
from reportgen.analyses.results import Figure, Table, TableColumn
from reportgen.analyses.ticks import set_linear
from reportgen.analyses.words import coefficient, short_titles
from reportgen.config.columns import Column
from reportgen.numbers import count, listed
from reportgen.reduce.moments import CorrelationMatrix
from reportgen.style import CELL_SIZE, DIVERGING_MAP, INK, TEXT_SIZE, WIDTHS

if TYPE_CHECKING:
    from matplotlib.axes import Axes

METHODS = {"pearson": "Pearson's r", "spearman": "Spearman's ρ"}
ONE_COLUMN = 8  # so many columns fit the width of a journal's column
STRONGEST = 5  # pairs that the alternative text names
BAR = 52.0  # points beside the matrix for the colour bar and its numbers
# Relative luminance (WCAG 2) at which black and white text are equally easy to read, at 4.58:1.
MIDDLE_GREY = 0.179


class Pair(NamedTuple):
    """A coefficient that is defined, and the places of its columns."""

    r: float
    i: int
    j: int


def most_rows(matrix: CorrelationMatrix) -> int:
    """Give the number of rows of the pair that has most of them."""
    return int(matrix.n[np.triu_indices(len(matrix.n), 1)].max())


def matrix_figure(
    columns: Sequence[Column],
    matrix: CorrelationMatrix,
    pairs: Sequence[Pair],
    method: str,
    rows: str,
) -> Figure:
    """Draw the matrix; pairs: those that are defined, the strongest first."""
    name, shorts = METHODS[method], list(short_titles(columns).values())
    k = len(columns)
    width: Literal["column", "full"] = "column" if k <= ONE_COLUMN else "full"
    drawing, written = _draw(matrix, shorts, name, width)
    said = [f"{shorts[p.i]} and {shorts[p.j]} {coefficient(p.r)}" for p in pairs[:STRONGEST]]
    strongest = f"Strongest: {listed(said)}." if said else "No coefficient is defined."
    of_rows = (
        "rows valid in both columns" if rows == "pairwise" else "rows valid in all of the columns"
    )
    undefined = len(pairs) < k * (k - 1) // 2 or np.isnan(np.diag(matrix.r)).any()
    return Figure(
        "matrix",
        drawing,
        f"{name} of {k} columns",
        alt=f"Matrix of {name} for {k} columns. {strongest}",
        caption=f"{name} over {of_rows} (up to {count(most_rows(matrix))})"
        + ("; a dash where it is not defined" if undefined and written else "")
        + ("; empty where it is not defined" if undefined and not written else "")
        + ("." if written else ". The cells are too small for numbers, which are in the table."),
        data=_pair_table(columns, matrix, name),
        width=width,
    )


def _draw(
    matrix: CorrelationMatrix, shorts: Sequence[str], name: str, width: Literal["column", "full"]
) -> tuple[Any, bool]:
    """Draw the matrix; say whether there was room for the values."""
    k, points = len(shorts), 72 * WIDTHS[width]
    labels = [fitted(short, 0.3 * points) for short in shorts]
    beside = max(map(text_width, labels)) + TEXT_SIZE
    slanted = k > 4 or any(text_width(label) > 0.9 * points / (k + 2) for label in labels)
    below = (beside * np.sqrt(0.5) if slanted else TEXT_SIZE) + TEXT_SIZE
    side = points - beside - BAR
    height = side + below + TEXT_SIZE / 2
    # Placed by hand: matplotlib's layout would fit the colour bar's numbers, but not its height.
    drawing, axes = new_figure(height / 72 * 25.4, width)
    drawing.set_layout_engine("none")
    axes.set_position((beside / points, below / height, side / points, side / height))
    # As an image: hundreds of cells are slow to print, with seams between them.
    mesh = axes.pcolormesh(matrix.r, cmap=DIVERGING_MAP, vmin=-1, vmax=1, rasterized=True)
    written = _write_values(axes, mesh, matrix.r, side / k)
    turned: dict[str, Any] = {"rotation": 45, "ha": "right", "rotation_mode": "anchor"}
    places = (np.arange(k) + 0.5).tolist()
    axes.set_xticks(places, [plain(label) for label in labels], **(turned if slanted else {}))
    axes.set_yticks(places, [plain(label) for label in labels])
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    axes.invert_yaxis()
    frame = axes.inset_axes((1 + 6 / side, 0, 6 / side, 1))
    bar = colour_bar(axes, mesh, f"{name} (no unit)", cax=frame)
    set_linear(bar.ax.yaxis, -1, 1, most=4)
    return drawing, written


def _write_values(axes: "Axes", mesh: Any, r: Any, cell: float) -> bool:
    """Write each value in its cell, (points) wide; without the 0 before the point if it is tight.

    Returns False, with nothing written, where there is no room for type that can be read.
    """
    texts = [[coefficient(float(value)) for value in row] for row in r]
    size = next(
        (s for s in (TEXT_SIZE, 7.5, CELL_SIZE) if _widest(texts, s) <= 0.94 * cell), CELL_SIZE
    )
    if _widest(texts, size) > 0.94 * cell:
        texts = [[text.replace("0.", ".", 1) for text in row] for row in texts]
    if _widest(texts, size) > 0.94 * cell:
        return False
    light = _luminance(mesh.to_rgba(r)[..., :3])
    for i, row in enumerate(texts):
        for j, text in enumerate(row):
            # Black and white are not among the colours that dark mode turns: cells keep theirs. An
            # empty cell has the colour of the page.
            colour = "#000000" if light[i, j] > MIDDLE_GREY else "#ffffff"
            axes.text(
                j + 0.5,
                i + 0.5,
                text,
                ha="center",
                va="center",
                color=INK if np.isnan(r[i, j]) else colour,
                fontsize=size,
            )
    return True


def _luminance(colours: Any) -> Any:
    """Relative luminance of sRGB colours, (…, 3); as WCAG 2 defines it."""
    linear = np.where(colours <= 0.04045, colours / 12.92, ((colours + 0.055) / 1.055) ** 2.4)
    return linear @ (0.2126, 0.7152, 0.0722)


def _widest(texts: Sequence[Sequence[str]], size: float) -> float:
    return max(text_width(text, size) for row in texts for text in row)


def _pair_table(columns: Sequence[Column], matrix: CorrelationMatrix, name: str) -> Table:
    names = [column.name for column in columns]
    first, second = zip(*combinations(range(len(columns)), 2), strict=True)
    return Table(
        "pairs",
        f"{name} of each pair",
        [
            TableColumn.of("first", [names[i] for i in first]),
            TableColumn.of("second", [names[j] for j in second]),
            TableColumn.of("coefficient", matrix.r[first, second], digits=4),
            TableColumn.of("n", matrix.n[first, second]),
        ],
        shown=False,
    )
