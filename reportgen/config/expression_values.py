"""The values of expressions that have been checked: numbers and truth values of some rows."""

import ast
import operator
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache, reduce
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from reportgen.wording import EXACT

Values = NDArray[np.float64]
Truth = NDArray[np.bool_]
Rows = Mapping[str, NDArray[Any]]
"""Numbers are (rows,), NaN where missing, or (2, rows) with what rounding to float64 took from
integers; texts are numpy's StringDType, NaN where missing."""

ARITHMETIC: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
    ast.Mod: operator.mod,
}
COMPARISONS: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}
_AB_ZERO = 3631.0  # Jy, Oke and Gunn (1983)
_MJD_ZERO, _JD_OF_IT = datetime(1858, 11, 17, tzinfo=UTC), 2400000.5
_DATE = re.compile(r"\d{4}-\d\d-\d\d")


def is_quantity(node: ast.expr) -> bool:
    """Return whether a node is a number with its unit, which is a name with a blank in it."""
    return isinstance(node, ast.Name) and " " in node.id


def truth(node: ast.expr, rows: Rows) -> tuple[Truth, Truth]:
    """Return where a condition is true and where it is false; where neither, it is unknown."""
    match node:
        case ast.BoolOp(op=op, values=values):
            found = [truth(value, rows) for value in values]
            if isinstance(op, ast.And):
                return _all(found)
            return _all([pair[::-1] for pair in found])[::-1]  # a or b is not (not a and not b)
        case ast.UnaryOp(operand=operand):
            return truth(operand, rows)[::-1]
        case ast.Call(func=ast.Name(id=name), args=[argument]):
            valid = _is_valid(_operand(argument, rows))
            return (valid, ~valid) if name == "valid" else (~valid, valid)
        case ast.Compare(left=left, ops=[ast.In() | ast.NotIn() as op], comparators=[several]):
            assert isinstance(several, ast.Tuple)  # noqa: S101 - the checker has seen to it
            value = _operand(left, rows)
            pairs = [_compared(ast.Eq, value, _operand(each, rows)) for each in several.elts]
            none_of_them = _all([pair[::-1] for pair in pairs])
            return none_of_them[::-1] if isinstance(op, ast.In) else none_of_them
        case ast.Compare(left=left, ops=ops, comparators=others):
            operands = [_operand(each, rows) for each in (left, *others)]
            each = zip(ops, operands, operands[1:], strict=False)
            return _all([_compared(type(op), a, b) for op, a, b in each])
    raise TypeError(f"{ast.dump(node)} is no condition")


def number(node: ast.expr, rows: Rows) -> Any:
    """Return one number a row, NaN where it is missing or undefined."""
    value = _number(node, rows)
    return value * node.factor if hasattr(node, "factor") else value


def _number(node: ast.expr, rows: Rows) -> Any:
    match node:
        case ast.Constant(value=value):
            return np.float64(value)  # type: ignore[arg-type]
        case ast.Name(id=name):
            return np.float64(name.split()[0]) if is_quantity(node) else _rounded(rows[name])
        case ast.UnaryOp(operand=operand):
            return -number(operand, rows)
        case ast.BinOp(left=left, op=op, right=right):
            return ARITHMETIC[type(op)](number(left, rows), number(right, rows))
        case ast.Call(func=ast.Name(id=name), args=arguments):
            return _called(name, arguments, rows)
    raise TypeError(f"{ast.dump(node)} is no number")


def _called(name: str, arguments: list[ast.expr], rows: Rows) -> Any:
    function = FUNCTIONS[name]
    value = _operand if function.takes in ("bits", "date") else number
    return function.work(*(value(each, rows) for each in arguments))


def _operand(node: ast.expr, rows: Rows) -> Any:
    """Return what is compared: texts as they are, integers with all their digits."""
    match node:
        case ast.Constant(value=str() as text):
            return text
        case ast.Constant(value=int() as value) if abs(value) > EXACT:
            rounded = float(value)
            return np.array([[rounded], [float(value - int(rounded))]])
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() as value)):
            return _operand(ast.Constant(-value), rows)
        case ast.Name(id=name) if name in rows and not hasattr(node, "factor"):
            return rows[name]
    return number(node, rows)


def _rounded(values: Any) -> Any:
    return values if np.ndim(values) < 2 else values[0]


def _is_text(values: Any) -> bool:
    return isinstance(values, str) or values.dtype.kind == "T"


def _is_valid(values: Any) -> Truth:
    if _is_text(values):
        return np.asarray(True) if isinstance(values, str) else np.asarray(~np.isnan(values))
    return np.asarray(np.isfinite(_rounded(values)))


def _all(found: list[tuple[Truth, Truth]]) -> tuple[Truth, Truth]:
    """Join conditions by ``and`` in Kleene's three-valued logic: false where one is false."""
    return reduce(operator.and_, (t for t, _ in found)), reduce(operator.or_, (f for _, f in found))


def _compared(sign: type[ast.cmpop], left: Any, right: Any) -> tuple[Truth, Truth]:
    holds = COMPARISONS[sign]
    if _is_text(left) or _is_text(right):
        known = _is_valid(left) & _is_valid(right)
        true = np.asarray(holds(left, right))
    else:
        known = ~(np.isnan(_rounded(left)) | np.isnan(_rounded(right)))
        exact = np.ndim(left) == 2 or np.ndim(right) == 2
        true = _compared_exactly(holds, left, right) if exact else holds(left, right)
    return true & known, ~true & known


def _compared_exactly(holds: Callable[[Any, Any], Any], left: Any, right: Any) -> Truth:
    """Compare by the rounded numbers, and where these are equal by what rounding took."""
    (a, a_rest), (b, b_rest) = (
        each if np.ndim(each) == 2 else (each, np.float64(0)) for each in (left, right)
    )
    return np.asarray(np.where(a == b, holds(a_rest, b_rest), holds(a, b)))


def _bits(flags: Any, bits: Any) -> Values:
    """Return the bits of whole numbers that are set in a number; NaN for other numbers."""
    rounded = np.asarray(_rounded(flags))
    rest = flags[1] if np.ndim(flags) == 2 else np.float64(0)
    whole = (rounded == np.rint(rounded)) & (np.abs(rounded) <= 2.0**64)
    # Unsigned integers from 2**63 on have the bits of negative ones.
    signed = np.where(rounded >= 2.0**63, rounded - 2.0**64, rounded)
    integers = np.where(whole & (signed >= -(2.0**63)), signed, 0).astype(np.int64)
    found = (integers + np.where(whole, rest, 0).astype(np.int64)) & np.int64(bits)
    return np.where(whole, found.astype(np.float64), np.nan)


def _magnitude(flux_density: Values) -> Values:
    """Return AB magnitudes of flux densities in Jy."""
    return np.asarray(-2.5 * np.log10(flux_density / _AB_ZERO))


def _separation(ra: Values, dec: Values, other_ra: Values, other_dec: Values) -> Values:
    """Return the angle between positions, all in degrees (Vincenty 1975, for a sphere)."""
    step = np.radians(other_ra - ra)
    y, other_y = np.radians(dec), np.radians(other_dec)
    across = np.hypot(
        np.cos(other_y) * np.sin(step),
        np.cos(y) * np.sin(other_y) - np.sin(y) * np.cos(other_y) * np.cos(step),
    )
    along = np.sin(y) * np.sin(other_y) + np.cos(y) * np.cos(other_y) * np.cos(step)
    return np.asarray(np.degrees(np.arctan2(across, along)))


@lru_cache(maxsize=4096)
def modified_julian_date(text: str) -> float:
    """Return the MJD of a date as ISO 8601 writes it, in UTC if it names no zone; NaN for none."""
    try:
        found = datetime.fromisoformat(text.strip()) if _DATE.match(text.strip()) else None
        if found is None:
            return float("nan")
        found = found.replace(tzinfo=UTC) if found.tzinfo is None else found
        return (found - _MJD_ZERO) / timedelta(days=1)
    except (ValueError, OverflowError):
        return float("nan")


def _julian_date(values: Any) -> Any:
    if isinstance(values, str):
        return np.float64(modified_julian_date(values))
    if not _is_text(values):
        return _rounded(values)  # a column of times has been read as MJD
    dates = np.full(values.shape, np.nan)
    valid = ~np.isnan(values)
    unique, places = np.unique(values[valid], return_inverse=True)
    dates[valid] = np.array([modified_julian_date(each) for each in unique.tolist()])[places]
    return dates


class Function(NamedTuple):
    """A function of numbers; of dates and bits texts and all digits of integers are given.

    takes: what it takes, which decides its unit. said: the arguments, in words.
    """

    work: Callable[..., Any]
    takes: Literal["alike", "number", "square", "angle", "position", "flux", "bits", "date"]
    fewest: int = 1
    most: int = 1
    said: str = "one number"


_SEVERAL = 2, 50, "two numbers or more"
FUNCTIONS: Mapping[str, Function] = {
    "abs": Function(np.abs, "alike"),
    "sqrt": Function(np.sqrt, "square"),
    "log10": Function(np.log10, "number"),
    "log": Function(np.log, "number"),
    "exp": Function(np.exp, "number"),
    "floor": Function(np.floor, "alike"),
    "sin": Function(np.sin, "angle"),
    "cos": Function(np.cos, "angle"),
    "min": Function(lambda *values: reduce(np.minimum, values), "alike", *_SEVERAL),
    "max": Function(lambda *values: reduce(np.maximum, values), "alike", *_SEVERAL),
    "mag": Function(_magnitude, "flux"),
    "separation": Function(_separation, "position", 4, 4, "two positions: ra, dec, ra, dec"),
    "bits": Function(_bits, "bits", 2, 2, "flags and a number of bits"),
    "mjd": Function(_julian_date, "date"),
    "jd": Function(lambda values: _julian_date(values) + _JD_OF_IT, "date"),
}
