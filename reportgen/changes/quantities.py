"""Units of metrics, and numbers with them, for sentences about two runs."""

import math
from functools import lru_cache

from reportgen.config.columns import unit_problem, unit_symbol
from reportgen.numbers import count, number

_ATTACHED = {"%", "°", "′", "″"}
_NO_RATIO = {"%", "°", "′", "″", "mag", "dex", "dB", "°C"}
"""Units in which a percentage says nothing, or is easily read as the wrong one."""
_FAITHFUL = 0.1  # how much of a change may be lost by rounding
_MOST_DIGITS = 17  # of a binary64 number
_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_LOWERED = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹−", "-0123456789-")


@lru_cache(maxsize=256)
def symbol(unit: str) -> str:
    """Return a unit as text for people; one that astropy does not know as it is."""
    return unit if unit_problem(unit) else unit_symbol(unit)


def quantity(value: float, unit: str, digits: int | None = None) -> str:
    """Return a number with its unit; a number that is not 0 is not written as 0."""
    return with_unit(_least(value, digits), unit)


def with_unit(text: str, unit: str) -> str:
    """Return a formatted number with its unit."""
    sign = symbol(unit)
    if not sign:
        return text
    gap = "" if sign in _ATTACHED - {"%"} else "\u00a0"
    return f"{text}{gap}{sign}"


def before_and_after(
    before: float, after: float, unit: str, digits: int | None = None
) -> tuple[str, str]:
    """Return two numbers that differ so that they are seen to, and by how much.

    The first one bears its unit only where a sentence needs it on both: ``210``, ``248 µJy``.
    """
    one, other = _distinct(before, after, digits)
    first = with_unit(one, unit) if symbol(unit) in _ATTACHED else one
    return first, with_unit(other, unit)


def has_ratio(unit: str) -> bool:
    """Return whether a percentage of a number in this unit means something to a reader."""
    return not any(part in _NO_RATIO for part in (symbol(unit), unit))


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
    for significant in range(4, _MOST_DIGITS + 1):
        if _is_faithful(before, after, *texts):
            break
        texts = _precise(before, significant), _precise(after, significant)
    return texts


def _is_faithful(before: float, after: float, one: str, other: str) -> bool:
    """Return whether what is shown differs as much as the numbers do."""
    change = after - before
    if not math.isfinite(change):
        return True
    return abs((_read(other) - _read(one)) - change) <= _FAITHFUL * abs(change)


def _least(value: float, digits: int | None) -> str:
    """Return a number as the report shows it, unless that would make it 0."""
    text = number(value, digits if abs(value) < 1e15 else None)
    return number(value) if value and not _read(text) else text


def _precise(value: float, significant: int) -> str:
    """Return a number with so many significant digits."""
    if value == 0:
        return "0"
    exponent = math.floor(math.log10(abs(value)))
    if -5 <= exponent < 15:
        return number(value, max(0, significant - 1 - exponent))
    mantissa, _, power = f"{value:.{significant - 1}e}".partition("e")
    return f"{mantissa}×10{str(int(power)).translate(_RAISED)}".replace("-", "−")


def _read(text: str) -> float:
    """Return the number that a reader sees."""
    mantissa, _, power = text.translate(_LOWERED).replace(",", "").partition("×10")
    return float(f"{mantissa}e{power or 0}")
