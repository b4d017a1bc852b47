"""What is in a catalogue: rows, columns, units, missing values and ranges."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationInfo, field_validator

from reportgen.analyses.base import Analysis, Statistics, no_repeats
from reportgen.analyses.phrases import (
    approximate,
    digits_among,
    note_integers,
    note_rows,
    short_titles,
)
from reportgen.analyses.plotting.axes import new_figure
from reportgen.analyses.plotting.lettering import plain, wrapped
from reportgen.analyses.plotting.ticks import set_linear
from reportgen.analyses.results import Drawing, Figure, Metric, Section, Table, TableColumn
from reportgen.config.columns import Column
from reportgen.config.problems import shortened
from reportgen.config.types import AnyColumnRef
from reportgen.reduce.base import Statistic
from reportgen.reduce.counts import CountRows, Counts, CountValues, IsWhole, Range
from reportgen.reduce.distinct import MOST_DISTINCT, CountNotComputable, Distinct, DistinctValues
from reportgen.reduce.moments import MeanStd
from reportgen.reduce.quantiles import Quantiles
from reportgen.reduce.sentinels import SuspectedSentinels
from reportgen.style import MUTED, SERIES, TEXT_SIZE, WIDTHS
from reportgen.wording import EXACT, MISSING, count, counted, listed, number, percent

MOST_NAMED = 6  # columns that lack values, in a sentence
NUMBERS = dict(enumerate(("one", "two", "three", "four", "five", "six"), 1))
MOST_BARS = 40  # columns whose missing values a page shows
FRACTIONS = (0.05, 0.5, 0.95)
COMMONEST = 5  # values of a column that are named
LONGEST_VALUE = 30  # characters of one
NAMES = re.compile(r"(?<![a-z])((obj|obs|src)?ids?|idx|index|flags?|mask|bits?)(?![a-z])", re.I)
"""What flags and identifiers are called."""


class Overview(Analysis, name="overview"):
    """What is there: rows, columns, units, missing fractions and ranges."""

    columns: tuple[AnyColumnRef, ...] = ()
    """Columns to describe; all of the catalogue when not given."""

    @field_validator("columns", mode="before")
    @classmethod
    def _all_columns(cls, value: object, info: ValidationInfo) -> object:
        known = (info.context or {}).get("columns")
        return tuple(known.values()) if value in ((), []) and known else value

    _once = field_validator("columns")(no_repeats)

    def reductions(self) -> Statistics:
        """Ask for counts, range, quantiles and moments of each column."""
        result: dict[str, Statistic[Any]] = {"rows": CountRows(where=self.where)}
        for column in self.columns:
            if column.kind in ("text", "integer") or (column.kind, column.unit) == ("number", ""):
                result[f"{column.name}.distinct"] = Distinct(column.name, self.where, COMMONEST)
            if column.expression:
                result[f"{column.name}.not_computable"] = CountNotComputable(
                    column.name, column.computed_from, self.where
                )
        for column in self._numbers:
            name = column.name
            result |= {
                f"{name}.count": CountValues(name, self.where),
                f"{name}.range": Range(name, self.where),
                f"{name}.whole": IsWhole(name, self.where),
                f"{name}.quantiles": Quantiles(name, FRACTIONS, self.where),
                f"{name}.moments": MeanStd(name, self.where),
                f"{name}.suspected": SuspectedSentinels(name, self.where),
            }
        return result

    @property
    def _numbers(self) -> list[Column]:
        """The columns of numbers; those of text have a table of their own."""
        return [column for column in self.columns if column.kind != "text"]

    def present(self, rows: int, **values: Any) -> Section:
        """Make the table of columns and the chart of missing fractions."""
        counts: list[Counts] = [values[f"{column.name}.count"] for column in self._numbers]
        metrics = {
            "rows": Metric(rows, "rows", digits=0),
            "columns": Metric(len(self._numbers), "columns", digits=0),
        }
        for column, n in zip(self._numbers, counts, strict=True):
            label, missing = f"{column.name} missing", 100 * n.missing_fraction
            metrics[f"{column.name}_missing"] = Metric(missing, label, "%", digits=2, shown=False)
        notes = note_integers((c, values[f"{c.name}.range"]) for c in self._numbers)
        if not rows:
            notes.append("There is no figure because there are no rows.")
        elif error := max((values[f"{c.name}.quantiles"].error for c in self._numbers), default=0):
            notes.append(note_rows(f"Quantiles are {approximate(error)}"))
        return Section(
            findings=[*self._findings(rows, counts, values), *self._suspicions(values)],
            metrics=metrics,
            figures=[self._figure(counts)]
            if rows and any(n.missing_fraction for n in counts)
            else [],
            tables=[*([self._table(values, counts)] if counts else []), *self._distinct(values)],
            rows=rows,
            notes=[*self._computed(values), *notes],
        )

    def _table(self, values: Mapping[str, Any], counts: list[Counts]) -> Table:
        of, names = TableColumn.of, [column.name for column in self._numbers]
        ranges = [values[f"{name}.range"] or (np.nan, np.nan) for name in names]
        quantiles = np.array([values[f"{name}.quantiles"].values for name in names])
        moments = np.array(
            [(m.mean, m.std) for m in (values[f"{name}.moments"] for name in names)], dtype=float
        )
        # Half of an identifier, or the mean of bits, says nothing.
        for numbers in (quantiles, moments):
            numbers[[_is_flag_or_id(column, values) for column in self._numbers]] = np.nan
        infinite = [n.infinite for n in counts]
        digits = tuple(digits_among(low, high) for low, high in ranges)
        # A whole number, unless it is a float so large that all of them are whole, has all its
        # digits.
        whole = [values[f"{name}.whole"] for name in names]
        ends = tuple(
            0
            if is_whole and all(isinstance(end, int) or abs(end) <= EXACT for end in range_)
            else n
            for is_whole, range_, n in zip(whole, ranges, digits, strict=True)
        )
        columns = [
            _keys(self._numbers),
            of("quantity", [column.title for column in self._numbers]),
            of("unit", [column.symbol or "–" for column in self._numbers]),
            of("n", [n.valid for n in counts], description="valid values"),
            of("missing", [n.missing for n in counts]),
            *([of("infinite", infinite)] if any(infinite) else []),
            of("min", np.array([low for low, _ in ranges], dtype=object), digits=ends),
            of("5 %", quantiles[:, 0], digits=digits),
            of("median", quantiles[:, 1], digits=digits),
            of("95 %", quantiles[:, 2], digits=digits),
            of("max", np.array([high for _, high in ranges], dtype=object), digits=ends),
            of("mean", moments[:, 0], digits=digits),
            of("std", moments[:, 1], description="population standard deviation"),
        ]
        return Table("columns", "Columns, each in its own unit", columns)

    def _distinct(self, values: Mapping[str, Any]) -> list[Table]:
        """Return the table of texts, integers and flags; none where there are no such columns."""
        known: dict[str, DistinctValues] = {}
        for column in self.columns:
            name = f"{column.name}.distinct"
            if name in values and (column.kind != "number" or _is_whole(column, values)):
                known[column.name] = values[name]
        if not known:
            return []
        of = TableColumn.of
        columns, found = [c for c in self.columns if c.name in known], list(known.values())
        kinds = {"text": "text", "integer": "integers", "number": "whole numbers"}
        kinds |= {c.name: "0 or 1" for c in columns if c.kind == "number" and _is_flag(c, values)}
        numbers = [f">{MOST_DISTINCT}" if f.number is None else str(f.number) for f in found]
        said = f"values that differ; of over {MOST_DISTINCT} none are named"
        commonest = [_commonest(each) for each in found]
        title = "Texts, flags and identifiers"
        return [
            Table(
                "distinct",
                title,
                [
                    _keys(columns),
                    of("quantity", [c.title for c in columns]),
                    of("holds", [kinds.get(c.name, kinds[c.kind]) for c in columns]),
                    of("n", [f.valid for f in found], description="rows with a value"),
                    of("missing", [f.missing for f in found]),
                    of("distinct", numbers, description=said),
                    of("commonest", commonest, description="and the rows that hold it"),
                ],
            )
        ]

    def _computed(self, values: Mapping[str, Any]) -> list[str]:
        """Return a note on computed columns; none where there are no such columns."""
        said = []
        for column in self.columns:
            if column.expression:
                lost = values[f"{column.name}.not_computable"]
                of_them = f" (not computable: {count(lost)})" if lost else ""
                said.append(f"{column.name} = {column.expression}{of_them}")
        return [f"Computed: {'; '.join(said)}."] if said else []

    def _figure(self, counts: list[Counts]) -> Figure:
        fractions = np.array([n.missing_fraction for n in counts])
        worst = sorted(zip(fractions, self._numbers, strict=True), key=lambda pair: -pair[0])
        missing = [f"{c.title} {percent(f)}" for f, c in worst if f > 0]
        said = listed(missing) if missing else "every value is there"
        if 0 < len(missing) < len(counts):
            said += "; the others have none"
        of = TableColumn.of
        lacking = np.flatnonzero(fractions)
        shown = lacking[np.argsort(-fractions[lacking], kind="stable")[:MOST_BARS]]
        left_out = " The others have a value in every row." if len(shown) < len(fractions) else ""
        if len(shown) < len(lacking):
            left_out = f" The {MOST_BARS} columns that lack most are shown."
        columns = [
            of("column", [column.name for column in self._numbers]),
            of("rows", [n.rows for n in counts]),
            of("missing", [n.missing for n in counts]),
            of("infinite", [n.infinite for n in counts]),
            of("fraction", 100 * fractions, "%"),
        ]
        bars = f"Bar chart of the rows without a value in {counted(len(counts), 'columns')}"
        return Figure.of(
            "missing",
            _draw_bars([self._numbers[place].title for place in shown], fractions[shown]),
            "Rows without a value",
            columns,
            alt=f"{bars}: {said}.",
            caption="Fraction of the rows in which a column has no usable value: "
            f"a missing-value mark, NaN or infinity.{left_out}",
        )

    def _findings(self, rows: int, counts: list[Counts], values: Mapping[str, Any]) -> list[str]:
        if not rows:
            where = f"No row is left by where: {self.where}."
            return ["There are no rows." if self.where is None else where]
        if not counts:
            return [f"{counted(rows, 'rows')} of {counted(len(self.columns), 'columns')} of text."]
        size = f"{counted(rows, 'rows')}, {counted(len(counts), 'columns')}"
        texts = [values[f"{c.name}.distinct"] for c in self.columns if c.kind == "text"]
        if texts:
            size += f" of numbers and {count(len(texts))} of text"
        columns = [*self._numbers, *(c for c in self.columns if c.kind == "text")]
        shares = [n.missing_fraction for n in counts] + [found.missing / rows for found in texts]
        lacking = [pair for pair in zip(shares, columns, strict=True) if pair[0]]
        if not lacking:
            return [f"{size}. Every value is there."]
        lacking.sort(key=lambda pair: -pair[0])
        shorts = short_titles([column for _, column in lacking])
        worst = [f"{shorts[column.name]} ({percent(share)})" for share, column in lacking]
        many = NUMBERS.get(len(lacking), count(len(lacking)))
        findings = [f"{size}. Values are missing in {many}: {listed(worst, MOST_NAMED)}."]
        titled = [(c.title, n) for c, n in zip(self._numbers, counts, strict=True)]
        if empty := [title for title, n in titled if not n.valid]:
            findings.append(f"Without a single value: {listed(empty)}.")
        if infinite := [f"{title} ({count(n.infinite)})" for title, n in titled if n.infinite]:
            findings.append(f"Infinite values, left out of all statistics: {listed(infinite)}.")
        return findings

    def _suspicions(self, values: Mapping[str, Any]) -> list[str]:
        """Return what may stand for a missing value without being said to."""
        suspected = [
            f"{number(each.value)} in {column.title} ({counted(each.rows, 'rows')})"
            for column in self._numbers
            for each in values[f"{column.name}.suspected"]
        ]
        if not suspected:
            return []
        said = f"Taken for values, but may stand for missing ones: {listed(suspected)}."
        return [f"{said} If they do, name them as missing: of the column in the configuration."]


def _is_whole(column: Column, values: Mapping[str, Any]) -> bool:
    """Return whether floats are whole numbers; not those so large that all floats are whole."""
    ends, whole = values[f"{column.name}.range"], values[f"{column.name}.whole"]
    return bool(whole and ends is not None and max(map(abs, ends)) <= EXACT)


def _is_flag(column: Column, values: Mapping[str, Any]) -> bool:
    """Return whether a column holds 0 and 1, and nothing else."""
    whole: bool = values[f"{column.name}.whole"]
    return not column.unit and whole and values[f"{column.name}.range"] == (0, 1)


def _is_flag_or_id(column: Column, values: Mapping[str, Any]) -> bool:
    """Return whether a column has no quantiles: 0 and 1, or by its name, or a number for each row.

    Whole numbers alone can be that, without a unit.
    """
    low, high = values[f"{column.name}.range"] or (0, 0)
    if column.unit or column.kind == "time" or not values[f"{column.name}.whole"]:
        return False
    if _is_flag(column, values) or NAMES.search(column.name) or NAMES.search(column.label):
        return True
    found: DistinctValues | None = values.get(f"{column.name}.distinct")
    if found is None or column.kind == "number" or found.valid < 2:
        return False
    counted_up = high - low + 1 == found.valid
    return found.number == found.valid or (found.number is None and (counted_up or high > EXACT))


def _commonest(found: DistinctValues) -> str:
    """Return the commonest values of a column, and in how many rows each is."""
    if not found.commonest:
        return MISSING
    if found.number != 1 and found.commonest[0][1] == 1:
        return "each is in one row"
    return listed([f"{_value(value)} ({count(rows)})" for value, rows in found.commonest])


def _value(value: str | float) -> str:
    return (
        shortened(value, LONGEST_VALUE)
        if isinstance(value, str)
        else str(int(value)).replace("-", "−")
    )


def _keys(columns: Sequence[Column]) -> TableColumn:
    """Return the names of columns, which a report needs where they have no titles of their own."""
    titles = {column.title for column in columns}
    return TableColumn.of(
        "column",
        [column.name for column in columns],
        description="name in the configuration",
        shown=len(titles) < len(columns),
    )


def _draw_bars(titles: list[str], fractions: NDArray[np.float64]) -> Drawing:
    room = 0.42 * 72 * WIDTHS["column"]
    labels = [wrapped(title, room) for title in titles]
    # A title in two rows takes more room than one in a single row.
    rooms = np.array([1.7 if "\n" in label else 1.0 for label in labels])
    places = np.cumsum(rooms) - rooms / 2
    figure, axes = new_figure(14 + 5.2 * rooms.sum())
    axes.barh(places, 100 * fractions, height=0.62, color=SERIES[1])
    for place, fraction in zip(places, fractions, strict=True):
        axes.annotate(
            percent(fraction),
            (100 * fraction, place),
            xytext=(3, 0),
            textcoords="offset points",
            va="center",
            color=MUTED,
            fontsize=TEXT_SIZE,
        )
    axes.set_yticks(places, [plain(label) for label in labels])
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(rooms.sum() + 0.1, -0.1)
    # The number beside the longest bar is within the figure.
    set_linear(axes.xaxis, 0, min(100, max(10, 110 * fractions.max(initial=0))))
    axes.set_xlabel("Rows without a value [%]")
    return figure
