"""A first configuration for files with tables: what a user would write, with comments."""

import math
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from reportgen.build.suggestions import (
    NIGHTLY,
    Today,
    drift_checks,
    in_yaml,
    range_rules,
    row_checks,
    statistics,
    today,
)
from reportgen.config.columns import Column, unit_problem, unit_symbol
from reportgen.config.sources import CatalogueBlock
from reportgen.data.catalogue import Catalogue, open_catalogues
from reportgen.data.images import described_images, image_facts
from reportgen.data.joined import is_many
from reportgen.errors import ReportgenError, SectionError, SourceError
from reportgen.reduce.base import Statistic
from reportgen.reduce.counts import Range
from reportgen.reduce.scan import Failure, scan
from reportgen.reduce.sentinels import Sentinel, SuspectedSentinels
from reportgen.remote.address import RemoteFile
from reportgen.wording import counted, listed, number
from reportgen.workers.failures import Ended
from reportgen.workers.pool import worker_pool

SECTIONS = ("overview", "distribution", "sky_density", "image_noise")
"""The analyses for which sections are written."""
SECONDS = 600.0  # for the pass over a catalogue, as for sections
MOST_TOGETHER = 6  # columns that one figure tells apart
MOST_DISTRIBUTIONS = 4  # sections of them
WIDE = 100.0  # times the smallest value; beyond it a histogram has bins equal in the logarithm
_QUANTITIES = {
    "spectral flux density": "Flux densities",
    "angular frequency": "Proper motions",
    "angle": "Angles",
    "speed": "Velocities",
    "temperature": "Temperatures",
    "length": "Lengths",
    "time": "Times",
}
"""Titles of sections by what astropy says that a unit measures."""
_ERROR = re.compile(
    r"err|^e_|(^|_)(uncf?|std|lower|upper)(_|$)|(^|_)m?sig(ma|com)?(_|$)", re.IGNORECASE
)
"""Names of columns with the uncertainties of others."""
_NO_QUANTITY = re.compile(
    rf"{_ERROR.pattern}|^_?(ra|dec)|id($|_)|^id|index|number|flag|^(island|source)$", re.IGNORECASE
)
"""Names of columns of which a histogram says little."""


@dataclass(frozen=True)
class _Scanned:
    """What values of a column were found. limits: None when there are none.

    today: what checks are suggested from; None when none are.
    """

    limits: tuple[float, float] | None
    suspected: tuple[Sentinel, ...]
    today: Today | None = None

    @property
    def marks(self) -> list[float | int]:
        """What may well stand for a missing value; 0 may be a value, and is told only."""
        return [_plain(each.value) for each in self.suspected if each.value]


def first_configuration(
    files: Sequence[tuple[Path, str]],
    folder: Path,
    sections: Iterable[str] = SECTIONS,
    *,
    nightly: bool = False,
) -> str:
    """Return a configuration for some tables and images; the YAML will be in a folder.

    files: each with the table or HDU in it, empty for the only one. nightly: suggest checks from
    the values, and a section on the nights. Raises SourceError for what cannot be read.
    """
    names = _names(path for path, _ in files)
    blocks = {
        name: CatalogueBlock.model_validate({"file": path, "dataset": dataset or None})
        for name, (path, dataset) in zip(names, files, strict=True)
    }
    found = open_catalogues(blocks, lambda *_: "")
    head = ["report:", f"  id: {names[0]}", f"  title: {in_yaml(files[0][0].stem)}"]
    tables: list[str] = []
    images: list[str] = []
    followed: list[str] = []
    tail = ["", "sections:"]
    for name, (path, dataset) in zip(names, files, strict=True):
        catalogue, prefix = found[name], f"{name}_" if len(names) > 1 else ""
        file = os.path.relpath(path.absolute(), folder)
        if isinstance(path, RemoteFile):  # whose secrets must not be written down
            file = "${ADDRESS}" if path.secrets else str(path)
        if isinstance(catalogue, Catalogue):
            scanned = _values(catalogue, nightly)
            tables += _catalogue(catalogue, file, dataset, scanned)
            lines, medians = _sections(catalogue, prefix, frozenset(sections), scanned)
            tail += lines
            followed += medians
            continue
        error = type(catalogue)(catalogue.message.removeprefix(": "), catalogue.hint)
        images += [f"  {name}:", f"    file: {in_yaml(file)}", *_images(path, dataset, error)]
        if "image_noise" in sections:
            about = {"analysis": "image_noise", "images": name, "title": "Pixels of the image"}
            tail.append(f"  {prefix}image_noise:")
            tail += [f"    {key}: {value}" for key, value in about.items()]
    if nightly:
        head += NIGHTLY.splitlines()
    if nightly and followed:
        tail += ["  trends:", "    analysis: trend", "    title: Over the nights"]
        tail.append(f"    metrics: {in_yaml(followed)}")
    head += ["", "catalogues:", *tables] if tables else []
    head += ["", "images:", *images] if images else []
    return "\n".join([*head, *tail]) + "\n"


def _images(path: Path, dataset: str, error: SourceError) -> list[str]:
    """Return the lines of a file with images; raises the error of its tables where it has none."""
    try:
        found = described_images(path, dataset)
    except SourceError:
        raise error from None
    if not found:
        raise error
    name, table = next(iter(found.items()))
    if isinstance(table, SourceError):
        raise table if is_many(path) else error
    several = len(found) > 1
    facts = image_facts(table)
    n, height, width, _ = facts.shape
    said = [f"{counted(n, 'images')} of {width} × {height} pixels"]
    said += [] if facts.pixel_scale is None else [f"{number(facts.pixel_scale)}″ each"]
    said += [] if facts.beam is None else [f"beam {facts.beam.title}"]
    lines = [f"    dataset: {in_yaml(name)}"] if several or dataset else []
    lines += [f"    # There are images in the HDUs {listed(list(found))}."] if several else []
    lines.append(f"    # {'; '.join(said)}.")
    if facts.pixel_scale is None:
        lines.append("    # pixel_scale: 1.0 # arcseconds; the file does not say it")
    if not facts.unit:
        lines.append("    # unit: Jy / beam # of a pixel; the file does not say it")
    return lines


def _names(paths: Iterable[Path]) -> list[str]:
    names: list[str] = []
    for path in paths:
        name = re.sub(r"[^A-Za-z0-9_]+", "_", path.name.partition(".")[0]).strip("_") or "catalogue"
        names.append(name if name not in names else f"{name}_{len(names) + 1}")
    return names


def _values(catalogue: Catalogue, nightly: bool) -> dict[str, _Scanned]:
    """Look at all values of a catalogue, in a worker."""
    ends: list[Ended] = []
    with worker_pool(1) as pool:
        pool.start(
            _look, catalogue, nightly, then=ends.append, timeout=SECONDS, name=catalogue.name
        )
        pool.finish()
    failed = ends[0].failed
    if failed is not None:
        raise failed.error or SectionError(failed.message, failed.hint)
    found: dict[str, _Scanned] = ends[0].value
    return found


def _look(catalogue: Catalogue, nightly: bool) -> dict[str, _Scanned]:
    names = [name for name, column in catalogue.columns.items() if column.kind != "text"]
    wanted = {name: (Range(name), SuspectedSentinels(name)) for name in names}
    found = {name: _Scanned(*values) for name, values in _scan(catalogue, wanted).items()}
    if not nightly:
        return found
    again = {name: statistics(name, found[name].marks) for name in names}
    return {
        name: replace(found[name], today=today(values, catalogue.rows))
        for name, values in _scan(catalogue, again).items()
    }


def _scan(
    catalogue: Catalogue, wanted: Mapping[str, tuple[Statistic[Any], ...]]
) -> dict[str, tuple[Any, ...]]:
    """Return the values of statistics of each column."""
    every = [each for group in wanted.values() for each in group]
    values = scan(every, catalogue, 10**6)
    failures = [value.error for value in values.values() if isinstance(value, Failure)]
    if failures:
        error = failures[0]
        raise error if isinstance(error, ReportgenError) else SectionError(str(error))
    return {name: tuple(values[each] for each in group) for name, group in wanted.items()}


def _catalogue(
    catalogue: Catalogue, file: str, dataset: str, scanned: dict[str, _Scanned]
) -> list[str]:
    lines = [
        f"  {catalogue.name}:",
        f"    file: {in_yaml(file)}",
        *([f"    dataset: {in_yaml(dataset)}"] if dataset else []),
        f"    # {counted(catalogue.rows, 'rows')}; {counted(len(catalogue.columns), 'columns')}.",
    ]
    lines += [f"    # {remark[0].upper()}{remark[1:]}." for remark in catalogue.remarks]
    changes: list[str] = []
    is_sure = False
    for name, column in catalogue.columns.items():
        if column.kind == "text" or column.expression or not scanned[name].suspected:
            continue
        marks = scanned[name].marks
        rows = [f"{_plain(e.value)} in {counted(e.rows, 'rows')}" for e in scanned[name].suspected]
        shown = f"{name}: {in_yaml({'missing': marks or [0]})}"
        why = f"may stand for a missing value: {listed(rows)}"
        changes.append(f"      {'' if marks else '# '}{shown} # {why}")
        is_sure |= bool(marks)
    if changes:
        lines += [f"    {'' if is_sure else '# '}columns: # what the file does not say", *changes]
    else:
        lines += ["    # What the file says can be changed column by column, such as:"]
        first = next(iter(catalogue.columns))
        lines += [f"    # columns: {{{first}: {{label: A better name, missing: [-99]}}}}"]
    return lines


def _plain(value: float) -> float | int:
    return int(value) if value.is_integer() else value


def _is_in_degrees(column: Column, seen: _Scanned) -> bool:
    low, high = (0.0, 360.0) if column.role == "ra" else (-90.0, 90.0)
    return seen.limits is not None and low <= seen.limits[0] and seen.limits[1] <= high


def _sections(
    catalogue: Catalogue, prefix: str, wanted: frozenset[str], scanned: dict[str, _Scanned]
) -> tuple[list[str], list[str]]:
    """Return the lines of sections, and the medians in them that are checked."""
    lines: list[str] = []
    medians: list[str] = []

    def add(name: str, analysis: str, title: str, **keys: Any) -> None:
        lines.append(f"  {prefix}{name}:")
        about = {"analysis": analysis, "catalogue": catalogue.name, "title": title, **keys}
        lines.extend(f"    {key}: {in_yaml(value)}" for key, value in about.items())

    position = [column for column in catalogue.columns.values() if column.role]
    groups = _by_unit(catalogue, scanned)[:MOST_DISTRIBUTIONS]
    shown = [name for _, names in groups for name in names[:MOST_TOGETHER]]
    checked = {
        name: found
        for name in dict.fromkeys(
            [*(c.name for c in position), *(shown or _plain_columns(catalogue))]
        )
        if (found := scanned[name].today) is not None
    }
    if "overview" in wanted:
        add("overview", "overview", "What the catalogue holds")
        lines += row_checks(catalogue.rows, checked) if checked else []
    if rules := list(range_rules(catalogue.columns, checked)):
        add("ranges", "quality", "Values in their ranges")
        lines += ["    rules: # suggestions", *rules]
    in_degrees = all(c.expression or _is_in_degrees(c, scanned[c.name]) for c in position)
    if "sky_density" in wanted and len(position) == 2 and in_degrees and catalogue.rows:
        add("sky", "sky_density", "Objects on the sky", edges=_edges(catalogue.rows))
    if "distribution" in wanted:
        for number, (unit, names) in enumerate(groups, 1):
            add(f"distribution_{number}", "distribution", _title(unit))
            together = names[:MOST_TOGETHER]
            left = len(names) - MOST_TOGETHER
            said = f" # and {counted(left, 'more columns')} in this unit" if left > 0 else ""
            lines.append(f"    columns: {in_yaml(together)}{said}")
            limits = [each for name in together if (each := scanned[name].limits)]
            low, high = min(low for low, _ in limits), max(high for _, high in limits)
            if 0 < WIDE * low < high and not unit.startswith("mag"):
                lines.append("    histograms: [{log: true}]")
            if checked:
                lines += drift_checks(together, checked)
                medians += [f"{prefix}distribution_{number}.{name}_median" for name in together]
        if not groups and (plain := _plain_columns(catalogue)):
            lines += [
                "  # The file gives no units, so that nothing says which columns to show together:",
                f"  # {prefix}distribution:",
                "  #   analysis: distribution",
                f"  #   catalogue: {catalogue.name}",
                "  #   title: A distribution",
                f"  #   columns: {in_yaml(plain[:1])}",
            ]
    return lines, medians


def _edges(rows: int) -> int:
    """Return the edges of cells of a map with about one object in each, 100 at most."""
    return min(max(10 * round(math.sqrt(rows) / 10), 10), 100)


def _plain_columns(catalogue: Catalogue) -> list[str]:
    """Return the first columns that are numbers of interest, as far as their names say."""
    return [
        name
        for name, column in catalogue.columns.items()
        if column.kind not in {"text", "time"} and not _NO_QUANTITY.search(name)
    ][:MOST_TOGETHER]


def _by_unit(catalogue: Catalogue, scanned: dict[str, _Scanned]) -> list[tuple[str, list[str]]]:
    """Return the names of columns with values by their unit, the commonest unit first.

    Without positions and other angles in degrees, and without the uncertainties of columns.
    """
    groups: dict[str, list[str]] = {}
    for name, column in catalogue.columns.items():
        is_wanted = column.unit not in {"", "deg"} and not unit_problem(column.unit)
        is_wanted = is_wanted and column.kind != "time" and not _ERROR.search(name)
        if is_wanted and scanned[name].limits is not None:
            groups.setdefault(column.unit, []).append(name)
    return sorted(groups.items(), key=lambda each: -len(each[1]))


def _title(unit: str) -> str:
    """Return a title for columns in a unit, such as ``Flux densities in mJy``."""
    from astropy import units

    if unit.startswith("mag"):
        return "Magnitudes"
    measured = str(units.Unit(unit).physical_type)
    found = [title for kind, title in _QUANTITIES.items() if measured.startswith(kind)]
    return f"{found[0] if found else 'Columns'} in {unit_symbol(unit)}"
