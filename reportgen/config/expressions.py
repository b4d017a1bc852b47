"""Expressions: which rows (``flux_36 > 0 and stellarity < 0.9``) and what is computed of columns.

They are read by Python's parser, never run: of its syntax tree only the nodes that the checker
allows are evaluated, by code of our own. A comparison with a missing value is neither true nor
false, as in SQL: a row is selected only where the whole expression is true. ``missing(column)`` and
``valid(column)`` ask for it outright.
"""

import ast
import keyword
import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np

from reportgen.config.columns import Column, unit_symbol
from reportgen.config.expression_checker import Checker, ExpressionError, constant
from reportgen.config.expression_values import (
    COMPARISONS,
    Rows,
    Truth,
    Values,
    is_quantity,
    number,
    truth,
)
from reportgen.config.problems import shortened
from reportgen.config.unit_arithmetic import factor

__all__ = [
    "Condition",
    "Expression",
    "ExpressionError",
    "both",
    "columns_in",
    "compare",
    "negated",
    "parse",
]

MAX_LENGTH = 2000  # characters; an expression is one line of a YAML file
MAX_DEPTH = 50

_SIGNS = dict(zip(("<", "<=", ">", ">=", "==", "!="), COMPARISONS, strict=True))
_QUOTED = re.compile(r"'[^'\\]*'|\"[^\"\\]*\"")
_UNIT = r"[^\W\d_]\w*(?:\*\*-?\d+|\^-?\d+)?"
_QUANTITY = re.compile(
    r"(?<![\w.])(?P<number>(?:\d[\d_]*(?:\.[\d_]*)?|\.\d[\d_]*)(?:[eE][+-]?\d+)?)"
    rf"\s+(?P<unit>{_UNIT}(?:[*/.]{_UNIT})*)(?![\w(])"
)


@dataclass(frozen=True)
class _Parsed:
    """An expression, written in one way, so that equal ones of two sections share their work.

    factors: by what its numbers are multiplied on the way, so that their units are the same.
    tree: syntax tree of the nodes that the checker allows.
    """

    text: str
    factors: tuple[float, ...]
    tree: ast.expr = field(repr=False, compare=False)

    def __str__(self) -> str:
        return self.text

    @property
    def columns(self) -> frozenset[str]:
        """Names of the columns it reads."""
        nodes = list(ast.walk(self.tree))
        functions = {node.func for node in nodes if isinstance(node, ast.Call)}
        names = (node for node in nodes if isinstance(node, ast.Name) and node not in functions)
        return frozenset(node.id for node in names if not is_quantity(node))


@dataclass(frozen=True)
class Condition(_Parsed):
    """A selection of rows."""

    def selected(self, rows: Rows) -> Truth:
        """Return where it is true, (rows,), or one value for all rows when it reads no column.

        rows: values of each column, as a catalogue is read.
        """
        return self.true_and_false(rows)[0]

    def true_and_false(self, rows: Rows) -> tuple[Truth, Truth]:
        """Return where it is true, and where false: neither where what decides is missing."""
        with np.errstate(all="ignore"):
            return truth(self.tree, rows)


@dataclass(frozen=True)
class Expression(_Parsed):
    """What is computed of columns. unit: of the result; None while units are not known."""

    unit: str | None = None
    is_condition: bool = False

    def values(self, rows: Rows) -> Values:
        """Return the number of each row, NaN where it is not finite; 1 and 0 for true and false.

        rows: values of each column, as a catalogue is read.
        """
        with np.errstate(all="ignore"):
            if self.is_condition:
                true, false = truth(self.tree, rows)
                found = np.where(true, 1.0, np.where(false, 0.0, np.nan))
            else:
                found = np.asarray(number(self.tree, rows), dtype=np.float64)
            return np.where(np.isfinite(found), found, np.nan)

    def bound(self, known: Mapping[str, Column], unit: str | None = None) -> "Expression":
        """Return it for columns that are known. unit: of the result; its own when not given.

        Raises ExpressionError for columns that are not there and units that do not fit.
        """
        found = parse_expression(self.text, known)
        if unit is None:
            return found
        if found.unit is None:  # that of a column is not known
            return _expression(found.tree, unit, found.is_condition)
        try:
            by = factor(found.unit, unit)
        except (ValueError, TypeError):
            own = f"is in {unit_symbol(found.unit)}" if found.unit else "has no unit"
            cure = "" if found.unit else "; give its columns units, or multiply by a quantity"
            said = f"the expression {own}, which cannot be {unit_symbol(unit) or 'without unit'}"
            raise ExpressionError(f"{said}, as unit: says{cure}") from None
        if by != 1.0:
            found.tree.factor = getattr(found.tree, "factor", 1.0) * by  # type: ignore[attr-defined]
        return _expression(found.tree, unit, found.is_condition)


def both(first: Condition | None, second: Condition | None) -> Condition | None:
    """Join two optional selections; None selects every row."""
    if first is None or second is None:
        return first or second
    return _condition(ast.BoolOp(ast.And(), [*_joined(first.tree), *_joined(second.tree)]))


def negated(condition: Condition) -> Condition:
    """Return the condition that is true where one is false; a missing value is neither."""
    return _condition(ast.UnaryOp(ast.Not(), condition.tree))


def compare(column: str, sign: str, value: float) -> Condition:
    """Return the condition ``column sign value``."""
    name = ast.Name(column, ast.Load())
    return _condition(ast.Compare(name, [_SIGNS[sign]()], [constant(float(value))]))


def parse(text: str, known: Mapping[str, Column] | None = None) -> Condition:
    """Parse a selection.

    known: the columns that exist; None accepts any name, and looks at no unit.
    Raises ExpressionError naming the place and what is allowed there.
    """
    checker, tree = _read(text, known)
    return _condition(checker.condition(tree))


def parse_expression(text: str, known: Mapping[str, Column] | None = None) -> Expression:
    """Parse what is to be computed: a number or a condition. Parameters and errors as of parse."""
    checker, tree = _read(text, known)
    if checker.is_condition(tree):
        return _expression(checker.condition(tree), "", is_condition=True)
    found = checker.number(tree)
    unit = (found.unit or "") if checker.has_units else None
    return _expression(found.node, unit, is_condition=False)


@lru_cache(maxsize=1024)
def parsed_number(text: str) -> Expression:
    """Return what is computed of columns by a text; units are not looked at. Made once for all."""
    return parse_expression(text)


def columns_in(column: str) -> frozenset[str]:
    """Return the columns that one is, or that it is computed of where it is an expression."""
    return frozenset([column]) if column.isidentifier() else parsed_number(column).columns


def _read(text: str, known: Mapping[str, Column] | None) -> tuple[Checker, ast.expr]:
    text = re.sub(r"\s", " ", text).strip()
    if not text:
        raise ExpressionError("the expression is empty")
    if len(text) > MAX_LENGTH:
        raise ExpressionError(f"the expression is longer than {MAX_LENGTH} characters")
    bare = _QUOTED.sub(lambda found: "_" * len(found[0]), text)
    if found := re.search("[#&|~]", bare):  # # begins a comment, the others mean bits to Python
        place = f"at character {found.start() + 1}: {found[0]} is not allowed"
        raise ExpressionError(f"{place}; {_advice(bare)}")
    python, quantities = _without_units(text, bare)
    tree = _tree(python, text, bare)
    _check_depth(tree)
    return Checker(text, tree, quantities, known), tree


def _without_units(text: str, bare: str) -> tuple[str, dict[int, str]]:
    """Return a text with blanks for its units, and each unit by the byte of its number.

    bare: the text without what is in quotes.
    """
    python, quantities = text, {}
    for found in reversed(list(_QUANTITY.finditer(bare))):
        unit = found["unit"]
        first = re.match(r"\w+", unit)
        if first is None or keyword.iskeyword(first[0].lower()):
            continue
        start, end = found.span("unit")
        quantities[len(text[: found.start()].encode(errors="replace"))] = unit
        python = python[:start] + " " * len(unit.encode(errors="replace")) + python[end:]
    return python, quantities


def _condition(tree: ast.expr) -> Condition:
    return Condition(_text(tree), _factors(tree), tree)


def _expression(tree: ast.expr, unit: str | None, is_condition: bool) -> Expression:
    return Expression(_text(tree), _factors(tree), tree, unit, is_condition)


def _factors(tree: ast.expr) -> tuple[float, ...]:
    return tuple(node.factor for node in ast.walk(tree) if hasattr(node, "factor"))


def _text(node: ast.expr) -> str:
    """Return a condition as text; Python's own would put parentheses around the third of a row."""
    match node:
        case ast.BoolOp(op=op, values=values):
            parts = [f"({_text(v)})" if isinstance(v, ast.BoolOp) else _text(v) for v in values]
            return (" and " if isinstance(op, ast.And) else " or ").join(parts)
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            inner = _text(operand)
            return f"not ({inner})" if isinstance(operand, ast.BoolOp) else f"not {inner}"
    return ast.unparse(node)


def _joined(tree: ast.expr) -> list[ast.expr]:
    return tree.values if isinstance(tree, ast.BoolOp) and isinstance(tree.op, ast.And) else [tree]


def _tree(python: str, text: str, bare: str) -> ast.expr:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of Python's taste in code, such as "1or x"
            return ast.parse(python, mode="eval").body
    except (SyntaxError, ValueError, MemoryError, RecursionError) as error:
        offset = error.offset if isinstance(error, SyntaxError) else None
        place = f" at character {offset}" if offset else ""
        said = f"cannot read {shortened(text, 120)!r}{place}"
        raise ExpressionError(f"{said}; {_advice(bare)}") from None


_ADVICE = {
    r"[&|~]|!(?!=)": "write and, or, not in place of & | ~ !",
    r"(?<![<>=!])=(?!=)": "write == to compare",
    "<>": "write != for unequal",
    r"\b(AND|OR|NOT)\b": "write and, or, not in small letters",
    r"(?<![\w.])\d+(?![xeEj_])[A-Za-zµ]": "put a blank between a number and its unit",
    "": "write it like: flux_36 > 0 and stellarity < 0.9; to compute, like: flux_36 / flux_45",
}
"""What to write instead of a text that cannot be read, by the first pattern that is in it."""


def _advice(text: str) -> str:
    return next(advice for pattern, advice in _ADVICE.items() if re.search(pattern, text))


def _check_depth(node: ast.AST, depth: int = 0) -> None:
    if depth > MAX_DEPTH:
        raise ExpressionError(f"the expression is nested deeper than {MAX_DEPTH}")
    for inner in ast.iter_child_nodes(node):
        _check_depth(inner, depth + 1)
