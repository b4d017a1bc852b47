"""What an expression may be: allowed nodes of Python's syntax tree, columns that exist, units.

The checked nodes say by what a number is multiplied (attribute ``factor``) so that it is in the
unit of what it is added to or compared with.
"""

import ast
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from reportgen.config import unit_arithmetic
from reportgen.config.columns import Column, unit_problem, unit_symbol
from reportgen.config.expression_values import (
    ARITHMETIC,
    COMPARISONS,
    FUNCTIONS,
    is_quantity,
    modified_julian_date,
)
from reportgen.config.problems import shortened
from reportgen.config.suggest import unknown
from reportgen.wording import EXACT, listed

TESTS = ("missing", "valid", "between")
LONGEST_TEXT = 200  # characters of one that is compared
_JULIAN_DATE = re.compile(r"(?i)(?:.*_|^)([mbh]?jd)(?:_.*|$)")


class ExpressionError(ValueError):
    """The text is no expression that reportgen understands."""


@dataclass(frozen=True)
class Operand:
    """A node that has been checked. unit: None where any fits: of a number that has none written.

    kind: a column of text, a text that is written, a number; any of them is ``unknown``.
    """

    node: ast.expr
    unit: str | None = None
    kind: Literal["number", "time", "column of text", "text", "unknown"] = "number"

    @property
    def is_text(self) -> bool:
        """Whether it is a text, of a column or written."""
        return self.kind in ("column of text", "text")


def constant(value: float) -> ast.Constant:
    """Return a number that is written as short as it can be: 1 and 1.0 are the same."""
    return ast.Constant(int(value) if value.is_integer() and abs(value) < 1e16 else value)


class Checker:
    """Copies the allowed nodes of Python's syntax tree, and refuses the others.

    text: what was parsed, for messages, and tree. quantities: the unit of each number that has one,
    by the byte at which the number begins. known: the columns that there are; None when nobody
    knows. Units are not looked at when that of a column is not known.
    """

    def __init__(
        self,
        text: str,
        tree: ast.expr,
        quantities: Mapping[int, str],
        known: Mapping[str, Column] | None,
    ) -> None:
        self.text = text
        self.quantities = quantities
        # Python writes identifiers in NFKC: a column called µ (micro) comes back as μ (mu).
        self.known: Mapping[str, Column] | None = None
        if known is not None:
            self.known = {unicodedata.normalize("NFKC", n): c for n, c in known.items()}
        names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
        used = [column for name, column in (self.known or {}).items() if name in names]
        self.has_units = known is not None and all(column.is_known for column in used)

    def is_condition(self, node: ast.expr) -> bool:
        """Return whether a node can only be true or false."""
        match node:
            case ast.BoolOp() | ast.Compare() | ast.UnaryOp(op=ast.Not()):
                return True
            case ast.Call(func=ast.Name(id=name)):
                return name in TESTS
        return False

    def condition(self, node: ast.expr) -> ast.expr:
        """Return a node that must be true or false."""
        match node:
            case ast.BoolOp(op=op, values=values):
                return ast.BoolOp(op, [self.condition(value) for value in values])
            case ast.UnaryOp(op=ast.Not() as op, operand=operand):
                return ast.UnaryOp(op, self.condition(operand))
            case ast.Compare():
                return self._compare(node)
            case ast.Call(func=ast.Name(id=name)) if name in TESTS:
                return self._test(node, name)
            case ast.Constant(value=int() | float()):
                raise self.refusal(node, "a number is neither true nor false")
        # A flag column may stand for itself: ``is_host`` means is_host != 0.
        return ast.Compare(self.number(node).node, [ast.NotEq()], [constant(0.0)])

    def _compare(self, node: ast.Compare) -> ast.expr:
        match node:
            case ast.Compare(left=left, ops=[ast.In() | ast.NotIn() as op], comparators=[several]):
                return self._membership(left, op, several)
        if not all(type(sign) in COMPARISONS for sign in node.ops):
            raise self._not_allowed(node)
        return self._comparison([node.left, *node.comparators], node.ops)

    def _test(self, node: ast.Call, name: str) -> ast.expr:
        several = name == "between"
        if len(node.args) != (3 if several else 1) or node.keywords:
            said = "a number and two limits" if several else "one column or number"
            raise self.refusal(node, f"{name} takes {said}")
        if several:
            value, low, high = node.args
            return self._comparison([low, value, high], [ast.LtE(), ast.LtE()])
        return ast.Call(ast.Name(name, ast.Load()), [self._operand(node.args[0]).node], [])

    def _comparison(self, nodes: Sequence[ast.expr], ops: list[ast.cmpop]) -> ast.expr:
        operands = [self._operand(node) for node in nodes]
        if any(each.is_text for each in operands):
            ordered = not all(isinstance(op, ast.Eq | ast.NotEq) for op in ops)
            operands = self._texts(nodes, operands, ordered=ordered)
        else:
            operands, _ = self._alike(nodes, operands)
        first, *others = [each.node for each in operands]
        return ast.Compare(first, ops, others)

    def _membership(self, left: ast.expr, op: ast.cmpop, several: ast.expr) -> ast.expr:
        if not isinstance(several, ast.Tuple | ast.List) or not several.elts:
            raise self.refusal(several, "after in come values such as ('a', 'b') or (1, 2)")
        nodes = [left, *several.elts]
        first, *others = [self._operand(node) for node in nodes]
        for node, each in zip(nodes[1:], others, strict=True):
            inner = each.node.operand if isinstance(each.node, ast.UnaryOp) else each.node
            if not (isinstance(inner, ast.Constant) or is_quantity(inner)):
                raise self.refusal(node, "after in come numbers or texts")
        operands = [first, *others]
        if any(each.is_text for each in operands):
            operands = self._texts(nodes, operands, ordered=False)
        else:
            operands, _ = self._alike(nodes, operands)
        values = ast.Tuple([each.node for each in operands[1:]], ast.Load())
        return ast.Compare(operands[0].node, [op], [values])

    def _texts(
        self, nodes: Sequence[ast.expr], operands: list[Operand], *, ordered: bool
    ) -> list[Operand]:
        """Return operands of which some are texts: all texts, or all dates."""
        numbers = [each for each in operands if each.kind in ("number", "time")]
        julian = next((_julian(each) for each in numbers if _julian(each)), "")
        if not numbers and not ordered:
            return operands
        if numbers and not julian:
            place = next(n for n, each in zip(nodes, operands, strict=True) if each.is_text)
            other = next(n for n, each in zip(nodes, operands, strict=True) if each in numbers)
            said = f"`{self._source(place)}` is text, and `{self._source(other)}` holds numbers"
            raise self.refusal(place, said)
        found = []
        for node, each in zip(nodes, operands, strict=True):
            if each.kind == "text" and np.isnan(modified_julian_date(ast.literal_eval(each.node))):
                said = "only dates such as '2024-01-31' have an order or can be compared with times"
                raise self.refusal(node, said)
            found.append(_date(each, julian or "mjd") if each.is_text else each)
        return found

    def _operand(self, node: ast.expr) -> Operand:
        """Return a node that may be a number, a text or a large integer."""
        match node:
            case ast.Constant(value=str() as text):
                if len(text) > LONGEST_TEXT or re.search("[\ud800-\udfff]", text):
                    said = "a text this long or with half a character is not allowed"
                    raise self.refusal(node, said)
                return Operand(ast.Constant(text), kind="text")
            case ast.Constant(value=int() as value) if self._is_large(node, value):
                return Operand(ast.Constant(value))
            case ast.UnaryOp(op=ast.USub() as op, operand=ast.Constant(value=int() as value)) if (
                self._is_large(node.operand, value)
            ):
                return Operand(ast.UnaryOp(op, ast.Constant(value)))
            case ast.Name(id=name):
                return self._column(node, name)
        return self.number(node)

    def _is_large(self, node: ast.expr, value: int) -> bool:
        """Return whether an integer is to be compared with all its digits."""
        if isinstance(value, bool) or node.col_offset in self.quantities or abs(value) <= EXACT:
            return False
        self._as_float(node, value, exact=False)
        return True

    def number(self, node: ast.expr) -> Operand:
        """Return a node that must be a number."""
        match node:
            case ast.Constant(value=int() | float() as value):
                return self._constant(node, value)
            case ast.Name(id=name):
                found = self._column(node, name)
                if found.is_text:
                    raise self.refusal(node, f"{name} holds text, not numbers")
                return found
            case ast.BinOp(left=left, op=op, right=right) if type(op) in ARITHMETIC:
                return self._arithmetic(node, left, op, right)
            case ast.UnaryOp(op=ast.UAdd(), operand=operand):
                return self.number(operand)
            case ast.UnaryOp(op=ast.USub() as op, operand=operand):
                found = self.number(operand)
                return Operand(ast.UnaryOp(op, found.node), found.unit)
            case ast.Call(func=ast.Name(id=name), args=arguments):
                return self._call(node, name, arguments)
            case ast.BoolOp() | ast.Compare() | ast.UnaryOp():
                raise self.refusal(node, "a condition is not a number")
        raise self._not_allowed(node)

    def _constant(self, node: ast.Constant, value: float) -> Operand:
        number = constant(self._as_float(node, value))
        unit = self.quantities.get(node.col_offset)
        if unit is None:
            return Operand(number)
        if problem := unit_problem(unit):
            raise self.refusal(node, problem)
        quantity = ast.Name(f"{ast.unparse(number)} {unit}", ast.Load())
        return Operand(quantity, _usual(unit) if self.has_units else None)

    def _arithmetic(
        self, node: ast.BinOp, left: ast.expr, op: ast.operator, right: ast.expr
    ) -> Operand:
        first, second = self.number(left), self.number(right)
        if isinstance(op, ast.Add | ast.Sub | ast.Mod):
            (first, second), unit = self._alike([left, right], [first, second])
            return Operand(ast.BinOp(first.node, op, second.node), unit)
        if first.unit is None and second.unit is None:
            return Operand(ast.BinOp(first.node, op, second.node))
        if isinstance(op, ast.Pow):
            second = self._pure(right, second, "an exponent")
            made = ast.BinOp(first.node, op, second.node)
            return self._raised(left, first, made, second)
        combine = unit_arithmetic.product if isinstance(op, ast.Mult) else unit_arithmetic.quotient
        try:
            unit, factor = combine(first.unit or "", second.unit or "")
        except (ValueError, TypeError):
            why = "astropy has no unit for the result"
            raise self._unit_refusal(node, [left, right], [first, second], why) from None
        return Operand(_scaled(ast.BinOp(first.node, op, second.node), factor), unit)

    def _raised(
        self, node: ast.expr, base: Operand, made: ast.expr, exponent: Operand | None = None
    ) -> Operand:
        """Return a power of a quantity, whose exponent must be a number that is written."""
        if not base.unit:
            return Operand(made, base.unit if exponent is None else "")
        value = 0.5
        if exponent is not None:
            try:
                value = float(ast.literal_eval(exponent.node))
            except (ValueError, TypeError):
                said = "the exponent of what has a unit must be a number that is written"
                raise self.refusal(node, said) from None
        try:
            unit, factor = unit_arithmetic.power(base.unit, value)
        except (ValueError, TypeError, OverflowError):
            why = "astropy has no unit for such a power"
            raise self._unit_refusal(node, [node], [base], why) from None
        return Operand(_scaled(made, factor), unit)

    def _call(self, node: ast.Call, name: str, arguments: list[ast.expr]) -> Operand:
        if name in TESTS:
            raise self.refusal(node, f"{name}(…) is true or false, not a number")
        function = FUNCTIONS.get(name)
        if function is None:
            raise self.refusal(node, unknown("function", name, [*FUNCTIONS, *TESTS]))
        if not function.fewest <= len(arguments) <= function.most or node.keywords:
            raise self.refusal(node, f"{name} takes {function.said}")
        if function.takes == "date":
            return self._time(arguments[0], name)
        if function.takes == "bits":
            return self._bits(*arguments)
        found = [self.number(each) for each in arguments]
        unit: str | None = ""
        match function.takes:
            case "alike":
                found, unit = self._alike(arguments, found)
            case "angle":
                found = [self._converted(arguments[0], found[0], "rad", f"{name} takes an angle")]
            case "position":
                said = f"{name} takes angles; numbers without a unit are degrees"
                pairs = zip(arguments, found, strict=True)
                found, unit = [self._converted(n, each, "deg", said) for n, each in pairs], "deg"
            case "flux":
                found, unit = [self._flux_density(arguments[0], found[0])], "mag"
            case "number":
                found = [self._pure(arguments[0], found[0], f"what {name} takes")]
                unit = None if found[0].unit is None else ""
        made = ast.Call(ast.Name(name, ast.Load()), [each.node for each in found], [])
        return self._raised(arguments[0], found[0], made) if name == "sqrt" else Operand(made, unit)

    def _time(self, node: ast.expr, name: str) -> Operand:
        found = self._operand(node)
        if found.kind == "text" and np.isnan(modified_julian_date(ast.literal_eval(found.node))):
            raise self.refusal(node, f"{name} takes a date such as '2024-01-31'")
        if found.kind == "number":
            raise self.refusal(node, f"{name} takes a date, or a column of dates")
        return _date(found, name)

    def _bits(self, flags: ast.expr, bits: ast.expr) -> Operand:
        found = self._pure(flags, self.number(flags), "flags")
        is_number = isinstance(bits, ast.Constant) and type(bits.value) is int
        if not is_number or not 0 < ast.literal_eval(bits) <= EXACT:
            raise self.refusal(
                bits, "which bits is said by a whole number, such as 4, or 6 for 2 and 4"
            )
        return Operand(
            ast.Call(ast.Name("bits", ast.Load()), [found.node, self.number(bits).node], []), ""
        )

    def _alike(
        self, nodes: Sequence[ast.expr], operands: Sequence[Operand]
    ) -> tuple[list[Operand], str | None]:
        """Return operands in one unit, that of the first that is no written number, and the unit.

        A number that is written without a unit is in that of the others.
        """
        with_unit = [each for each in operands if each.unit is not None]
        if not with_unit:
            return list(operands), None
        chosen = next((e for e in with_unit if not is_quantity(e.node)), with_unit[0])
        unit, other = chosen.unit or "", nodes[list(operands).index(chosen)]
        found = []
        for node, each in zip(nodes, operands, strict=True):
            try:
                factor = 1.0 if each.unit is None else unit_arithmetic.factor(each.unit, unit)
            except (ValueError, TypeError):
                raise self._unit_refusal(node, [node, other], [each, chosen]) from None
            found.append(Operand(_scaled(each.node, factor), unit))
        return found, unit

    def _converted(self, node: ast.expr, found: Operand, unit: str, wanted: str) -> Operand:
        """Return a number in a unit, which one without a unit has already."""
        if not found.unit:
            return found
        try:
            factor = unit_arithmetic.factor(found.unit, unit)
        except (ValueError, TypeError):
            said = f"{wanted}, and `{self._source(node)}` is in {unit_symbol(found.unit)}"
            said += "" if unit else f"; divide it by 1 {found.unit.replace(' ', '')}"
            raise self.refusal(node, said) from None
        return Operand(_scaled(found.node, factor), unit)

    def _pure(self, node: ast.expr, found: Operand, what: str) -> Operand:
        return self._converted(node, found, "", f"{what} must have no unit")

    def _flux_density(self, node: ast.expr, found: Operand) -> Operand:
        if not found.unit and self.has_units:
            said = f"mag takes a flux density, such as in Jy; `{self._source(node)}` has no unit"
            raise self.refusal(node, f"{said} (give its column one, or multiply by 1 Jy)")
        return self._converted(node, found, "Jy", "mag takes a flux density")

    def _column(self, node: ast.expr, name: str) -> Operand:
        if self.known is None:
            return Operand(ast.Name(name, ast.Load()), None, "unknown")
        if name not in self.known:
            names = [column.name for column in self.known.values()]
            raise self.refusal(node, unknown("column", name, names))
        column = self.known[name]
        found = ast.Name(column.name, ast.Load())
        if column.kind == "text":
            return Operand(found, kind="column of text")
        unit = _usual(column.unit) if self.has_units else None
        return Operand(found, unit, "time" if column.kind == "time" else "number")

    def _as_float(self, node: ast.expr, value: float, *, exact: bool = True) -> float:
        try:
            number = float(value)
        except OverflowError:
            number = float("inf")
        if not np.isfinite(number):
            raise self.refusal(node, "a number this large is not allowed")
        if exact and number != value:
            # In arithmetic, columns are float64 too.
            said = f"{shortened(str(value))} has more digits than numbers that are computed"
            raise self.refusal(node, said)
        return number

    def _unit_refusal(
        self,
        place: ast.expr,
        nodes: Sequence[ast.expr],
        operands: Sequence[Operand],
        why: str = "these units do not fit together",
    ) -> ExpressionError:
        """Return the error of units with which something cannot be done."""
        for each in operands:
            if problem := unit_problem(each.unit or ""):
                cure = "write the unit of its column in the configuration"
                return self.refusal(place, f"{problem.rstrip('.')}; {cure}")
        said = [
            f"`{self._source(node)}` {f'is in {unit_symbol(o.unit)}' if o.unit else 'has no unit'}"
            for node, o in zip(nodes, operands, strict=True)
        ]
        bare = [n for n, o in zip(nodes, operands, strict=True) if not o.unit]
        names = [node.id for node in bare if isinstance(node, ast.Name)]
        cure = f"; columns: {{{names[0]}: {{unit: …}}}} of the catalogue sets it" if names else ""
        return self.refusal(place, f"{listed(said)}: {why}{cure}")

    def _source(self, node: ast.expr) -> str:
        source = ast.get_source_segment(self.text, node) or ""
        for each in ast.walk(node):  # a unit at the end is no part of the tree
            if isinstance(each, ast.Constant) and each.end_col_offset == node.end_col_offset:
                source = " ".join(filter(None, [source, self.quantities.get(each.col_offset)]))
        return shortened(source)

    def _not_allowed(self, node: ast.expr) -> ExpressionError:
        return self.refusal(
            node,
            f"`{self._source(node)}` is not allowed; allowed are columns, numbers, + - * / ** %, "
            f"comparisons, and, or, not, in, {', '.join(FUNCTIONS)}, {', '.join(TESTS)}",
        )

    def refusal(self, node: ast.expr, what: str) -> ExpressionError:
        """Return the error of a node."""
        # Python counts bytes.
        before = self.text.encode()[: node.col_offset].decode(errors="ignore")
        return ExpressionError(f"at character {len(before) + 1}: {what}")


def _usual(unit: str) -> str:
    """Return a unit such as mJy/beam as those that are known without astropy are written."""
    unit = re.sub(r"[µμ]", "u", unit)
    return " / ".join(part.strip() for part in unit.split("/")) if unit.count("/") == 1 else unit


def _scaled(node: ast.expr, factor: float) -> ast.expr:
    """Return a node whose value is multiplied."""
    if factor != 1.0:
        node.factor = getattr(node, "factor", 1.0) * factor  # type: ignore[attr-defined]
    return node


def _julian(operand: Operand) -> str:
    """Return the function that makes such dates as a number is: mjd or jd; empty for no date."""
    node = operand.node
    if operand.kind == "time":
        return "mjd"
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        return node.func.id if node.func.id in ("mjd", "jd") else ""
    found = _JULIAN_DATE.match(node.id) if isinstance(node, ast.Name) else None
    return "" if found is None else "mjd" if found[1].lower() == "mjd" else "jd"


def _date(operand: Operand, name: str) -> Operand:
    """Return a text or a time as a Julian date."""
    if operand.kind == "time" and name == "mjd":
        return operand
    return Operand(ast.Call(ast.Name(name, ast.Load()), [operand.node], []), "d", "time")
