"""Row selections such as ``flux_36 > 0 and stellarity < 0.9``: parsed to a tree, never run as code.

A comparison with a missing value is neither true nor false, as in SQL: a row is selected only where
the whole expression is true. ``missing(column)`` and ``valid(column)`` ask for it outright.
"""

import ast
import operator
import re
import unicodedata
import warnings
from collections.abc import Callable, Mapping, Sequence
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
        return repr(self.value).removesuffix(".0")


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
        # -2 ** x is -(2 ** x).
        left = str(self.left)
        if self.sign == "**" and left.startswith("-"):
            left = f"({left})"
        return f"({left} {self.sign} {self.right})"


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
        return f"({' and '.join(_flat(self))})"


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
        return f"({' or '.join(_flat(self))})"


def _flat(joined: Both | Either) -> list[str]:
    """Give the text of each condition that one kind of word joins."""
    parts: list[str] = []
    for side in (joined.left, joined.right):
        same = isinstance(side, Both | Either) and type(side) is type(joined)
        parts += _flat(side) if same else [str(side)]  # type: ignore[arg-type]
    return parts


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
    text = " ".join(text.split())
    if not text:
        raise ExpressionError("the selection is empty")
    if len(text) > MAX_LENGTH:
        raise ExpressionError(f"the selection is longer than {MAX_LENGTH} characters")
    if "#" in text:
        # Python would take the rest for a comment and leave it out in silence.
        raise ExpressionError(f"at character {text.index('#') + 1}: # is not allowed")
    return _Parser(text, known).condition(_tree(text), 0)


def _tree(text: str) -> ast.expr:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of Python's taste in code, such as "1or x"
            return ast.parse(text, mode="eval").body
    except (SyntaxError, ValueError, MemoryError, RecursionError) as error:
        offset = error.offset if isinstance(error, SyntaxError) else None
        place = f" at character {offset}" if offset else ""
        shown = text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}…"
        raise ExpressionError(f"cannot read {shown!r}{place}; {_advice(text)}") from None


def _advice(text: str) -> str:
    """Guess what was meant by a text that cannot be read."""
    if re.search(r"[&|~]|!(?!=)", text):
        return "write and, or, not in place of & | ~ !"
    if re.search(r"(?<![<>=!])=(?!=)", text):
        return "write == to compare"
    if "<>" in text:
        return "write != for unequal"
    if re.search(r"\b(AND|OR|NOT)\b", text):
        return "write and, or, not in small letters"
    return "write it like: flux_36 > 0 and stellarity < 0.9"


_LONGEST_SHOWN = 120  # characters of a selection in a message
_BITWISE = (ast.BitAnd, ast.BitOr, ast.BitXor, ast.Invert)
_KINDS: dict[type[ast.AST], str] = {
    ast.Attribute: "a dot",
    ast.Dict: "{ }",
    ast.GeneratorExp: "for … in",
    ast.IfExp: "if … else",
    ast.JoinedStr: "a text",
    ast.List: "a list",
    ast.ListComp: "for … in",
    ast.NamedExpr: ":=",
    ast.Set: "{ }",
    ast.Subscript: "[ ]",
    ast.Tuple: "a comma",
    ast.In: "in",
    ast.NotIn: "not in",
    ast.Is: "is",
    ast.IsNot: "is not",
    ast.FloorDiv: "//",
    ast.MatMult: "@",
    ast.LShift: "<<",
    ast.RShift: ">>",
}


class _Parser:
    """Turns Python's syntax tree into an expression, node by allowed node."""

    def __init__(self, text: str, known: frozenset[str] | None) -> None:
        self.text = text
        # Python writes identifiers in NFKC: a column called µ (micro) comes back as μ (mu).
        self.known = None if known is None else {unicodedata.normalize("NFKC", n): n for n in known}

    def condition(self, node: ast.expr, depth: int) -> Condition:
        """Read a node that must be true or false."""
        self._check_depth(depth)
        match node:
            case ast.BoolOp(op=ast.And(), values=values):
                return _joined(Both, [self.condition(value, depth + 1) for value in values])
            case ast.BoolOp(values=values):
                return _joined(Either, [self.condition(value, depth + 1) for value in values])
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                return Not(self.condition(operand, depth + 1))
            case ast.Compare():
                return self._comparisons(node, depth)
            case ast.Call(func=ast.Name(id=name), args=[argument], keywords=[]) if name in _TESTS:
                return IsMissing(self.number(argument, depth + 1), wanted=name == "missing")
            case ast.Constant(value=int() | float()):
                raise self._refusal(node, "a number is neither true nor false")
        # A flag column may stand for itself: ``is_host`` means is_host != 0.
        return Comparison("!=", self.number(node, depth + 1), Constant(0.0))

    def number(self, node: ast.expr, depth: int) -> Number:
        """Read a node that must be a number."""
        self._check_depth(depth)
        match node:
            case ast.Constant(value=int() | float() as value):
                return Constant(self._as_float(node, value))
            case ast.Name(id=name):
                return ColumnValue(self._column(name))
            case ast.BinOp(left=left, op=op, right=right) if type(op) in _ARITHMETIC:
                sign = _ARITHMETIC[type(op)][0]
                return Arithmetic(sign, self.number(left, depth + 1), self.number(right, depth + 1))
            case ast.UnaryOp(op=ast.USub() | ast.UAdd()):
                return self._signed(node, depth)
            case ast.Call(func=ast.Name(id=name)):
                return self._function(node, name, depth)
        raise self._not_allowed(node)

    def _signed(self, node: ast.UnaryOp, depth: int) -> Number:
        number = self.number(node.operand, depth + 1)
        if isinstance(node.op, ast.UAdd):
            return number
        if isinstance(number, Constant):
            return Constant(-number.value)
        return Arithmetic("*", Constant(-1.0), number)

    def _function(self, node: ast.Call, name: str, depth: int) -> Function:
        if name in _TESTS:
            raise self._refusal(node, f"{name}(…) is true or false, not a number")
        if name not in _FUNCTIONS:
            raise ExpressionError(unknown("function", name, [*_FUNCTIONS, *_TESTS]))
        if len(node.args) != 1 or node.keywords:
            raise self._refusal(node, f"{name} takes one number")
        return Function(name, self.number(node.args[0], depth + 1))

    def _comparisons(self, node: ast.Compare, depth: int) -> Condition:
        for sign in node.ops:
            if type(sign) not in _COMPARISON:
                raise self._refusal(node, f"{_KINDS[type(sign)]} is not allowed")
        numbers = [self.number(each, depth + 1) for each in (node.left, *node.comparators)]
        steps = [
            Comparison(_COMPARISON[type(sign)][0], left, right)
            for sign, left, right in zip(node.ops, numbers, numbers[1:], strict=False)
        ]
        return _joined(Both, steps)

    def _column(self, name: str) -> str:
        if self.known is None:
            return name
        if name not in self.known:
            raise ExpressionError(unknown("column", name, self.known.values()))
        return self.known[name]

    def _as_float(self, node: ast.expr, value: float) -> float:
        try:
            number = float(value)
        except OverflowError:
            number = float("inf")
        if not np.isfinite(number):
            raise self._refusal(node, "a number this large is not allowed")
        if number != value:
            # Columns are read as float64 too: rows beside the one that is meant would be equal.
            raise self._refusal(node, f"{value} has more digits than the numbers of a column")
        return number

    def _check_depth(self, depth: int) -> None:
        if depth > MAX_DEPTH:
            raise ExpressionError(f"the selection is nested deeper than {MAX_DEPTH}")

    def _not_allowed(self, node: ast.expr) -> ExpressionError:
        kind: ast.AST = node.op if isinstance(node, ast.BinOp | ast.UnaryOp) else node
        if isinstance(kind, _BITWISE):
            return self._refusal(node, "write and, or, not in place of & | ~")
        if isinstance(kind, ast.BoolOp | ast.Compare | ast.Not):
            return self._refusal(node, "a condition is not a number")
        if isinstance(kind, ast.Constant):
            what = "a text" if isinstance(kind.value, str | bytes) else repr(kind.value)
        else:
            what = _KINDS.get(type(kind), type(kind).__name__.lower())
        return self._refusal(node, f"{what} is not allowed")

    def _refusal(self, node: ast.expr, what: str) -> ExpressionError:
        # Python counts bytes.
        before = self.text.encode()[: node.col_offset].decode(errors="ignore")
        return ExpressionError(
            f"at character {len(before) + 1}: {what}; allowed are columns, numbers, "
            f"+ - * / ** %, comparisons, and, or, not, {', '.join(_FUNCTIONS)}, "
            "missing(column), valid(column)"
        )


def _joined(kind: type[Both] | type[Either], parts: Sequence[Condition]) -> Condition:
    """Join conditions in a balanced tree: a thousand of them are ten deep."""
    if len(parts) == 1:
        return parts[0]
    half = len(parts) // 2
    return kind(_joined(kind, parts[:half]), _joined(kind, parts[half:]))
