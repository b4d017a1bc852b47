"""Where an axis has its ticks and how their numbers read: plain text, digits grouped.

Matplotlib's own would set each number as a formula, which takes most of a figure's time, and leaves
a logarithmic axis of less than a decade without a number.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from reportgen.analyses.plotting.lettering import text_width
from reportgen.wording import number, raised

Values = NDArray[np.float64]

MOST_DECADES = 6  # as many powers of ten as fit beside each other
MOST_MINOR = 72  # more ticks between the numbered ones would be a grey band
STEPS = (1, 2, 3, 5, 10, 20, 50, 100, 200)  # powers of ten from one numbered tick to the next
FINEST = 15  # decimals of a mantissa that float64 has
PLAIN = (1e-2, 1e2)  # powers of ten within these are written out: 0.01, 1, 100


def linear_ticks(low: float, high: float, most: int = 6, *, whole: bool = False) -> Values:
    """Return round numbers within the ends of a linear axis, at most so many.

    whole: whole numbers only, as counts have.
    """
    from matplotlib.ticker import MaxNLocator

    # In units of a power of ten, since matplotlib's arithmetic ends before float64 does.
    size = max(abs(low), abs(high))
    scale = 1.0 if whole or size <= 1e-306 else 10.0 ** np.floor(np.log10(size))
    locator = MaxNLocator(most, steps=[1, 2, 2.5, 5, 10], integer=whole)
    ticks = np.asarray(locator.tick_values(low / scale, high / scale)) * scale
    slack = 1e-9 * (high / scale - low / scale) * scale
    return ticks[(ticks >= low - slack) & (ticks <= high + slack)]


def log_ticks(low: float, high: float) -> tuple[Values, Values]:
    """Return the numbered and the other ticks within the ends of a logarithmic axis.

    Numbered are powers of ten, where they are two at least; else 1, 2 and 5 times them, or round
    numbers where those are too few.
    """
    first, last = int(np.floor(np.log10(low))), int(np.ceil(np.log10(high)))
    decades = [power for power in range(first, last + 1) if low <= 10.0**power <= high]
    between = np.array([m * 10.0**p for p in range(first, last + 1) for m in range(2, 10)])
    between = between[(between >= low) & (between <= high)]
    if len(decades) > 1:
        step = next(n for n in STEPS if len(decades) <= n * MOST_DECADES)
        major = np.array([10.0**power for power in decades if power % step == 0])
        if step > 1:
            between = np.array([10.0**power for power in decades if power % step])
        return major, between if len(between) <= MOST_MINOR else np.empty(0)
    for factors in ((1, 2, 5), (1, 2, 3, 4, 6, 8)):
        major = np.array([m * 10.0**p for p in range(first, last + 1) for m in factors])
        major = major[(major >= low) & (major <= high)]
        if 2 <= len(major) <= MOST_DECADES:
            return major, np.setdiff1d(between, major)
    return linear_ticks(low, high, most=4), np.empty(0)


def tick_labels(ticks: Values, *, log: bool = False) -> list[str]:
    """Return the ticks as text, all with the same number of decimals; powers of ten as ``10⁵``."""
    if not len(ticks):
        return []
    powers = np.log10(ticks) if log else np.empty(0)
    if log and len(ticks) > 1 and np.allclose(powers, np.rint(powers), rtol=0, atol=1e-6):
        if PLAIN[0] * 0.99 <= ticks[0] and ticks[-1] <= PLAIN[1] * 1.01:
            return [number(float(tick)) for tick in ticks]
        return [f"10{raised(int(np.rint(power)))}" for power in powers]
    most = float(np.abs(ticks).max())
    steps = np.diff(ticks)
    step = float(steps.min()) if len(steps) else most
    # Not where it would hide what tells the numbers apart: 2,460,000,000.5 and 2,460,000,001.0.
    if (most >= 1e7 and (step > 1e-5 * most or most >= 1e15)) or 0 < most < 1e-3:
        return _with_power(ticks, most, step)
    return [number(float(tick), _decimals(step)) for tick in ticks]


def _with_power(ticks: Values, most: float, step: float) -> list[str]:
    power = int(np.floor(np.log10(most)))
    scale = 10.0**power
    if scale == 0:  # among the smallest numbers, which have fewer digits
        return [number(float(tick)) for tick in ticks]
    decimals = min(_decimals(step / scale), FINEST)
    return [
        "0" if tick == 0 else f"{number(float(tick / scale), decimals)}×10{raised(power)}"
        for tick in ticks
    ]


def _decimals(step: float) -> int:
    """Return how many decimals tell numbers apart that are multiples of a step."""
    if step <= 0:
        return 0
    for decimals in range(FINEST):
        if abs(step * 10**decimals - round(step * 10**decimals)) < 1e-6 * step * 10**decimals:
            return decimals
    return FINEST


def set_linear(axis: Any, low: float, high: float, most: int = 6, *, whole: bool = False) -> None:
    """Set the ends and ticks of a linear axis: fewer than most, where their numbers are wide."""
    _set(axis, "linear", low, high)
    room = _room(axis.axes.figure)
    for fewer in range(most, 1, -1):
        ticks = linear_ticks(low, high, fewer, whole=whole)
        labels = tick_labels(ticks)
        if axis.axis_name == "y" or sum(text_width(f"{label}  ") for label in labels) <= room:
            break
    axis.set_ticks(ticks.tolist(), labels)


def _room(figure: Any) -> float:
    """Return how wide the numbers of a horizontal axis may be together, in points."""
    return 0.7 * 72 * float(figure.get_figwidth())


def set_log(axis: Any, low: float, high: float) -> None:
    """Set the ends and ticks of a logarithmic axis."""
    _set(axis, "log", low, high)
    major, minor = log_ticks(low, high)
    labels, figure = tick_labels(major, log=True), axis.axes.figure
    while axis.axis_name == "x" and len(labels) > 1:
        if sum(text_width(f"{label}  ") for label in labels) <= _room(figure):
            break
        major = major[::2]
        labels = tick_labels(major, log=True)
    axis.set_ticks(major.tolist(), labels)
    axis.set_ticks(minor.tolist(), minor=True)


def set_around(
    axis: Any, values: Values, share: float = 0.03, *, log: bool = False, **ticks: Any
) -> None:
    """Set the ends of an axis a little beyond those of values, and its ticks, as set_linear."""
    ends = padded(float(np.min(values)), float(np.max(values)), share, log=log)
    (set_log if log else set_linear)(axis, *ends, **ticks)


def middles(edges: Values, *, log: bool = False) -> Values:
    """Return the middle of each bin, on the axis as it is drawn; near 1e308, too."""
    low, high = edges[:-1], edges[1:]
    return np.sqrt(low) * np.sqrt(high) if log else low / 2 + high / 2


def _set(axis: Any, scale: str, low: float, high: float) -> None:
    name = axis.axis_name
    getattr(axis.axes, f"set_{name}scale")(scale)
    getattr(axis.axes, f"set_{name}lim")(low, high)
    if scale == "log":
        from matplotlib.ticker import NullFormatter

        axis.set_minor_formatter(NullFormatter())


def padded(
    low: float, high: float, share: float = 0.03, *, log: bool = False
) -> tuple[float, float]:
    """Return ends of an axis a little beyond those of the data."""
    if low == high:
        if log:
            return low / 2, high * 2
        side = abs(low) * 0.1 or 0.5
        return low - side, high + side
    if log:
        gap = (high / low) ** share if np.isfinite(high / low) else 10.0
        return low / gap, high * gap
    side = high * share - low * share
    return low - side, high + side
