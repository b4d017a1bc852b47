"""Numbers and sentences of checks: a text never says what its number contradicts."""

import re
from decimal import Decimal

from reportgen.config.columns import Column
from reportgen.numbers import number

_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_LOWERED = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")
_SMALL, _LARGE = Decimal("1e-7"), Decimal("1e15")  # beyond, numbers have powers of ten
MOST_DIGITS = 17  # significant ones tell any two floats apart


def quantity(text: str, unit: str) -> str:
    """Give a formatted number with its unit."""
    return Column("", unit=unit).quantity(text)


def exact(value: float) -> str:
    """Give a number with all its digits, as somebody typed it: ``0.05``, ``20,000``."""
    return _with_power(f"{value:,}".removesuffix(".0"))


def significant(value: float, digits: int) -> str:
    """Give a number with so many significant digits, trailing zeros left out."""
    return _with_power(f"{value:,.{digits}g}")


def _with_power(text: str) -> str:
    mantissa, e, power = text.partition("e")
    raised = f"×10{str(int(power)).translate(_RAISED)}" if e else ""
    return f"{mantissa}{raised}".replace("-", "−")


def read_back(text: str) -> Decimal:
    """Give the number that a text shows."""
    mantissa, _, power = text.replace(",", "").replace("−", "-").partition("×10")
    return Decimal(f"{mantissa}e{power.translate(_LOWERED) or 0}")


def beside(value: float, limit: float, digits: int | None) -> str:
    """Give a number with enough digits to stand on its own side of a limit.

    digits: decimals to start with; None for four significant digits.
    """
    text = number(value, digits)
    side, edge = _side(value, limit), Decimal(repr(limit))
    if "×" not in text:
        first = len(text.partition(".")[2])
        texts = [text, *(number(value, decimals) for decimals in range(first + 1, 16))]
    else:
        texts = [text]
    fitting = (each for each in texts if _side(read_back(each), edge) == side)
    return next(fitting, exact(value))


def _side(value: float | Decimal, limit: float | Decimal) -> int:
    return (value > limit) - (value < limit)


def apart(first: float, second: float, digits: int | None = None) -> tuple[str, str]:
    """Give two numbers with enough digits that they read the same only if they are."""
    texts = number(first, digits), number(second, digits)
    for more in range(5, MOST_DIGITS + 1):
        if texts[0] != texts[1] or first == second:
            break
        texts = significant(first, more), significant(second, more)
    return texts


def difference(text: str, other: str) -> str:
    """Give by how much two shown numbers differ, so that the sum in a sentence is right."""
    far = abs(read_back(text) - read_back(other))
    return f"{far.normalize():,f}" if _SMALL <= far < _LARGE else exact(float(far))


def roughly(value: float, limit: float) -> str:
    """Give a number with few digits, but on its own side of a limit."""
    side, edge = _side(value, limit), Decimal(repr(limit))
    texts = (significant(value, digits) for digits in range(2, MOST_DIGITS + 1))
    return next((each for each in texts if _side(read_back(each), edge) == side), exact(value))


def stated(label: str, text: str) -> str:
    """Start a sentence on a quantity; the label may be a list or a plural: ``Rows: 2,000``."""
    last = re.split(r"[ \u00a0]", label)[-1]
    plural = last.endswith("s") and not last.endswith(("ss", "us", "is"))
    joint = ": " if plural or re.search(r"[,:;(]", label) else " is "
    return f"{capital(label)}{joint}{text}"


def capital(label: str) -> str:
    """Give a text with a capital first letter; a name such as flux_24 or z stays."""
    first = re.split(r"[\s,]", label)[0]
    plain = len(first) > 1 and first.replace("-", "").isalpha() and first.islower()
    return label[0].upper() + label[1:] if plain else label


def counted(n: int, noun: str) -> str:
    """Give a number of things: ``1 night``, ``14 nights``."""
    return f"{n:,} {noun}{'' if n == 1 else 's'}"
