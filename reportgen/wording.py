"""Numbers as people write them: grouped digits, real minus signs, sensible precision."""

import math
import re

MISSING = "—"
EXACT = 2**53
"""All integers up to it are float64 numbers."""

# Control characters but tab and line feed (XML 1.0, section 2.2), line breaks that not everybody
# knows, what turns the direction of the text around it or cannot be seen (Unicode TR 36, sections
# 2.5 and 2.10), and lone surrogates, which file names may hold.
UNPRINTABLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u2028-\u202e\u2060\u2066-\u2069\ufeff\ud800-\udfff\ufffe\uffff]"
)


def printable(text: str) -> str:
    """Return a text with what cannot be shown, or would hide something, as Python escapes it."""
    return UNPRINTABLE.sub(lambda found: repr(found[0])[1:-1], text.replace("\r\n", "\n"))


def printable_line(text: str) -> str:
    """Return a text for one line, as `printable`, tabs and line breaks escaped too."""
    return printable(text).replace("\t", "\\t").replace("\n", "\\n")


def count(n: float) -> str:
    """Return a whole number with its digits grouped: ``30,853``."""
    return (f"{n:,}" if isinstance(n, int) else f"{n:,.0f}").replace("-", "−")


def counted(n: int, things: str) -> str:
    """Return a number of things, whose plural is said: ``1 row`` for 1 and ``rows``."""
    return f"{count(n)} {things.removesuffix('s') if n == 1 else things}"


def number(value: float, digits: int | None = None) -> str:
    """Return a number with so many decimals, or with four significant digits.

    Very large and very small numbers have a power of ten: ``5.000×10⁻¹⁶``, which is the number
    with 19 decimals. Digits that a float does not have are left out, those of an integer beyond
    2**53 are not. NaN is an em dash.
    """
    if isinstance(value, int) and digits is not None and digits >= 0 and abs(value) > EXACT:
        return count(value)
    if math.isnan(value):
        return MISSING
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    exponent = math.floor(math.log10(abs(value))) if value else 0
    if digits is not None:
        return _with_decimals(value, exponent, digits)
    if -4 <= exponent < 7:
        return _trimmed(f"{value:,.{max(0, 3 - exponent)}f}")
    mantissa, _, power = f"{value:.3e}".partition("e")
    return power_of_ten(_trimmed(mantissa), power)


def _with_decimals(value: float, exponent: int, digits: int) -> str:
    decimals = min(digits, 16 - exponent)
    if not ((exponent < -4 and decimals > 7) or (exponent >= 7 and decimals < 0)):
        text = f"{value:,.{max(0, decimals) if value or decimals <= 12 else 0}f}"
        return text.replace("-", "−" if float(text.replace(",", "")) else "")
    if exponent < 0 and decimals + exponent < -1:
        return _with_decimals(0.0, 0, digits)  # as 0 itself is written
    mantissa, _, power = f"{value:.{max(0, decimals + exponent)}e}".partition("e")
    return power_of_ten(mantissa if decimals == digits else _trimmed(mantissa), power)


def _trimmed(text: str) -> str:
    return (text.rstrip("0").rstrip(".") if "." in text else text).replace("-", "−")


def exact(value: float) -> str:
    """Return a number with all its digits, as somebody typed it: ``0.05``, ``20,000``."""
    return _with_power(f"{value:,}".removesuffix(".0"))


def significant(value: float, digits: int) -> str:
    """Return a number with so many significant digits, trailing zeros left out."""
    return _with_power(f"{value:,.{digits}g}")


def _with_power(text: str) -> str:
    mantissa, e, power = text.partition("e")
    return power_of_ten(mantissa, power) if e else text.replace("-", "−")


def power_of_ten(mantissa: str, power: str) -> str:
    """Return a number from its two parts, as Python writes them: ``1.2`` and ``-05``."""
    return f"{mantissa}×10{raised(int(power))}".replace("-", "−")


def raised(power: int) -> str:
    """Return an exponent in raised digits: ``⁻⁵``."""
    return str(power).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))


def percent(fraction: float) -> str:
    """Return a fraction as a percentage, never rounded to an untrue 0 % or 100 %."""
    if math.isnan(fraction):
        return MISSING
    value = 100 * fraction
    if 0 < value < 0.1:
        return "<\u00a00.1\u00a0%"
    if 99.9 < value < 100:
        return ">\u00a099.9\u00a0%"
    digits = 0 if value in (0, 100) else 1
    return f"{value:.{digits}f}\u00a0%".replace("-", "−")


def bytes_text(size: float, digits: int = 3) -> str:
    """Return a size in bytes with so many significant digits, at least 3: ``2.9 MB``."""
    amount = float(size)
    for unit in ("B", "kB", "MB", "GB"):
        if amount < 1000 - 0.5 * 10.0 ** (3 - digits):
            return f"{amount:.{digits}g}\u00a0{unit}"
        amount /= 1000
    return f"{amount:.{digits}g}\u00a0TB" if amount < 1000 else f"{amount:.0f}\u00a0TB"


def clip(text: str, most: int) -> str:
    """Return a text of so many characters at most, an ellipsis where it was cut."""
    return text if len(text) <= most else f"{text[: max(most, 1) - 1].rstrip()}…"


def listed(names: list[str], most: int = 6) -> str:
    """Join names as a sentence does: ``a, b and c``."""
    if len(names) > most:
        names = [*names[:most], f"{len(names) - most} more"]
    if len(names) < 2:
        return "".join(names)
    return f"{', '.join(names[:-1])} and {names[-1]}"
