"""Computed columns: their order, their units, and what is wrong with them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise

from reportgen.config.columns import Column
from reportgen.config.expressions import Expression, ExpressionError
from reportgen.config.sources import ColumnBlock


@dataclass(frozen=True)
class Computed:
    """Computed columns of a catalogue.

    expressions: those that can be computed, each after those that it uses. columns: as analyses see
    them, in the order in which they are listed. mistakes: what is wrong with the others, but for
    those that only use one of these.
    """

    expressions: Mapping[str, Expression]
    columns: Mapping[str, Column]
    mistakes: Mapping[str, str]


def computed_columns(blocks: Mapping[str, ColumnBlock], in_files: Mapping[str, Column]) -> Computed:
    """Bind the expressions of some columns to those of files and to each other."""
    expressions = {n: block.expression for n, block in blocks.items() if block.expression}
    known, bound, columns = dict(in_files), dict[str, Expression](), dict[str, Column]()
    order, mistakes = _in_order(expressions)
    for name in order:
        expression, block = expressions[name], blocks[name]
        if expression.columns & expressions.keys() - bound.keys():
            continue  # one that it uses is wrong
        try:
            found = bound[name] = expression.bound(known, block.unit)
        except ExpressionError as error:
            mistakes[name] = str(error)
            continue
        reads = {
            each
            for used in found.columns
            for each in (known[used].computed_from or ([] if used in bound else [used]))
        }
        columns[name] = known[name] = Column(
            name,
            block.label or name,
            found.unit or "",
            is_known=all(known[used].is_known for used in found.columns),
            kind="integer" if found.is_condition else "number",
            expression=str(found),
            computed_from=tuple(sorted(reads)),
        )
    listed = {name: columns[name] for name in expressions if name in columns}
    return Computed(bound, listed, mistakes)


def _in_order(expressions: Mapping[str, Expression]) -> tuple[list[str], dict[str, str]]:
    """Return columns, each after those that it uses, and what is wrong with those of a cycle."""
    uses = {name: each.columns & expressions.keys() for name, each in expressions.items()}
    mistakes: dict[str, str] = {}
    while True:
        left = {name: sorted(uses[name] - mistakes.keys()) for name in uses if name not in mistakes}
        try:
            return list(TopologicalSorter(left).static_order()), mistakes
        except CycleError as error:
            cycle: list[str] = error.args[1][::-1]
            for name, used in pairwise(cycle):
                found = re.search(rf"\b{re.escape(used)}\b", str(expressions[name]))
                place = f"at character {found.start() + 1}: " if found else ""
                start = cycle.index(name)
                way = [*cycle[start:-1], *cycle[:start], name]
                said = " uses ".join(way if len(way) <= 10 else [*way[:9], "…", name])
                mistakes[name] = f"{place}it is computed of itself: {said}"
