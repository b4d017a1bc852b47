"""Metrics by night, put together from rows of the database."""

from collections.abc import Iterable, Mapping
from typing import Any

from reportgen.history.records import Cell, Key, MetricName, MetricTable, NightRun
from reportgen.summary import Status


def gather_table(
    nights: Mapping[int, NightRun],
    sections: Iterable[tuple[Any, ...]],
    metrics: Iterable[tuple[Any, ...]],
) -> MetricTable:
    """Give the metrics of runs. nights: the runs by their number in the database, oldest first.

    sections: of these runs: number, section, status, rows used. metrics: number, section, name,
    value, unit, verdict, label, digits.
    """
    places = {number: place for place, number in enumerate(nights)}
    statuses: dict[str, list[Status | None]] = {}
    rows: dict[str, list[int | None]] = {}
    for number, section, status, used in sections:
        statuses.setdefault(section, [None] * len(places))[places[number]] = status
        rows.setdefault(section, [None] * len(places))[places[number]] = used
    cells: dict[Key, list[Cell | None]] = {}
    names: dict[Key, tuple[int, MetricName]] = {}
    for number, section, name, value, unit, verdict, label, digits in metrics:
        place, key = places[number], (section, name)
        column = cells.get(key)
        if column is None:
            column = cells[key] = [None] * len(places)
        column[place] = (value, unit, verdict)
        if key not in names or names[key][0] < place:
            names[key] = (place, MetricName(label, unit, digits))
    newest = {key: name for key, (_, name) in names.items()}
    return MetricTable(tuple(nights.values()), statuses, cells, newest, rows)
