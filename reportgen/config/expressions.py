"""Row selections such as ``flux_36 > 0 and stellarity < 0.9``: read by Python's parser, never run.

Of Python's syntax tree only the nodes that are listed here are allowed; they are evaluated here.
A comparison with a missing value is neither true nor false, as in SQL: a row is selected only where
the whole expression is true. ``missing(column)`` and ``valid(column)`` ask for it outright.
"""

import ast
import operator
import re
import unicodedata
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import reduce
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reportgen.config.problems import shortened
from reportgen.config.suggest import unknown

Values = NDArray[np.float64]
Truth = NDArray[np.bool_]
Rows = Mapping[str, Values]

MAX_LENGTH = 2000  # characters; a selection is one line of a YAML file
MAX_DEPTH = 50

_ARITHMETIC: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
    ast.Mod: operator.mod,
}
_COMPARISONS: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}
_SIGNS = dict(zip(("<", "<=", ">", ">=", "==", "!="), _COMPARISONS, strict=True))
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


@dataclass(frozen=True)
class Condition:
    """A selection of rows, written in one way, so that equal ones of two sections share their work.

    tree: syntax tree of the nodes that ``parse`` allows.
    """

    text: str
    tree: ast.expr = field(repr=False, compare=False)

    def __str__(self) -> str:
        return self.text

    @property
    def columns(self) -> frozenset[str]:
        """Names of the columns it reads."""
        nodes = list(ast.walk(self.tree))
        functions = {node.func for node in nodes if isinstance(node, ast.Call)}
        return frozenset(
            node.id for node in nodes if isinstance(node, ast.Name) and node not in functions
        )

    def selected(self, rows: Rows) -> Truth:
        """Return where it is true, (rows,), or one value for all rows when it reads no column.

        rows: values of each column, NaN where missing.
        """
        with np.errstate(all="ignore"):
            return _truth(self.tree, rows)[0]


def both(first: Condition | None, second: Condition | None) -> Condition | None:
    """Join two optional selections; None selects every row."""
    if first is None or second is None:
        return first or second
    return _condition(ast.BoolOp(ast.And(), [*_joined(first.tree), *_joined(second.tree)]))


def compare(column: str, sign: str, value: float) -> Condition:
    """Return the condition ``column sign value``."""
    name = ast.Name(column, ast.Load())
    return _condition(ast.Compare(name, [_SIGNS[sign]()], [_constant(float(value))]))


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
    if found := re.search("[#&|~]", text):  # # begins a comment, the others mean bits to Python
        place = f"at character {found.start() + 1}: {found[0]} is not allowed"
        raise ExpressionError(f"{place}; {_advice(text)}")
    tree = _tree(text)
    _check_depth(tree)
    return _condition(_Checker(text, known).condition(tree))


def _condition(tree: ast.expr) -> Condition:
    return Condition(_text(tree), tree)


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


def _constant(value: float) -> ast.Constant:
    """Return a number that is written as short as it can be: 1 and 1.0 are the same."""
    return ast.Constant(int(value) if value.is_integer() and abs(value) < 1e16 else value)


def _joined(tree: ast.expr) -> list[ast.expr]:
    return tree.values if isinstance(tree, ast.BoolOp) and isinstance(tree.op, ast.And) else [tree]


def _truth(node: ast.expr, rows: Rows) -> tuple[Truth, Truth]:
    """Return where a condition is true and where it is false; where neither, it is unknown."""
    match node:
        case ast.BoolOp(op=op, values=values):
            found = [_truth(value, rows) for value in values]
            if isinstance(op, ast.And):
                return _all(found)
            return _all([pair[::-1] for pair in found])[::-1]  # a or b is not (not a and not b)
        case ast.UnaryOp(operand=operand):
            return _truth(operand, rows)[::-1]
        case ast.Call(func=ast.Name(id=name), args=[argument]):
            valid = np.isfinite(_number(argument, rows))
            return (valid, ~valid) if name == "valid" else (~valid, valid)
        case ast.Compare(left=left, ops=ops, comparators=others):
            numbers = [_number(each, rows) for each in (left, *others)]
            pairs = zip(ops, numbers, numbers[1:], strict=False)
            return _all([_compared(_COMPARISONS[type(op)], a, b) for op, a, b in pairs])
    raise TypeError(f"{ast.dump(node)} is no condition")


def _all(found: list[tuple[Truth, Truth]]) -> tuple[Truth, Truth]:
    """Join conditions by ``and`` in Kleene's three-valued logic: false where one is false."""
    return reduce(operator.and_, (t for t, _ in found)), reduce(operator.or_, (f for _, f in found))


def _compared(holds: Callable[[Any, Any], Any], left: Values, right: Values) -> tuple[Truth, Truth]:
    known = ~(np.isnan(left) | np.isnan(right))
    true = holds(left, right)
    return true & known, ~true & known


def _number(node: ast.expr, rows: Rows) -> Any:
    """Return one number a row, NaN where it is missing or undefined."""
    match node:
        case ast.Constant(value=value):
            return np.float64(value)  # type: ignore[arg-type]
        case ast.Name(id=name):
            return rows[name]
        case ast.UnaryOp(operand=operand):
            return -_number(operand, rows)
        case ast.BinOp(left=left, op=op, right=right):
            return _ARITHMETIC[type(op)](_number(left, rows), _number(right, rows))
        case ast.Call(func=ast.Name(id=name), args=[argument]):
            return _FUNCTIONS[name](_number(argument, rows))
    raise TypeError(f"{ast.dump(node)} is no number")


def _tree(text: str) -> ast.expr:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of Python's taste in code, such as "1or x"
            return ast.parse(text, mode="eval").body
    except (SyntaxError, ValueError, MemoryError, RecursionError) as error:
        offset = error.offset if isinstance(error, SyntaxError) else None
        place = f" at character {offset}" if offset else ""
        said = f"cannot read {shortened(text, 120)!r}{place}"
        raise ExpressionError(f"{said}; {_advice(text)}") from None


_ADVICE = {
    r"[&|~]|!(?!=)": "write and, or, not in place of & | ~ !",
    r"(?<![<>=!])=(?!=)": "write == to compare",
    "<>": "write != for unequal",
    r"\b(AND|OR|NOT)\b": "write and, or, not in small letters",
    "": "write it like: flux_36 > 0 and stellarity < 0.9",
}
"""What to write instead of a text that cannot be read, by the first pattern that is in it."""


def _advice(text: str) -> str:
    return next(advice for pattern, advice in _ADVICE.items() if re.search(pattern, text))


class _Checker:
    """Copies the allowed nodes of Python's syntax tree, and refuses the others."""

    def __init__(self, text: str, known: frozenset[str] | None) -> None:
        self.text = text
        # Python writes identifiers in NFKC: a column called µ (micro) comes back as μ (mu).
        self.known = None if known is None else {unicodedata.normalize("NFKC", n): n for n in known}

    def condition(self, node: ast.expr) -> ast.expr:
        """Return a node that must be true or false."""
        match node:
            case ast.BoolOp(op=op, values=values):
                return ast.BoolOp(op, [self.condition(value) for value in values])
            case ast.UnaryOp(op=ast.Not() as op, operand=operand):
                return ast.UnaryOp(op, self.condition(operand))
            case ast.Compare(left=left, ops=ops, comparators=others):
                if not all(type(sign) in _COMPARISONS for sign in ops):
                    raise self._not_allowed(node)
                first, *more = [self.number(each) for each in (left, *others)]
                return ast.Compare(first, ops, more)
            case ast.Call(func=ast.Name(id=name), args=[argument], keywords=[]) if name in _TESTS:
                return ast.Call(node.func, [self.number(argument)], [])
            case ast.Constant(value=int() | float()):
                raise self._refusal(node, "a number is neither true nor false")
        # A flag column may stand for itself: ``is_host`` means is_host != 0.
        return ast.Compare(self.number(node), [ast.NotEq()], [_constant(0.0)])

    def number(self, node: ast.expr) -> ast.expr:
        """Return a node that must be a number."""
        match node:
            case ast.Constant(value=int() | float() as value):
                return _constant(self._as_float(node, value))
            case ast.Name(id=name):
                return ast.Name(self._column(name), ast.Load())
            case ast.BinOp(left=left, op=op, right=right) if type(op) in _ARITHMETIC:
                return ast.BinOp(self.number(left), op, self.number(right))
            case ast.UnaryOp(op=ast.UAdd(), operand=operand):
                return self.number(operand)
            case ast.UnaryOp(op=ast.USub() as op, operand=operand):
                return ast.UnaryOp(op, self.number(operand))
            case ast.Call(func=ast.Name(id=name), args=arguments):
                if name in _TESTS:
                    raise self._refusal(node, f"{name}(…) is true or false, not a number")
                if name not in _FUNCTIONS:
                    raise ExpressionError(unknown("function", name, [*_FUNCTIONS, *_TESTS]))
                if len(arguments) != 1 or node.keywords:
                    raise self._refusal(node, f"{name} takes one number")
                return ast.Call(node.func, [self.number(arguments[0])], [])
            case ast.BoolOp() | ast.Compare() | ast.UnaryOp():
                raise self._refusal(node, "a condition is not a number")
        raise self._not_allowed(node)

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
            said = f"{shortened(str(value))} has more digits than numbers of columns"
            raise self._refusal(node, said)
        return number

    def _not_allowed(self, node: ast.expr) -> ExpressionError:
        source = ast.get_source_segment(self.text, node) or ""
        return self._refusal(node, f"`{shortened(source)}` is not allowed")

    def _refusal(self, node: ast.expr, what: str) -> ExpressionError:
        # Python counts bytes.
        before = self.text.encode()[: node.col_offset].decode(errors="ignore")
        return ExpressionError(
            f"at character {len(before) + 1}: {what}; allowed are columns, numbers, "
            f"+ - * / ** %, comparisons, and, or, not, {', '.join(_FUNCTIONS)}, "
            "missing(column), valid(column)"
        )


def _check_depth(node: ast.AST, depth: int = 0) -> None:
    if depth > MAX_DEPTH:
        raise ExpressionError(f"the selection is nested deeper than {MAX_DEPTH}")
    for inner in ast.iter_child_nodes(node):
        _check_depth(inner, depth + 1)
