"""The correlation of every pair of some columns."""

from itertools import combinations
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, field_validator, model_validator

from reportgen.analyses.base import Analysis, Statistics, no_repeats
from reportgen.analyses.phrases import alike, coefficient, no_values, note_rows, short_titles
from reportgen.analyses.plotting.axes import colour_bar, new_figure
from reportgen.analyses.plotting.lettering import fitted, plain, text_width
from reportgen.analyses.plotting.ticks import set_linear
from reportgen.analyses.results import Figure, Metric, Section, Table, TableColumn
from reportgen.config.types import ColumnRef, Fraction
from reportgen.reduce.counts import CountRows
from reportgen.reduce.moments import CorrelationMatrix, Pearson
from reportgen.reduce.ranks import Spearman
from reportgen.style import CELL_SIZE, DIVERGING_MAP, INK, TEXT_SIZE, WIDTHS
from reportgen.wording import count, listed, number

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Drawing

    Width = Literal["column", "full"]

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


class Correlation(Analysis, name="correlation"):
    """Matrix of the correlations of all pairs of columns, over all valid rows."""

    columns: tuple[ColumnRef, ...] = Field(min_length=2)
    """The columns of the matrix."""
    method: Literal["pearson", "spearman"] = "pearson"
    """Pearson's coefficient, or Spearman's of the ranks."""
    rows: Literal["pairwise", "complete"] = "pairwise"
    """Rows for a pair: those valid in both, or only those valid in all columns."""
    with_column: ColumnRef | None = None
    """Say whether any other column correlates with this one above the limit."""
    limit: Fraction = 0.5
    """Absolute coefficient that counts as correlated."""

    _once = field_validator("columns")(no_repeats)

    @model_validator(mode="after")
    def _among_them(self) -> "Correlation":
        if self.with_column is not None and self.with_column.name not in self._names:
            raise ValueError(f"with_column: {self.with_column.name} is not among the columns")
        return self

    @property
    def _names(self) -> list[str]:
        return [column.name for column in self.columns]

    def reductions(self) -> Statistics:
        """Ask for the matrix."""
        kind = Pearson if self.method == "pearson" else Spearman
        return {
            "matrix": kind(tuple(self._names), self.rows, self.where),
            "rows": CountRows(where=self.where),
        }

    def present(self, matrix: CorrelationMatrix, rows: int) -> Section:
        """Draw the matrix, and name the strongest pair."""
        if not matrix.n.any():
            raise no_values(self.columns, rows, self.where, in_all=self.rows == "complete")
        name, shorts = METHODS[self.method], list(short_titles(self.columns).values())
        found = (Pair(float(matrix.r[i, j]), i, j) for i, j in combinations(range(len(shorts)), 2))
        pairs = sorted((p for p in found if not np.isnan(p.r)), key=lambda pair: -abs(pair.r))
        rank_classes = f"Spearman's coefficients are of {matrix.classes} rank classes at most"
        return Section(
            findings=self._findings(pairs, name, shorts),
            metrics=self._metrics(matrix, pairs),
            figures=[self._figure(matrix, pairs, name, shorts)],
            tables=[
                self._square_table("matrix", name, matrix.r, shorts, digits=3),
                self._square_table("rows", "Rows of each pair", matrix.n, shorts),
            ],
            rows=_most_rows(matrix),
            notes=[] if matrix.exact else [note_rows(rank_classes)],
        )

    def _findings(self, pairs: list[Pair], name: str, shorts: list[str]) -> list[str]:
        if not pairs:
            return ["No correlation is defined: there are too few rows, or columns are constant."]
        strongest = _strongest(pairs, name, shorts)
        if self.with_column is None or len(self.columns) == 2:
            return [strongest]
        chosen = self._names.index(self.with_column.name)
        return [self._with_it(pairs, name, shorts, chosen), strongest]

    def _with_it(self, pairs: list[Pair], name: str, shorts: list[str], chosen: int) -> str:
        """Say what correlates with the chosen column."""
        title, limit = self.columns[chosen].title, number(self.limit)
        with_it = {pair.i + pair.j - chosen: pair.r for pair in pairs if chosen in pair[1:]}
        if not with_it:
            return f"No correlation with {title} is defined."
        left = [s for k, s in enumerate(shorts) if k != chosen and k not in with_it]
        undefined = f" With {listed(left)} it is not defined." if left else ""
        said = [(shorts[k], coefficient(r, self.limit), abs(r)) for k, r in with_it.items()]
        if above := [f"{short} ({r})" for short, r, size in said if size > self.limit]:
            correlated = f"{title} correlates above {limit}, by absolute value, with"
            return f"{correlated} {listed(above)}.{undefined}"
        short, r, _ = said[0]
        return (
            f"Nothing correlates with {title} above {limit}, by absolute value; the largest "
            f"{name} is {r}, with {short}.{undefined}"
        )

    def _metrics(self, matrix: CorrelationMatrix, pairs: list[Pair]) -> dict[str, Metric]:
        strongest = pairs[0].r if pairs else float("nan")
        metrics = {"strongest": Metric(strongest, "strongest coefficient", digits=3)}
        names = self._names
        if self.with_column is not None:
            chosen = names.index(self.with_column.name)
            sizes = [abs(pair.r) for pair in pairs if chosen in pair[1:]]
            label = f"closest to {self.with_column.title} (absolute)"
            metrics["closest"] = Metric(max(sizes, default=float("nan")), label, digits=3)
        for i, j in combinations(range(len(names)), 2):
            key = f"r_{names[i]}_{names[j]}"
            if key in metrics:  # columns a, b_c and a_b, c
                key = f"r_{names[i]}__{names[j]}"
            label = f"{names[i]} and {names[j]}"
            metrics[key] = Metric(float(matrix.r[i, j]), label, digits=3, shown=False)
        return metrics

    def _square_table(
        self,
        name: str,
        title: str,
        values: NDArray[Any],
        shorts: list[str],
        digits: int | None = None,
    ) -> Table:
        of = TableColumn.of
        columns = [
            of(name, values[:, j], description=shorts[j], digits=digits)
            for j, name in enumerate(self._names)
        ]
        return Table(name, title, [of("column", [c.title for c in self.columns]), *columns])

    def _figure(
        self, matrix: CorrelationMatrix, pairs: list[Pair], name: str, shorts: list[str]
    ) -> Figure:
        k = len(shorts)
        width: Width = "column" if k <= ONE_COLUMN else "full"
        drawing, written = _draw(matrix, shorts, name, width)
        said = [f"{shorts[p.i]} and {shorts[p.j]} {coefficient(p.r)}" for p in pairs[:STRONGEST]]
        strongest = f"Strongest: {listed(said)}." if said else "No coefficient is defined."
        valid = "both columns" if self.rows == "pairwise" else "all of the columns"
        caption = f"{name} over rows valid in {valid} (up to {count(_most_rows(matrix))})"
        if len(pairs) < k * (k - 1) // 2 or np.isnan(np.diag(matrix.r)).any():
            caption += f"; {'a dash' if written else 'empty'} where it is not defined"
        if not written:
            caption += ". The cells are too small for numbers, which are in the table"
        first, second = zip(*combinations(range(k), 2), strict=True)
        of = TableColumn.of
        columns = [
            of("first", [self._names[i] for i in first]),
            of("second", [self._names[j] for j in second]),
            of("coefficient", matrix.r[first, second], digits=4),
            of("n", matrix.n[first, second]),
        ]
        return Figure(
            "matrix",
            drawing,
            f"{name} of {k} columns",
            alt=f"Matrix of {name} for {k} columns. {strongest}",
            caption=f"{caption}.",
            data=Table("pairs", f"{name} of each pair", columns, shown=False),
            width=width,
        )


def _most_rows(matrix: CorrelationMatrix) -> int:
    """Return the number of rows of the pair that has most of them."""
    return int(matrix.n[np.triu_indices(len(matrix.n), 1)].max())


def _strongest(pairs: list[Pair], name: str, shorts: list[str]) -> str:
    r = pairs[0].r
    if len(shorts) == 2:
        return f"{name} of {shorts[0]} and {shorts[1]} is {coefficient(r)}."
    if alike(r, 0):
        return f"{name} is 0 for every pair for which it is defined."
    strongest = [pair for pair in pairs if alike(pair.r, r)]
    if len(strongest) == 1:
        first, second = shorts[pairs[0].i], shorts[pairs[0].j]
        return f"The strongest pair is {first} and {second}: {name} = {coefficient(r)}."
    said = [f"{shorts[p.i]} with {shorts[p.j]} ({coefficient(p.r)})" for p in strongest]
    return f"The strongest pairs by {name} are {listed(said)}."


def _draw(
    matrix: CorrelationMatrix, shorts: list[str], name: str, width: "Width"
) -> "tuple[Drawing, bool]":
    """Draw the matrix; return with it whether there was room for the values."""
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


def _write_values(axes: "Axes", mesh: Any, r: NDArray[np.float64], cell: float) -> bool:
    """Write each value in its cell, (points) wide; without the 0 before the point if it is tight.

    Returns False, with nothing written, where there is no room for type that can be read.
    """
    texts = np.array([[coefficient(float(value)) for value in row] for row in r])
    short = np.array([[text.replace("0.", ".", 1) for text in row] for row in texts])
    for size, said in ((TEXT_SIZE, texts), (7.5, texts), (CELL_SIZE, texts), (CELL_SIZE, short)):
        if max(text_width(text, size) for text in said.flat) <= 0.94 * cell:
            break
    else:
        return False
    light = _luminance(mesh.to_rgba(r)[..., :3])
    for (i, j), text in np.ndenumerate(said):
        # Black and white are not among the colours that dark mode turns: cells keep theirs. An
        # empty cell has the colour of the page.
        colour = "#000000" if light[i, j] > MIDDLE_GREY else "#ffffff"
        colour = INK if np.isnan(r[i, j]) else colour
        place: dict[str, Any] = {"ha": "center", "va": "center", "fontsize": size}
        axes.text(j + 0.5, i + 0.5, str(text), color=colour, **place)
    return True


def _luminance(colours: Any) -> Any:
    """Return the relative luminance of sRGB colours, (…, 3), as WCAG 2 defines it."""
    linear = np.where(colours <= 0.04045, colours / 12.92, ((colours + 0.055) / 1.055) ** 2.4)
    return linear @ (0.2126, 0.7152, 0.0722)
