"""Groups of rows in a section: the keys that name them, and what is shown of each."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from reportgen.analyses.phrases import digits_among
from reportgen.analyses.plotting.axes import Line, say_limits
from reportgen.analyses.plotting.dots import MOST_NAMED, draw_groups
from reportgen.analyses.plotting.panels import draw_panels
from reportgen.analyses.results import Figure, Metric, Section, TableColumn
from reportgen.config.checks import checks_of
from reportgen.config.columns import Column
from reportgen.config.types import AnyColumnRef, Block, Mark, Text
from reportgen.reduce.by_group import ByGroup, Group, Spread, as_group
from reportgen.reduce.moments import robust_std
from reportgen.wording import count, counted, exact, listed, number

MOST_TOLD = 5  # groups that a sentence names
MOST_DRAWN = 6  # groups that are each drawn by themselves


class Grouping(Block):
    """The keys of a section that looks at groups, too."""

    by: AnyColumnRef | None = None
    """Column of text or whole numbers whose values are groups, such as a tile or a filter."""
    expect: tuple[Text | Mark, ...] = ()
    """Groups that must be there; one that is not is told."""


@dataclass(frozen=True)
class GroupsShown:
    """What a section shows of its groups."""

    metrics: Mapping[str, Metric]
    figures: Sequence[Figure]
    findings: Sequence[str]
    notes: Sequence[str]


@dataclass(frozen=True)
class Measure:
    """What is shown of each group: names of the value and of its error, and what both are."""

    value: str
    error: str
    said: str


MEDIAN = Measure("median", "scatter", "Median ± 1.4826 median absolute deviations")
SHARE = Measure("percent", "error", "Percent ± its standard error")


def show_groups(
    section: Grouping, found: ByGroup, quantity: Column, measure: Measure = MEDIAN
) -> GroupsShown:
    """Show the median and scatter of each group, and name the one that is farthest off.

    found: a Spread for each. quantity: what is measured; its name is that of the metric. Where a
    check limits that from one side, the one farthest to it is named; where from both, the one
    farthest from their middle; else the one farthest from the median of all.
    """
    by, expect, name = section.by, section.expect, quantity.name
    assert by is not None  # noqa: S101 - there are groups
    groups = [group for group, spread in found.values.items() if spread.n]
    spreads: list[Spread] = [found.values[group] for group in groups]
    medians = np.array([spread.median for spread in spreads])
    scatters = np.array([spread.scatter for spread in spreads])
    wanted = map(as_group, expect)
    absent = [group for group in wanted if group not in groups]
    lost = f"In no group, as {by.title} is missing: {counted(found.missing, 'rows')}."
    lacking = listed([_said(group) for group in absent], MOST_TOLD)
    notes = [lost] if found.missing else []
    findings = [f"Without a value though expected: {by.title} {lacking}."] if absent else []
    metrics = {"groups": Metric(len(groups), f"groups of {by.title}", digits=0, shown=False)}
    if expect:
        metrics["groups_absent"] = Metric(len(absent), f"expected of {by.title}, absent", digits=0)
    low_limit, high_limit = _ends(section, f"worst_{name}", quantity.unit)
    one_sided = (low_limit is None) != (high_limit is None)
    superlative = "farthest from the others"
    if one_sided:
        superlative = "lowest" if high_limit is None else "highest"
    label = f"{quantity.title} of the {by.title} {superlative}"
    if not groups:
        metrics[f"worst_{name}"] = Metric(float("nan"), label, quantity.unit)
        return GroupsShown(metrics, [], findings, notes)
    ends = [end for end in (low_limit, high_limit) if end is not None]
    lines = sorted(set(ends)) or [float(np.median(medians))]
    middle = float(np.mean(lines))
    off = {"lowest": -medians, "highest": medians}.get(superlative, np.abs(medians - middle))
    worst = int(np.argmax(off))
    low, high = float(medians.min()), float(medians.max())
    digits = digits_among(low, high)
    who = f"{by.title} {_said(groups[worst])}"
    value = quantity.quantity(number(float(medians[worst]), digits))
    label = f"{quantity.title} of {who}, the {superlative}"
    metrics[f"worst_{name}"] = Metric(float(medians[worst]), label, quantity.unit, digits)
    farthest = superlative if one_sided else "farthest off"
    usual = quantity.quantity(number(float(np.median(medians)), digits))
    if len(groups) > 1 and low < high:
        findings.append(
            f"{quantity.title}: of {counted(len(groups), 'groups')}, {who} is the {farthest}, with "
            f"{value} against {usual}, the median of all."
        )
    of, names = TableColumn.of, [_said(group) for group in groups]
    columns = [
        of(by.name, names),
        of("n", [spread.n for spread in spreads], description="valid values"),
        of(measure.value, medians, quantity.unit, digits=digits),
        of(measure.error, scatters, quantity.unit, measure.said),
    ]
    title = f"{quantity.title} by {by.title}"
    order = "" if len(groups) <= MOST_NAMED else f" {count(len(groups))} groups in their order."
    dashed = "the median of all"
    if ends:
        limits = listed([quantity.quantity(exact(end)) for end in lines])
        dashed = f"limit{'s' if len(lines) > 1 else ''} of the checks, {limits}"
    file = f"{name}_by_group".lower()
    figure = Figure.of(
        file,
        draw_groups(names, (medians, scatters), (quantity.axis, by.title), quantity.order, lines),
        title,
        columns,
        alt=f"{quantity.title} in {counted(len(groups), 'groups')} of {by.title}, from "
        f"{number(low, digits)} to {quantity.quantity(number(high, digits))}; {who} is the "
        f"{superlative}.",
        caption=f"{measure.said}, of each.{order} Dashed: {dashed}.",
    )
    return GroupsShown(metrics, [figure], findings, notes)


def small_multiples(
    section: Grouping,
    panels: Mapping[Group, Sequence[Line]],
    columns: tuple[Column, Column],
    whole: Sequence[Line] = (),
    *,
    log: tuple[bool, bool] = (False, False),
    limits: Sequence[float] = (),
) -> list[GroupsShown]:
    """Draw lines of each group in a panel of its own; nothing of one group, or of many.

    columns: what is across and up; the name of the second is that of the figure. The others are as
    in draw_panels.
    """
    by, (x, y) = section.by, columns
    if by is None or not 1 < len(panels) <= MOST_DRAWN:
        return []
    named = {_said(group): lines for group, lines in panels.items()}
    drawing = draw_panels(named, whole, (x.axis, y.axis), log=log, limits=limits)
    if drawing is None:
        return []
    rows = [
        (name, line.label, at, value, beyond)
        for name, lines in named.items()
        for line in lines
        for at, beyond, value in zip(line.x, [*line.x[1:], np.nan], line.y, strict=False)
    ]
    groups, labels, at, values, beyond = (list(each) for each in zip(*rows, strict=True))
    of, steps = (
        TableColumn.of,
        any(len(line.x) > len(line.y) for line in next(iter(named.values()))),
    )
    ends = [of("low", at, x.unit), of("high", beyond, x.unit)]
    of_x = ends if steps else [of(x.name, at, x.unit)]
    several = [] if len(set(labels)) == 1 else [of("line", labels)]
    title = f"{y.title} by {by.title}"
    file = f"{y.name}_of_each".lower()
    grey = " Grey: all rows." if whole else ""
    dashed = say_limits([y.quantity(exact(limit)) for limit in limits])
    figure = Figure.of(
        file,
        drawing,
        title,
        [of(by.name, groups), *several, *of_x, of(y.name, values, y.unit)],
        alt=f"{y.title} against {x.title} in {counted(len(named), 'panels')} with the same axes, "
        f"one for each {by.title}: {listed(list(named))}.",
        caption=f"Each {by.title} by itself, with the same axes.{grey}{dashed}",
        width="full",
    )
    return [GroupsShown({}, [figure], [], [])]


def with_groups(section: Section, shown: Iterable[GroupsShown]) -> Section:
    """Return a section with what is shown of groups."""
    findings, notes = list(section.findings), list(section.notes)
    metrics, figures = dict(section.metrics), list(section.figures)
    for each in shown:
        findings += [said for said in each.findings if said not in findings]
        notes += [said for said in each.notes if said not in notes]
        metrics |= {name: metric for name, metric in each.metrics.items() if name not in metrics}
        figures += each.figures
    return replace(section, findings=findings, notes=notes, metrics=metrics, figures=figures)


def _ends(section: Grouping, metric: str, unit: str) -> tuple[float | None, float | None]:
    """Return the strictest limits that the checks of a section set for a metric."""
    checks = checks_of(getattr(section, "checks", ()), metric, unit)
    lows = [end for check in checks for end in (check.min, check.equals) if end is not None]
    highs = [end for check in checks for end in (check.max, check.equals) if end is not None]
    return max(lows, default=None), min(highs, default=None)


def _said(group: Group) -> str:
    return exact(group) if isinstance(group, float) else str(group)  # 20001 is a name


def spreads_of(groups: Sequence[Any], values: Any) -> ByGroup:
    """Return the spread of finite values of each group. groups: of each value, NaN for none."""
    members: dict[Group, list[float]] = {}
    missing = 0
    for group, value in zip(groups, values, strict=True):
        if isinstance(group, float) and group != group:  # noqa: PLR0124 - NaN
            missing += 1
        else:
            members.setdefault(as_group(group), []).append(value)
    found: dict[Group, Spread] = {}
    for group in sorted(members):
        each = np.array(members[group])
        each = each[np.isfinite(each)]
        if len(each):
            found[group] = Spread(len(each), float(np.median(each)), robust_std(each))
        else:
            found[group] = Spread(0, float("nan"), float("nan"))
    return ByGroup(found, missing)
