"""Phrases of several analyses; what they say holds whatever the data are."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from reportgen.analyses.results import check_id
from reportgen.config.columns import Column
from reportgen.config.expressions import Condition
from reportgen.config.unit_arithmetic import factor
from reportgen.errors import SectionError
from reportgen.reduce.chunk import Limits
from reportgen.reduce.histograms import HistogramCounts
from reportgen.reduce.moments import CorrelationMatrix
from reportgen.wording import MISSING, counted, listed, number

ROUNDING = 1e-12  # of a correlation
SMALL = 1e-4  # what is smaller is written with a power of ten


def short_titles(columns: Sequence[Column]) -> dict[str, str]:
    """Return by name the part of each title that tells it from the others of its unit.

    ``3.6 μm flux density`` and ``24 μm flux density`` give ``3.6 μm`` and ``24 μm``; a title that
    shares no ending with another stays as it is, and one that stands twice is told by its name.
    """
    shorts = {column.name: column.title for column in columns}
    for unit in {column.unit for column in columns}:
        group = [column for column in columns if column.unit == unit]
        if ending := _shared_ending([column.title for column in group]):
            for column in group:
                shorts[column.name] = column.title.removesuffix(ending).rstrip()
    said = list(shorts.values())
    return {
        name: f"{short} ({name})" if said.count(short) > 1 else short
        for name, short in shorts.items()
    }


def _shared_ending(titles: Sequence[str]) -> str:
    """Return the words that all titles end in, when each has more before them; else nothing."""
    words = [title.split() for title in titles]
    if len(titles) < 2:
        return ""
    shared = 0
    while all(len(w) > shared + 1 and w[-1 - shared] == words[0][-1 - shared] for w in words):
        shared += 1
    # The unit of a band belongs to its number: what is left must not end in a bare number.
    while shared and any(w[-1 - shared][-1].isdigit() for w in words):
        shared -= 1
    return " ".join(words[0][len(words[0]) - shared :])


def capital(text: str) -> str:
    """Return text with its first letter in upper case."""
    return text[:1].upper() + text[1:]


def together(columns: Sequence[Column]) -> Column:
    """Return what columns of one unit have in common as a column: the words they end in."""
    if len(columns) == 1:
        return columns[0]
    title = capital(_shared_ending([column.title for column in columns])) or "Value"
    return replace(columns[0], label=title)


def file_ids(columns: Sequence[Column], prefix: str) -> dict[str, str]:
    """Return for each column, by name, an id that may be a file's name, no two alike."""
    ids: dict[str, str] = {}
    for place, column in enumerate(columns, start=1):
        wanted = f"{prefix}_{column.name}".lower()
        try:
            check_id(wanted)
        except ValueError:
            wanted = f"{prefix}_{place}"
        while wanted in ids.values():
            wanted += f"_{place}"
        ids[column.name] = wanted
    return ids


def interval(low: float, high: float, column: Column, joint: str = "and") -> str:
    """Return an interval with its unit: ``9.201 and 16.61 µJy``, to stand after *between*.

    Ends that lie so close together that four significant digits cannot tell them apart get more.
    """
    digits = digits_among(low, high)
    first, last = (number(end, digits) for end in (low, high))
    if first == last and low == high:
        return column.quantity(first)
    return f"{first} {joint} {column.quantity(last)}"


def digits_among(low: float, high: float) -> int | None:
    """Return the decimals that tell values between two ends apart, where number() has too few.

    Integers have no decimals, and no digit of theirs is left out.
    """
    if isinstance(low, int) and isinstance(high, int):
        return 0
    most = max(abs(low), abs(high))
    if not (np.isfinite(low) and np.isfinite(high)) or low == high:
        return None
    # A little more than the logarithm: a width of 0.1 may be 0.0999… by rounding.
    needed = 2 - int(np.floor(np.log10(high / 2 - low / 2) + np.log10(2) + 1e-6))
    four = 3 - int(np.floor(np.log10(most)))
    return needed if needed > four or (needed == four and most < SMALL) else None


def between_edges(low: float, high: float, column: Column) -> str:
    """Return the edges of a bin as ``0.9405 and 0.9900``, as long as what is counted asks for.

    What is written is off by less than a thousandth of the bin, so that values at an edge are on
    the side that the text puts them.
    """
    if not high > low:
        return interval(low, high, column)
    short = (
        d for d in range(17) if all(abs(round(e, d) - e) < 1e-3 * (high - low) for e in (low, high))
    )
    digits = next(short, None)
    first, last = number(low, digits), number(high, digits)
    if digits is None or first == last or "×" in f"{first}{last}":
        return interval(low, high, column)
    return f"{first} and {column.quantity(last)}"


def fullest_bin(found: HistogramCounts, column: Column, share: str) -> str:
    """Say which bin is the fullest, or only how full that is when several are equally full.

    found: with a count above 0. share: the fullest bin's count, as it is to be written.
    """
    low, high, most = found.peak
    if (found.counts == most).sum() > 1:
        return f"no bin holds more than {share}"
    of = "that of " if found.whole and low == high else ""
    return f"the fullest bin, {of}{interval(low, high, column, 'to')}, holds {share}"


def note_integers(columns: Iterable[tuple[Column, Limits]]) -> list[str]:
    """Return the note on columns whose integers are beyond float64, if there are any.

    columns: each with its range, which is of integers only where float64 would round it.
    """
    found = [column.title for column, ends in columns if ends and isinstance(ends[1], int)]
    if not found:
        return []
    return [
        f"Integers of {listed(found)} are rounded to 16 digits, but for the smallest and largest."
    ]


def note_rows(what: str) -> str:
    """Return the note that something is approximate because there are too many rows."""
    return f"{what}: the catalogue has more rows than its exact_rows."


def note_ranks(matrices: Sequence[CorrelationMatrix], shorts: Mapping[str, str]) -> list[str]:
    """Return the note on coefficients of ranks of more rows than can be kept, if it is needed.

    shorts: what columns are called.
    """
    error = max(matrix.error for matrix in matrices)
    unknown = [
        f"{shorts[matrix.columns[i]]} with {shorts[matrix.columns[j]]}"
        for matrix in matrices
        for i, j in matrix.unknown
    ]
    said = [f"Spearman's coefficients are off by at most {bound(error)}"] if error else []
    if unknown:
        said.append(f"Spearman's coefficient is too uncertain to be given for {listed(unknown)}")
    return [note_rows(each) for each in said]


def bound(error: float) -> str:
    """Return a largest error as text, with two digits, not less than it is."""
    return number(float(f"{error * 1.05:.1e}"))


def approximate(error: float) -> str:
    """Say that values are approximate. error: the largest, as a fraction of each."""
    return f"approximate (to {bound(error)} of the value)"


def absence(*matrices: CorrelationMatrix) -> str:
    """Return what coefficients are not that are not there: known, or defined."""
    return "known" if any(matrix.unknown for matrix in matrices) else "defined"


def alike(r: float, other: float, error: float = 0.0) -> bool:
    """Return whether two coefficients may be equally strong. error: the largest of each."""
    return abs(abs(r) - abs(other)) < max(ROUNDING, 2 * error)


def coefficient(r: float, limit: float | None = None) -> str:
    """Return a correlation with two decimals; with more where those would tell an untruth.

    A coefficient is only written as 1 when it is 1, and is told from a limit it does not equal.
    """
    if np.isnan(r):
        return MISSING
    size = abs(r)
    if 0.9995 <= size < 1 - ROUNDING:
        return ">0.999" if r > 0 else "<−0.999"
    digits = 3 if 0.995 <= size < 0.9995 else 2
    while limit is not None and size != limit and digits < 6:
        if round(size, digits) != round(limit, digits):
            break
        digits += 1
    return number(r, digits)


def correlated(r: float, limit: float | None = None) -> str:
    """Return a correlation as an equation: ``r = 0.98``, ``r > 0.999``."""
    said = coefficient(r, limit)
    return f"r {said[0]} {said[1:]}" if said[0] in "<>" else f"r = {said}"


def no_values(
    columns: Sequence[Column], rows: int, where: Condition | None, *, in_all: bool = False
) -> SectionError:
    """Return the error of a section for which no row has a value; in_all: one in every column."""
    if not rows:
        return (
            SectionError("the catalogue has no rows", "look at the source")
            if where is None
            else SectionError(f"no row is left by where: {where}", "look at where:")
        )
    named = listed([column.name for column in columns])
    of_where = "" if where is None else f" where {where}"
    lacking = f"no row has values in all of {named}" if in_all else f"no valid value in {named}"
    return SectionError(
        f"{lacking} ({counted(rows, 'rows')}{of_where})",
        "look at the missing-value marks and at the source"
        + ("" if where is None else ", and at where:"),
    )


def small_unit(unit: str) -> tuple[float, str]:
    """Return the unit of differences and scatters, and by what those in a unit are multiplied.

    It is mmag for magnitudes, else the same.
    """
    return (factor(unit, "mmag"), "mmag") if unit in {"mag", "mag(AB)"} else (1.0, unit)
