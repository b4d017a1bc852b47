"""Whether a condition can be true, by the smallest and the largest values of its columns alone.

Rounding keeps the order of numbers: what is computed of values between two ends lies between what
is computed of the ends. So bounds are exact for sums, products and quotients, and only those of
functions, which may be off by a digit, are widened.
"""

import ast
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from reportgen.config.expression_values import (
    ARITHMETIC,
    FUNCTIONS,
    is_quantity,
    modified_julian_date,
)
from reportgen.config.expressions import Condition, Expression
from reportgen.wording import EXACT

Interval = tuple[Any, Any]
"""The ends between which all values are that are not missing, two numbers or two texts."""
Bounds = Mapping[str, Interval]
"""Of columns by name; nothing is known of others."""

NOTHING: Interval = (np.inf, -np.inf)
"""Of a column of numbers whose values are all missing."""
_WIDER = 1e-9  # of a function's value; far more than numpy's are off


def can_be_true(condition: Condition, bounds: Bounds) -> bool:
    """Return whether a row with values within bounds may be selected."""
    with np.errstate(all="ignore"):
        return _truth(condition.tree, bounds)[0]


def bounds_of(expression: Expression, bounds: Bounds) -> Interval | None:
    """Return between which ends the values of an expression are; None where that is not known."""
    with np.errstate(all="ignore"):
        return None if expression.is_condition else _interval(expression.tree, bounds)


def _truth(node: ast.expr, bounds: Bounds) -> tuple[bool, bool]:
    """Return whether a condition can be true, and whether it can be false."""
    match node:
        case ast.BoolOp(op=op, values=values):
            found = [_truth(value, bounds) for value in values]
            if isinstance(op, ast.And):
                return all(t for t, _ in found), any(f for _, f in found)
            return any(t for t, _ in found), all(f for _, f in found)
        case ast.UnaryOp(operand=operand):
            return _truth(operand, bounds)[::-1]
        case ast.Compare(left=left, ops=[ast.In() | ast.NotIn() as op], comparators=[several]):
            assert isinstance(several, ast.Tuple)  # noqa: S101 - the checker has seen to it
            value = _interval(left, bounds)
            pairs = [_compared(ast.Eq(), value, _interval(each, bounds)) for each in several.elts]
            one_of_them = any(t for t, _ in pairs), all(f for _, f in pairs)
            return one_of_them if isinstance(op, ast.In) else one_of_them[::-1]
        case ast.Compare(left=left, ops=ops, comparators=others):
            ends = [_interval(each, bounds) for each in (left, *others)]
            pairs = [_compared(op, a, b) for op, a, b in zip(ops, ends, ends[1:], strict=False)]
            return all(t for t, _ in pairs), any(f for _, f in pairs)
    return True, True


def _compared(sign: ast.cmpop, left: Interval | None, right: Interval | None) -> tuple[bool, bool]:
    if left is None or right is None or isinstance(left[0], str) != isinstance(right[0], str):
        return True, True
    match sign:
        case ast.Lt():
            return left[0] < right[1], left[1] >= right[0]
        case ast.LtE():
            return left[0] <= right[1], left[1] > right[0]
        case ast.Gt() | ast.GtE():
            return _compared(ast.Lt() if isinstance(sign, ast.Gt) else ast.LtE(), right, left)
    equal = left[0] <= right[1] and right[0] <= left[1]
    unequal = not left[0] == left[1] == right[0] == right[1]
    return (equal, unequal) if isinstance(sign, ast.Eq) else (unequal, equal)


def _interval(node: ast.expr, bounds: Bounds) -> Interval | None:
    found = _without_factor(node, bounds)
    if found is None or not hasattr(node, "factor"):
        return found
    return _at_corners(ARITHMETIC[ast.Mult], found, (node.factor, node.factor))


def _without_factor(node: ast.expr, bounds: Bounds) -> Interval | None:
    found: Interval | None = None
    match node:
        case ast.Constant(value=str() as text):
            found = text, text
        case ast.Constant(value=int() | float() as value):
            found = widened(float(value), float(value))
        case ast.Name(id=name):
            found = _at(float(name.split()[0])) if is_quantity(node) else bounds.get(name)
        case ast.UnaryOp(operand=operand):
            found = _at_corners(ARITHMETIC[ast.Mult], _interval(operand, bounds), (-1.0, -1.0))
        case ast.BinOp(left=left, op=ast.Add() | ast.Sub() | ast.Mult() | ast.Div(), right=right):
            by = _interval(right, bounds)
            if not isinstance(node.op, ast.Div) or not _may_be_zero(by):
                found = _at_corners(ARITHMETIC[type(node.op)], _interval(left, bounds), by)
        case ast.Call(func=ast.Name(id="mjd"), args=[ast.Constant(value=str() as text)]):
            found = _at(modified_julian_date(text))
        case ast.Call(func=ast.Name(id=name), args=arguments) if name in FUNCTIONS:
            given = [_interval(each, bounds) for each in arguments]
            found = _called(name, [each for each in given if _is_of_numbers(each)], len(given))
    return found


def _called(name: str, given: list[Any], arguments: int) -> Interval | None:
    """Return the bounds of a function of some arguments. given: of those that have bounds."""
    if len(given) < arguments:
        return None
    low, high = given[0]
    match name:
        case "separation":  # no less than that of the declinations
            nearest = max(given[1][0] - given[3][1], given[3][0] - given[1][1], 0.0)
            return nearest - _WIDER * 180, np.inf
        case "abs":
            nearest = 0.0 if low <= 0 <= high else min(abs(low), abs(high))
            return nearest, max(abs(low), abs(high))
        case "min" | "max":
            of = min if name == "min" else max
            return of(each[0] for each in given), of(each[1] for each in given)
        case "sqrt" | "log10" | "log" | "exp" | "floor" | "mag":
            ends = np.array([high, low] if name == "mag" else [low, high])
            low, high = FUNCTIONS[name].work(ends).tolist()
            # It is not a number where the function is not defined.
            return (
                low - _WIDER * abs(low) if np.isfinite(low) else -np.inf,
                high + _WIDER * abs(high) if np.isfinite(high) else np.inf,
            )
    return None


def _may_be_zero(interval: Interval | None) -> bool:
    return interval is None or not _is_of_numbers(interval) or interval[0] <= 0 <= interval[1]


def _is_of_numbers(interval: Interval | None) -> bool:
    return interval is not None and not isinstance(interval[0], str)


def _at(value: float) -> Interval | None:
    return None if np.isnan(value) else (value, value)


def _at_corners(
    step: Callable[[Any, Any], Any], left: Interval | None, right: Interval | None
) -> Interval | None:
    """Return the bounds of what is computed of two numbers; None where an end is not a number."""
    if left is None or right is None or not (_is_of_numbers(left) and _is_of_numbers(right)):
        return None
    found = [step(np.float64(a), np.float64(b)) for a in left for b in right]
    return None if np.isnan(found).any() else (float(min(found)), float(max(found)))


def widened(low: float, high: float) -> Interval | None:
    """Return ends that hold the integers that were rounded to these; None for no numbers."""
    if np.isnan(low) or np.isnan(high):
        return None
    low = float(np.nextafter(low, -np.inf)) if abs(low) >= EXACT else low
    high = float(np.nextafter(high, np.inf)) if abs(high) >= EXACT else high
    return low, high
