"""The correlation of every pair of some columns."""

from itertools import combinations, combinations_with_replacement
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, field_validator, model_validator

from reportgen.analyses.base import Analysis, Statistics, no_repeats
from reportgen.analyses.methods import PEARSON, SPEARMAN
from reportgen.analyses.phrases import (
    absence,
    alike,
    coefficient,
    no_values,
    note_ranks,
    short_titles,
)
from reportgen.analyses.plotting.axes import colour_bar, new_figure
from reportgen.analyses.plotting.lettering import fitted, plain, text_width
from reportgen.analyses.plotting.ticks import set_linear
from reportgen.analyses.results import Axes, Drawing, Figure, Metric, Section, Table, TableColumn
from reportgen.config.types import ColumnRef, Fraction
from reportgen.reduce.counts import CountRows
from reportgen.reduce.moments import CorrelationMatrix, Pearson
from reportgen.reduce.ranks import Spearman
from reportgen.style import CELL_SIZE, DIVERGING_MAP, INK, TEXT_SIZE, WIDTHS
from reportgen.wording import count, exact, listed

if TYPE_CHECKING:
    Width = Literal["column", "full"]

METHODS = {"pearson": "Pearson's r", "spearman": "Spearman's ρ"}
ONE_COLUMN = 8  # so many columns fit the width of a journal's column
MOST_COLUMNS = 25  # so many labels can be read beside each other; more columns are in blocks
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

    @property
    def methods(self) -> tuple[str, ...]:
        """What it computes, and what to cite."""
        return (PEARSON if self.method == "pearson" else SPEARMAN,)

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
        return Section(
            findings=self._findings(matrix, pairs, name, shorts),
            metrics=self._metrics(matrix, pairs),
            figures=self._figures(matrix, pairs, name, shorts),
            tables=[
                self._square_table("matrix", name, matrix.r, shorts, digits=3),
                self._square_table("rows", "Rows of each pair", matrix.n, shorts),
            ],
            rows=int(matrix.n[np.triu_indices(len(matrix.n), 1)].max()),  # of a pair
            notes=note_ranks([matrix], short_titles(self.columns)),
        )

    def _findings(
        self, matrix: CorrelationMatrix, pairs: list[Pair], name: str, shorts: list[str]
    ) -> list[str]:
        if not pairs:
            why = "there are too few rows, or columns are constant"
            why += ", or the ranks of so many rows too uncertain" if matrix.unknown else ""
            return [f"No correlation is {absence(matrix)}: {why}."]
        strongest = _strongest(matrix, pairs, name, shorts)
        if self.with_column is None or len(self.columns) == 2:
            return [strongest]
        chosen = self._names.index(self.with_column.name)
        return [self._with_it(matrix, pairs, name, shorts, chosen), strongest]

    def _with_it(
        self,
        matrix: CorrelationMatrix,
        pairs: list[Pair],
        name: str,
        shorts: list[str],
        chosen: int,
    ) -> str:
        """Say what correlates with the chosen column."""
        title, limit, error = self.columns[chosen].title, exact(self.limit), matrix.error
        with_it = {pair.i + pair.j - chosen: pair.r for pair in pairs if chosen in pair[1:]}
        if not with_it:
            return f"No correlation with {title} is {absence(matrix)}."
        left = [s for k, s in enumerate(shorts) if k != chosen and k not in with_it]
        rest = f" With {listed(left)} it is not {absence(matrix)}." if left else ""
        said = [(shorts[k], coefficient(r, self.limit), abs(r)) for k, r in with_it.items()]
        above = [f"{short} ({r})" for short, r, size in said if size - error > self.limit]
        if near := [
            f"{short} ({r})"
            for short, r, size in said
            if error > 0 and abs(size - self.limit) <= error
        ]:
            rest += f" Too close to {limit} to tell: {listed(near)}."
        if above:
            correlated = f"{title} correlates above {limit}, by absolute value, with"
            return f"{correlated} {listed(above)}.{rest}"
        if near:
            return f"No other column surely correlates with {title} above {limit}.{rest}"
        short, r, size = said[0]
        others = [s for s, _, other in said[1:] if alike(other, size, error)]
        largest = f"with {short}" if not others else f"with {listed([short, *others])} alike"
        return (
            f"Nothing correlates with {title} above {limit}, by absolute value; the largest "
            f"{name} is {r}, {largest}.{rest}"
        )

    def _metrics(self, matrix: CorrelationMatrix, pairs: list[Pair]) -> dict[str, Metric]:
        strongest = pairs[0].r if pairs else float("nan")
        known = "known " if matrix.unknown else ""
        metrics = {"strongest": Metric(strongest, f"strongest {known}coefficient", digits=3)}
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
            of(name, values[:, j], description=shorts[j], digits=digits, title=shorts[j])
            for j, name in enumerate(self._names)
        ]
        return Table(name, title, [of("column", [c.title for c in self.columns]), *columns])

    def _figures(
        self, matrix: CorrelationMatrix, pairs: list[Pair], name: str, shorts: list[str]
    ) -> list[Figure]:
        """Draw the matrix; one of many columns in blocks, without those that mirror others."""
        groups = np.array_split(np.arange(len(shorts)), -(-len(shorts) // MOST_COLUMNS))
        blocks = combinations_with_replacement([group.tolist() for group in groups], 2)
        return [
            self._block(matrix, pairs, name, shorts, Block(place, *block))
            for place, block in enumerate(blocks, start=1)
        ]

    def _block(
        self,
        matrix: CorrelationMatrix,
        pairs: list[Pair],
        name: str,
        shorts: list[str],
        block: "Block",
    ) -> Figure:
        rows, columns, k = block.rows, block.columns, len(shorts)
        width: Width = "column" if len(columns) <= ONE_COLUMN else "full"
        r = matrix.r[np.ix_(rows, columns)]
        of_rows, of_columns = ([shorts[k] for k in places] for places in (rows, columns))
        drawing, written = _draw(r, of_rows, of_columns, name, width)
        strongest = [pair for pair in pairs if pair.i in rows and pair.j in columns][:STRONGEST]
        said = [f"{shorts[p.i]} and {shorts[p.j]} {coefficient(p.r)}" for p in strongest]
        alt = f"Strongest: {listed(said)}." if said else f"No coefficient is {absence(matrix)}."
        valid = "both columns" if self.rows == "pairwise" else "all of the columns"
        first, second = zip(*((i, j) for i in rows for j in columns if i < j), strict=True)
        n = matrix.n[first, second]
        caption = f"{name} over rows valid in {valid} (up to {count(n.max())})"
        if np.isnan(r).any():
            caption += f"; {'a dash' if written else 'empty'} where it is not {absence(matrix)}"
        if not written:
            caption += ". The cells are too small for numbers, which are in the table"
        of, data = TableColumn.of, f"{name} of each pair"
        suffix, title, what = "", f"{name} of {k} columns", f"{k} columns"
        if len(rows) < k:
            suffix, what = f"_{block.place}", block.said(k)
            title, data = f"{name} of {what}", f"{data} of {what}"
        table = [
            of("first", [self._names[i] for i in first]),
            of("second", [self._names[j] for j in second]),
            of("coefficient", matrix.r[first, second], digits=4),
            of("n", n),
        ]
        return Figure(
            f"matrix{suffix}",
            drawing,
            title,
            alt=f"Matrix of {name} for {what}. {alt}",
            caption=f"{caption}.",
            data=Table(f"pairs{suffix}", data, table, shown=False),
            width=width,
        )


class Block(NamedTuple):
    """A part of the matrix with a figure of its own. rows, columns: places of their columns."""

    place: int
    rows: list[int]
    columns: list[int]

    def said(self, k: int) -> str:
        """Say which of k columns it has, counted from 1."""
        first, second = (f"{part[0] + 1} to {part[-1] + 1}" for part in (self.rows, self.columns))
        others = "" if self.rows == self.columns else f" with columns {second}"
        return f"columns {first}{others} of {k}"


def _strongest(matrix: CorrelationMatrix, pairs: list[Pair], name: str, shorts: list[str]) -> str:
    r = pairs[0].r
    if len(shorts) == 2:
        return f"{name} of {shorts[0]} and {shorts[1]} is {coefficient(r)}."
    if alike(r, 0):
        return f"{name} is 0 for every pair for which it is {absence(matrix)}."
    strongest = [pair for pair in pairs if alike(pair.r, r, matrix.error)]
    known = "known " if matrix.unknown else ""
    if len(strongest) == 1:
        first, second = shorts[pairs[0].i], shorts[pairs[0].j]
        return f"The strongest {known}pair is {first} and {second}: {name} = {coefficient(r)}."
    said = [f"{shorts[p.i]} with {shorts[p.j]} ({coefficient(p.r)})" for p in strongest]
    return f"The strongest {known}pairs by {name} are {listed(said)}."


def _draw(
    r: NDArray[np.float64], rows: list[str], columns: list[str], name: str, width: "Width"
) -> tuple[Drawing, bool]:
    """Draw coefficients, (rows, columns); return whether there was room for the values, too."""
    k, points = len(columns), 72 * WIDTHS[width]
    to_left, to_below = (
        [fitted(label, 0.3 * points) for label in each] for each in (rows, columns)
    )
    beside = max(map(text_width, to_left)) + TEXT_SIZE
    slanted = k > 4 or any(text_width(label) > 0.9 * points / (k + 2) for label in to_below)
    longest = max(map(text_width, to_below)) + TEXT_SIZE
    below = (longest * np.sqrt(0.5) if slanted else TEXT_SIZE) + TEXT_SIZE
    # Labels that slant may reach farther to the left than those beside the matrix.
    beside = max(beside, longest * np.sqrt(0.5)) if slanted else beside
    side = points - beside - BAR
    tall = side / k * len(rows)
    height = tall + below + TEXT_SIZE / 2
    # Placed by hand: matplotlib's layout would fit the colour bar's numbers, but not its height.
    drawing, axes = new_figure(height / 72 * 25.4, width)
    drawing.set_layout_engine("none")
    axes.set_position((beside / points, below / height, side / points, tall / height))
    # As an image: hundreds of cells are slow to print, with seams between them.
    mesh = axes.pcolormesh(r, cmap=DIVERGING_MAP, vmin=-1, vmax=1, rasterized=True)
    written = _write_values(axes, mesh, r, side / k)
    turned: dict[str, Any] = {"rotation": 45, "ha": "right", "rotation_mode": "anchor"}
    for labels, set_ticks, style in (
        (to_below, axes.set_xticks, turned if slanted else {}),
        (to_left, axes.set_yticks, {}),
    ):
        places = (np.arange(len(labels)) + 0.5).tolist()
        set_ticks(places, [plain(label) for label in labels], **style)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    axes.invert_yaxis()
    frame = axes.inset_axes((1 + 6 / side, 0, 6 / side, 1))
    bar = colour_bar(axes, mesh, f"{name} (no unit)", cax=frame)
    set_linear(bar.ax.yaxis, -1, 1, most=4)
    return drawing, written


def _write_values(axes: Axes, mesh: Any, r: NDArray[np.float64], cell: float) -> bool:
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
