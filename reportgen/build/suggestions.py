"""Checks for a first configuration, suggested from the values that a table has today."""

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from reportgen.config.columns import Column
from reportgen.config.expressions import parse
from reportgen.reduce.base import Statistic
from reportgen.reduce.counts import CountValues, Range
from reportgen.reduce.quantiles import Quantiles
from reportgen.wording import number

ROWS = 0.9  # of today's rows that a night has at least
MARGIN = 0.1  # of the range, that values may lie outside today's
MISSING = 5.0  # percent of the rows that may lack a value besides those that do today
FLOOR = 0.01  # of the median: a smaller scatter of nights is that of so few of them
NIGHTLY = """
output:
  keep: {nights: 60, monthly: 24}

# Who is told, by reportgen build FILE --mail:
# deliver:
#   mail:
#     from: Reports <reports@example.org>
#     to: {ok: [nightly-log@example.org], fail: [team@example.org]}
#     smtp: {host: smtp.example.org, login: {user: reports}}

# All checks are suggestions from the values of today. Set limits for which you would get up, give
# each an owner and a reason, and ask `reportgen backtest FILE` how often they would have fired."""
"""What a configuration for every night has before its catalogues."""


@dataclass(frozen=True)
class Today:
    """What a column holds, without what may stand for a missing value.

    limits: smallest and largest value; None when there is none. missing: percent of the rows.
    """

    limits: tuple[float, float] | None
    missing: float
    median: float


def statistics(name: str, marks: Iterable[float]) -> tuple[Statistic[Any], ...]:
    """Return what is to be computed for a column. marks: may stand for a missing value."""
    where = parse(" and ".join(f"{name} != {mark!r}" for mark in marks)) if marks else None
    return Range(name, where), CountValues(name, where), Quantiles(name, (0.5,), where)


def today(values: tuple[Any, ...], rows: int) -> Today:
    """Return what the values of the statistics say. rows: of the catalogue."""
    limits, counts, quantiles = values
    median = float(quantiles.values[0]) if counts.valid else math.nan
    missing = 100 * (rows - counts.valid) / rows if rows else 0.0
    return Today(limits, missing, median)


def row_checks(rows: int, found: Mapping[str, Today]) -> Iterator[str]:
    """Yield the lines of checks that rows and values are there."""
    yield "    checks: # suggestions"
    least = max(int(_rounded(ROWS * rows, rows, math.floor)), 1)
    yield f"      - rows_at_least: {least} # today {rows}"
    yield "      # - fresh: 26 # hours since the file was written"
    for name, values in found.items():
        most = min(math.ceil(values.missing + (MISSING if values.missing else 0)), 100)
        if most < 100:
            check = in_yaml({"column": name, "percent": most})
            yield f"      - missing_at_most: {check} # today {number(values.missing)} %"


def range_rules(columns: Mapping[str, Column], found: Mapping[str, Today]) -> Iterator[str]:
    """Yield the lines of rules that values lie in their ranges."""
    for name, values in found.items():
        if values.limits is None:
            continue
        low, high = values.limits
        if role := columns[name].role:
            ends: list[float] = [0, 360] if role == "ra" else [-90, 90]
        else:
            span = high - low
            bottom = low - MARGIN * span
            bottom = 0 if bottom < 0 <= low else bottom
            ends = [_rounded(bottom, span, math.floor)]
            ends += [_rounded(high + MARGIN * span, span, math.ceil)]
        rule = in_yaml({"column": name, "between": ends, "severity": "warn"})
        yield f"      - {rule} # today {number(low)} to {number(high)}"


def drift_checks(names: Iterable[str], found: Mapping[str, Today]) -> Iterator[str]:
    """Yield the lines of checks that medians stay near those of the last nights."""
    known = {name: found[name].median for name in names if math.isfinite(found[name].median)}
    if known:
        yield "    checks: # suggestions"
    for name, median in known.items():
        drift: dict[str, float] = {"nights": 14, "most": 5}
        drift |= {"floor": _rounded(FLOOR * abs(median), 0, math.ceil)} if median else {}
        check = in_yaml({"metric": f"{name}_median", "drift": drift, "severity": "warn"})
        yield f"      - {check} # today {number(median)}"


def in_yaml(value: Any) -> str:
    """Return a value as YAML writes it on a line."""
    options: dict[str, Any] = {"default_flow_style": True, "sort_keys": False, "width": 10**6}
    text: str = yaml.safe_dump(value, allow_unicode=True, **options)
    return text.removesuffix("\n").removesuffix("\n...").strip()


def _rounded(value: float, span: float, towards: Any) -> float | int:
    """Return a value rounded up or down to two digits of a span; of itself for 0."""
    size = span or abs(value)
    if not size:
        return int(value)
    step = 10.0 ** (math.floor(math.log10(size)) - 1)
    rounded = float(f"{towards(round(value / step, 9)) * step:.12g}")
    return int(rounded) if rounded.is_integer() and abs(rounded) < 1e15 else rounded
