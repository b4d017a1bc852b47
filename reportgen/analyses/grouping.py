"""Groups of rows in a section: the keys that name them, and what is shown of each."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from reportgen.analyses.phrases import digits_among
from reportgen.analyses.plotting.dots import MOST_NAMED, draw_groups
from reportgen.analyses.results import Figure, Metric, Section, Table, TableColumn
from reportgen.config.columns import Column
from reportgen.config.types import AnyColumnRef, Block, Mark, Text
from reportgen.reduce.by_group import ByGroup, Group, Spread, as_group
from reportgen.reduce.moments import robust_std
from reportgen.wording import count, counted, exact, listed, number

MOST_TOLD = 5  # groups that a sentence names


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


def show_groups(
    section: Grouping, found: ByGroup, quantity: Column, limits: Sequence[float] = ()
) -> GroupsShown:
    """Show the median and scatter of each group, and name the one that is farthest off.

    found: a Spread for each. quantity: what is measured; its name is that of the metric. limits: of
    checks on it, from whose middle the farthest is looked for.
    """
    by, expect, name = section.by, section.expect, quantity.name
    assert by is not None  # noqa: S101 - there are groups
    groups = [group for group, spread in found.values.items() if spread.n]
    spreads: list[Spread] = [found.values[group] for group in groups]
    medians = np.array([spread.median for spread in spreads])
    scatters = np.array([spread.scatter for spread in spreads])
    absent = [group for group in map(_as_found, expect) if group not in groups]
    notes, findings = [], []
    if found.missing:
        notes.append(f"In no group, as {by.title} is missing: {counted(found.missing, 'rows')}.")
    if absent:
        said = listed([_said(group) for group in absent], MOST_TOLD)
        findings.append(f"Without a value though expected: {by.title} {said}.")
    metrics = {
        "groups": Metric(len(groups), f"groups of {by.title}", digits=0, shown=False),
        "groups_absent": Metric(len(absent), f"expected of {by.title}, absent", digits=0),
    }
    if not expect:
        del metrics["groups_absent"]
    label = f"{quantity.title} of the {by.title} farthest from the others"
    if not groups:
        metrics[f"worst_{name}"] = Metric(float("nan"), label, quantity.unit)
        return GroupsShown(metrics, [], findings, notes)
    middle = float(np.median(medians)) if not limits else float(np.mean([min(limits), max(limits)]))
    worst = int(np.argmax(np.abs(medians - middle)))
    low, high = float(medians.min()), float(medians.max())
    digits = digits_among(low, high)
    who = f"{by.title} {_said(groups[worst])}"
    value = quantity.quantity(number(float(medians[worst]), digits))
    label = f"{quantity.title} of {who}, the farthest from the others"
    metrics[f"worst_{name}"] = Metric(float(medians[worst]), label, quantity.unit, digits)
    if len(groups) > 1 and low < high:
        findings.append(
            f"Of {counted(len(groups), 'groups')}, {who} is the farthest off: {value} against "
            f"{quantity.quantity(number(float(np.median(medians)), digits))}, the median of all."
        )
    of, names = TableColumn.of, [_said(group) for group in groups]
    columns = [
        of(by.name, names),
        of("n", [spread.n for spread in spreads], description="valid values"),
        of("median", medians, quantity.unit, digits=digits),
        of("scatter", scatters, quantity.unit, "1.4826 median absolute deviations"),
    ]
    title = f"{quantity.title} by {by.title}"
    order = "" if len(groups) <= MOST_NAMED else f" {count(len(groups))} groups in their order."
    figure = Figure(
        f"{name}_by_group",
        draw_groups(names, (medians, scatters), (quantity.axis, by.title), quantity.order, middle),
        title,
        alt=f"Median of {quantity.title} in {counted(len(groups), 'groups')} of {by.title}, from "
        f"{number(low, digits)} to {quantity.quantity(number(high, digits))}; {who} is the "
        "farthest from the others.",
        caption=f"Median ± 1.4826 median absolute deviations of each.{order} Dashed: "
        + ("the middle of the limits." if limits else "the median of all medians."),
        data=Table(f"{name}_by_group", title, columns, shown=False),
    )
    return GroupsShown(metrics, [figure], findings, notes)


def with_groups(section: Section, shown: Iterable[GroupsShown]) -> Section:
    """Return a section with what is shown of groups."""
    findings, notes = list(section.findings), list(section.notes)
    metrics, figures = dict(section.metrics), list(section.figures)
    for each in shown:
        findings += [said for said in each.findings if said not in findings]
        notes += [said for said in each.notes if said not in notes]
        metrics |= each.metrics
        figures += each.figures
    return replace(section, findings=findings, notes=notes, metrics=metrics, figures=figures)


def _as_found(group: Any) -> Group:
    return int(group) if isinstance(group, float) and group.is_integer() else group


def _said(group: Group) -> str:
    return group if isinstance(group, str) else exact(group)


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
