"""Row selections such as ``flux_36 > 0 and stellarity < 0.9``: parsed to a tree, never evaluated as code.

A comparison with a missing value is neither true nor false, as in SQL: a row is selected only where
the whole expression is true. ``missing(column)`` and ``valid(column)`` ask for it outright.
"""

import ast
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reportgen.config.suggest import unknown

Values = NDArray[np.float64]
Truth = NDArray[np.bool_]
Rows = Mapping[str, Values]

MAX_LENGTH = 2000  # characters; a selection is one line of a YAML file
MAX_DEPTH = 50

_ARITHMETIC: dict[type[ast.operator], tuple[str, Callable[[Values, Values], Values]]] = {
    ast.Add: ("+", operator.add),
    ast.Sub: ("-", operator.sub),
    ast.Mult: ("*", operator.mul),
    ast.Div: ("/", operator.truediv),
    ast.Pow: ("**", operator.pow),
    ast.Mod: ("%", operator.mod),
}
_COMPARISON: dict[type[ast.cmpop], tuple[str, Callable[[Values, Values], Truth]]] = {
    ast.Lt: ("<", operator.lt),
    ast.LtE: ("<=", operator.le),
    ast.Gt: (">", operator.gt),
    ast.GtE: (">=", operator.ge),
    ast.Eq: ("==", operator.eq),
    ast.NotEq: ("!=", operator.ne),
}
_ARITHMETIC_BY_SIGN = dict(_ARITHMETIC.values())
_COMPARISON_BY_SIGN = dict(_COMPARISON.values())
_FUNCTIONS: dict[str, Callable[[Values], Values]] = {
    "abs": np.abs,
    "sqrt": np.sqrt,
    "log10": np.log10,
    "log": np.log,
    "exp": np.exp,
}
_TESTS = ("missing", "valid")


class ExpressionError(ValueError):
    """The text is not a selection that reportgen understands."""


class Expression:
    """One node of a selection; frozen, so equal selections of two sections share their work."""

    @property
    def columns(self) -> frozenset[str]:
        """Names of the columns it reads."""
        raise NotImplementedError


class Number(Expression):
    """A node that gives one number a row; NaN where it is missing."""

    def values(self, rows: Rows) -> Values:
        """Give one number for each row."""
        raise NotImplementedError


class Condition(Expression):
    """A node that gives true, false or unknown for each row."""

    def truth(self, rows: Rows) -> tuple[Truth, Truth]:
        """Give two arrays: where it is true, and where it is false (neither: unknown)."""
        raise NotImplementedError

    def selected(self, rows: Rows) -> Truth:
        """Rows where the condition is true."""
        return self.truth(rows)[0]


@dataclass(frozen=True)
class Constant(Number):
    """A number written in the selection."""

    value: float

    @property
    def columns(self) -> frozenset[str]:
        """No columns."""
        return frozenset()

    def values(self, rows: Rows) -> Values:
        """Give the number once; numpy repeats it."""
        return np.asarray(self.value)

    def __str__(self) -> str:
        return f"{self.value:g}"


@dataclass(frozen=True)
class ColumnValue(Number):
    """The values of a column."""

    name: str

    @property
    def columns(self) -> frozenset[str]:
        """The column itself."""
        return frozenset([self.name])

    def values(self, rows: Rows) -> Values:
        """Give the column's values."""
        return rows[self.name]

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True)
class Arithmetic(Number):
    """Two numbers joined by + - * / ** %."""

    sign: str
    left: Number
    right: Number

    @property
    def columns(self) -> frozenset[str]:
        """Columns of both sides."""
        return self.left.columns | self.right.columns

    def values(self, rows: Rows) -> Values:
        """Give the result for each row; NaN where it is undefined."""
        with np.errstate(all="ignore"):
            return _ARITHMETIC_BY_SIGN[self.sign](self.left.values(rows), self.right.values(rows))

    def __str__(self) -> str:
        return f"({self.left} {self.sign} {self.right})"


@dataclass(frozen=True)
class Function(Number):
    """A function of one number, such as log10."""

    name: str
    argument: Number

    @property
    def columns(self) -> frozenset[str]:
        """Columns of the argument."""
        return self.argument.columns

    def values(self, rows: Rows) -> Values:
        """Give the result for each row; NaN where it is undefined."""
        with np.errstate(all="ignore"):
            return _FUNCTIONS[self.name](self.argument.values(rows))

    def __str__(self) -> str:
        return f"{self.name}({self.argument})"


@dataclass(frozen=True)
class Comparison(Condition):
    """Two numbers compared."""

    sign: str
    left: Number
    right: Number

    @property
    def columns(self) -> frozenset[str]:
        """Columns of both sides."""
        return self.left.columns | self.right.columns

    def truth(self, rows: Rows) -> tuple[Truth, Truth]:
        """Unknown where a side is missing."""
        left, right = self.left.values(rows), self.right.values(rows)
        known = ~(np.isnan(left) | np.isnan(right))
        holds = _COMPARISON_BY_SIGN[self.sign](left, right)
        return holds & known, ~holds & known

    def __str__(self) -> str:
        return f"{self.left} {self.sign} {self.right}"


@dataclass(frozen=True)
class IsMissing(Condition):
    """Whether a number is missing (or, with ``valid``, is there)."""

    argument: Number
    wanted: bool = True

    @property
    def columns(self) -> frozenset[str]:
        """Columns of the argument."""
        return self.argument.columns

    def truth(self, rows: Rows) -> tuple[Truth, Truth]:
        """Never unknown; an infinite value is not valid."""
        missing = ~np.isfinite(self.argument.values(rows))
        return (missing, ~missing) if self.wanted else (~missing, missing)

    def __str__(self) -> str:
        return f"{'missing' if self.wanted else 'valid'}({self.argument})"


@dataclass(frozen=True)
class Not(Condition):
    """The opposite of a condition; unknown stays unknown."""

    argument: Condition

    @property
    def columns(self) -> frozenset[str]:
        """Columns of the argument."""
        return self.argument.columns

    def truth(self, rows: Rows) -> tuple[Truth, Truth]:
        """Swap true and false."""
        true, false = self.argument.truth(rows)
        return false, true

    def __str__(self) -> str:
        return f"not ({self.argument})"


@dataclass(frozen=True)
class Both(Condition):
    """True where both are true, false where one is false."""

    left: Condition
    right: Condition

    @property
    def columns(self) -> frozenset[str]:
        """Columns of both sides."""
        return self.left.columns | self.right.columns

    def truth(self, rows: Rows) -> tuple[Truth, Truth]:
        """Follow Kleene's three-valued logic."""
        (a_true, a_false), (b_true, b_false) = self.left.truth(rows), self.right.truth(rows)
        return a_true & b_true, a_false | b_false

    def __str__(self) -> str:
        return f"({self.left} and {self.right})"


@dataclass(frozen=True)
class Either(Condition):
    """True where one is true, false where both are false."""

    left: Condition
    right: Condition

    @property
    def columns(self) -> frozenset[str]:
        """Columns of both sides."""
        return self.left.columns | self.right.columns

    def truth(self, rows: Rows) -> tuple[Truth, Truth]:
        """Follow Kleene's three-valued logic."""
        (a_true, a_false), (b_true, b_false) = self.left.truth(rows), self.right.truth(rows)
        return a_true | b_true, a_false & b_false

    def __str__(self) -> str:
        return f"({self.left} or {self.right})"


def both(first: Condition | None, second: Condition | None) -> Condition | None:
    """Join two optional selections; None selects every row."""
    if first is None or second is None:
        return first or second
    return Both(first, second)


def compare(column: str, sign: str, value: float) -> Comparison:
    """Give the condition ``column sign value``."""
    return Comparison(sign, ColumnValue(column), Constant(float(value)))


def parse(text: str, known: frozenset[str] | None = None) -> Condition:
    """Parse a selection.

    known: names of the columns that exist; None accepts any name.
    Raises ExpressionError naming the place and what is allowed there.
    """
    if len(text) > MAX_LENGTH:
        raise ExpressionError(f"the selection is longer than {MAX_LENGTH} characters")
    try:
        tree = ast.parse(text.strip(), mode="eval")
    except (SyntaxError, ValueError, MemoryError, RecursionError) as error:
        place = f" at character {error.offset}" if isinstance(error, SyntaxError) else ""
        raise ExpressionError(
            f"cannot read {text!r}{place}; write it like: flux_36 > 0 and stellarity < 0.9"
        ) from None
    return _condition(tree.body, known, 0)


def _refuse(node: ast.AST, what: str) -> ExpressionError:
    place = getattr(node, "col_offset", 0) + 1
    return ExpressionError(
        f"{what} at character {place}; allowed are columns, numbers, + - * / ** %, comparisons, "
        f"and, or, not, {', '.join(_FUNCTIONS)}, missing(column), valid(column)"
    )


def _condition(node: ast.AST, known: frozenset[str] | None, depth: int) -> Condition:
    if depth > MAX_DEPTH:
        raise ExpressionError(f"the selection is nested deeper than {MAX_DEPTH}")
    match node:
        case ast.BoolOp(op=op, values=values):
            join = Both if isinstance(op, ast.And) else Either
            result = _condition(values[0], known, depth + 1)
            for value in values[1:]:
                result = join(result, _condition(value, known, depth + 1))
            return result
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            return Not(_condition(operand, known, depth + 1))
        case ast.Compare(left=left, ops=ops, comparators=comparators):
            return _comparisons(left, ops, comparators, known, depth)
        case ast.Call(func=ast.Name(id=name), args=[argument], keywords=[]) if name in _TESTS:
            return IsMissing(_number(argument, known, depth + 1), wanted=name == "missing")
        case _ if _is_number(node):
            # A flag column may stand for itself: ``is_host`` means is_host != 0.
            return Comparison("!=", _number(node, known, depth + 1), Constant(0.0))
    raise _refuse(node, f"{type(node).__name__.lower()} is not allowed")


def _comparisons(
    left: ast.expr,
    signs: list[ast.cmpop],
    others: list[ast.expr],
    known: frozenset[str] | None,
    depth: int,
) -> Condition:
    result: Condition | None = None
    for sign, right in zip(signs, others, strict=True):
        if type(sign) not in _COMPARISON:
            raise _refuse(left, f"the comparison {type(sign).__name__.lower()} is not allowed")
        text = _COMPARISON[type(sign)][0]
        step = Comparison(text, _number(left, known, depth + 1), _number(right, known, depth + 1))
        result = both(result, step)
        left = right
    if result is None:  # the parser gives at least one comparison
        raise _refuse(left, "an empty comparison is not allowed")
    return result


def _is_number(node: ast.AST) -> bool:
    return isinstance(node, ast.Name | ast.BinOp | ast.UnaryOp | ast.Call)


def _number(node: ast.AST, known: frozenset[str] | None, depth: int) -> Number:
    if depth > MAX_DEPTH:
        raise ExpressionError(f"the selection is nested deeper than {MAX_DEPTH}")
    match node:
        case ast.Constant(value=bool()):
            return Constant(float(node.value))
        case ast.Constant(value=int() | float()):
            return Constant(_as_float(node))
        case ast.Name(id=name):
            if known is not None and name not in known:
                raise ExpressionError(unknown("column", name, known))
            return ColumnValue(name)
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _ARITHMETIC:
            sign = _ARITHMETIC[type(op)][0]
            return Arithmetic(
                sign, _number(left, known, depth + 1), _number(right, known, depth + 1)
            )
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return Arithmetic("-", Constant(0.0), _number(operand, known, depth + 1))
        case ast.UnaryOp(op=ast.UAdd(), operand=operand):
            return _number(operand, known, depth + 1)
        case ast.Call(func=ast.Name(id=name), args=[argument], keywords=[]) if name in _FUNCTIONS:
            return Function(name, _number(argument, known, depth + 1))
    raise _refuse(node, f"{type(node).__name__.lower()} is not allowed")


def _as_float(node: ast.Constant) -> float:
    try:
        return float(node.value)  # type: ignore[arg-type]
    except OverflowError:
        raise _refuse(node, "a number this large is not allowed") from None
