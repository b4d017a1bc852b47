"""Numbers and units in sentences: a text never says what its number contradicts."""

import math
import re
from decimal import Decimal
from itertools import chain

from reportgen.config.columns import unit_symbol, with_unit
from reportgen.wording import count, exact, number, power_of_ten, significant

_ATTACHED = {"%", "°", "′", "″"}
_NO_RATIO = {"%", "°", "′", "″", "mag", "dex", "dB", "°C"}
"""Units in which a percentage says nothing, or is easily read as the wrong one."""
_FAITHFUL = 0.1  # how much of a change may be lost by rounding
MOST_DIGITS = 17  # significant ones tell any two floats apart
_SMALL, _LARGE = Decimal("1e-7"), Decimal("1e15")  # beyond, numbers have powers of ten
_LOWERED = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")


def quantity(value: float, unit: str, digits: int | None = None) -> str:
    """Return a number with its unit; a number that is not 0 is not written as 0."""
    return with_unit(_least(value, digits), unit)


def before_and_after(
    before: float, after: float, unit: str, digits: int | None = None
) -> tuple[str, str]:
    """Return two numbers that differ so that they are seen to, and by how much.

    The first one bears its unit only where a sentence needs it on both: ``210``, ``248 µJy``.
    """
    one, other = _distinct(before, after, digits)
    first = with_unit(one, unit) if unit_symbol(unit) in _ATTACHED else one
    return first, with_unit(other, unit)


def has_ratio(unit: str) -> bool:
    """Return whether a percentage of a number in this unit means something to a reader."""
    return not any(part in _NO_RATIO for part in (unit_symbol(unit), unit))


def relative_change(before: float, after: float) -> float | None:
    """Return a change as a fraction of the number before; None from zero, or through it."""
    if before == 0 or (before < 0) != (after < 0):
        return None
    change = (after - before) / abs(before)
    return change if math.isfinite(change) else None


def signed_change(before: float, after: float, unit: str, digits: int | None = None) -> str:
    """Return by how much a number changed: ``+18 %``, ``+8.76 percentage points``, ``−0.1 mag``.

    It is the difference of the numbers as they are shown beside it where a percentage of the first
    would say nothing: in such units, and of what is small beside the change.
    """
    relative = relative_change(before, after)
    if relative is not None and abs(relative) < 10 and has_ratio(unit):
        return signed_percent(relative)
    far = difference(*_distinct(before, after, digits))
    if unit_symbol(unit) == "%":
        said = f"{far}\u00a0percentage point{'' if far == '1' else 's'}"
    else:
        said = with_unit(far, unit)
    return f"{'−' if after < before else '+'}{said}"


def signed_percent(fraction: float) -> str:
    """Return a relative change: ``+18 %``."""
    percent = 100 * abs(fraction)
    text = count(percent) if 9.95 <= percent < 1e6 else number(float(f"{percent:.1e}"))
    return f"{'−' if fraction < 0 else '+'}{text}\u00a0%"


def times(ratio: float) -> str:
    """Return how many times something is as large: ``4.2 times``."""
    text = count(ratio) if 9.95 <= ratio < 1e6 else number(float(f"{ratio:.1e}"))
    return f"{text}\u00a0times"


def _distinct(before: float, after: float, digits: int | None) -> tuple[str, str]:
    texts = _least(before, digits), _least(after, digits)
    for precision in range(4, MOST_DIGITS + 1):
        if _is_faithful(before, after, *texts):
            break
        texts = _precise(before, precision), _precise(after, precision)
    return texts


def _is_faithful(before: float, after: float, one: str, other: str) -> bool:
    """Return whether what is shown differs as much as the numbers do."""
    change = after - before
    if not math.isfinite(change):
        return True
    return abs(float(read_back(other) - read_back(one)) - change) <= _FAITHFUL * abs(change)


def _least(value: float, digits: int | None) -> str:
    """Return a number as the report shows it, unless that would make it 0."""
    text = number(value, digits if abs(value) < 1e15 else None)
    return number(value) if value and not read_back(text) else text


def _precise(value: float, significant: int) -> str:
    """Return a number with so many significant digits."""
    if value == 0:
        return "0"
    exponent = math.floor(math.log10(abs(value)))
    if -5 <= exponent < 15:
        return number(value, max(0, significant - 1 - exponent))
    mantissa, _, power = f"{value:.{significant - 1}e}".partition("e")
    return power_of_ten(mantissa, power)


def read_back(text: str) -> Decimal:
    """Return the number that a text shows."""
    mantissa, _, power = text.replace(",", "").replace("−", "-").partition("×10")
    return Decimal(f"{mantissa}e{power.translate(_LOWERED) or 0}")


def beside(value: float, limit: float, digits: int | None) -> str:
    """Return a number with enough digits to stand on its own side of a limit.

    digits: decimals to start with; None for four significant digits.
    """
    text = number(value, digits)
    side, edge = _side(value, limit), Decimal(repr(limit))
    if "×" not in text:
        first = len(text.partition(".")[2])
        texts = [text, *(number(value, decimals) for decimals in range(first + 1, 16))]
    else:
        texts = [text, *(significant(value, more) for more in range(5, MOST_DIGITS))]
    fitting = (each for each in texts if _side(read_back(each), edge) == side)
    return next(fitting, exact(value))


def _side(value: float | Decimal, limit: float | Decimal) -> int:
    return (value > limit) - (value < limit)


def apart(first: float, second: float, digits: int | None = None) -> tuple[str, str]:
    """Return two numbers with enough digits that they read the same only if they are."""
    texts = number(first, digits), number(second, digits)
    for more in range(5, MOST_DIGITS + 1):
        if texts[0] != texts[1] or first == second:
            break
        texts = significant(first, more), significant(second, more)
    return texts


def difference(text: str, other: str) -> str:
    """Return by how much two shown numbers differ, so that the sum in a sentence is right."""
    far = abs(read_back(text) - read_back(other))
    return f"{far.normalize():,f}" if _SMALL <= far < _LARGE else exact(float(far))


def roughly(value: float, limit: float) -> str:
    """Return a number with few digits, but on its own side of a limit."""
    side, edge = _side(value, limit), Decimal(repr(limit))
    whole = [count(value)] if 100 <= value < 1e6 else []
    texts = chain(whole, (significant(value, digits) for digits in range(2, MOST_DIGITS + 1)))
    return next((each for each in texts if _side(read_back(each), edge) == side), exact(value))


def stated(label: str, text: str) -> str:
    """Return the start of a sentence on a quantity: ``Median is 3``, ``Rows: 2,000``."""
    last = re.split(r"[ \u00a0]", label)[-1]
    plural = last.endswith("s") and not last.endswith(("ss", "us", "is"))
    joint = ": " if plural or re.search(r"[,:;(]", label) else " is "
    return f"{capital(label)}{joint}{text}"


def capital(label: str) -> str:
    """Return a text with a capital first letter; a name such as flux_24 or z stays."""
    first = re.split(r"[\s,]", label)[0]
    plain = len(first) > 1 and first.replace("-", "").isalpha() and first.islower()
    return label[0].upper() + label[1:] if plain else label
