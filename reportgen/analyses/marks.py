"""The small marks between the numbered ticks of an axis, all of them in one piece.

Matplotlib makes three lines and two texts for each of its ticks, numbered or not, and goes through
them whenever it places or draws anything: on a logarithmic axis that took as long as all else.
"""

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]


def mark_between(axis: Any, places: Values) -> None:
    """Mark places on an axis whose ends are settled, as matplotlib would draw minor ticks."""
    import matplotlib as mpl
    from matplotlib.lines import Line2D

    style: Any = mpl.rcParams
    kind = f"{axis.axis_name}tick"
    is_far = axis.get_ticks_position() in {"top", "right"}
    fixed = [1.0 if is_far else 0.0] * len(places)
    across = getattr(axis.axes, f"get_{axis.axis_name}axis_transform")(
        which="tick2" if is_far else "tick1"
    )
    line = Line2D(
        *((places, fixed) if axis.axis_name == "x" else (fixed, places)),
        linestyle="none",
        marker=_outward(axis.axis_name, is_far=is_far),
        markersize=style[f"{kind}.minor.size"],
        markeredgewidth=style[f"{kind}.minor.width"],
        color=style[f"{kind}.color"],
        transform=across,
    )
    axis.axes.add_artist(_marks_type()(line, axis))


def marked_between(axis: Any) -> list[float]:
    """Give the places on an axis that are marked."""
    found = [each for each in axis.axes.artists if isinstance(each, _marks_type())]
    data = [each.line.get_data()[axis.axis_name == "y"] for each in found if each.axis is axis]
    return [float(place) for places in data for place in places]


def _outward(name: str, *, is_far: bool) -> Any:
    from matplotlib import markers

    if name == "x":
        return markers.TICKUP if is_far else markers.TICKDOWN
    return markers.TICKRIGHT if is_far else markers.TICKLEFT


@cache
def _marks_type() -> Any:
    """Give the type of what is added to axes: no line of theirs, as these are what is plotted."""
    from matplotlib.artist import Artist

    class Marks(Artist):
        """Marks of one axis."""

        def __init__(self, line: Any, axis: Any) -> None:
            super().__init__()
            self.line, self.axis = line, axis
            line.set_figure(axis.get_figure())
            self.set_zorder(axis.get_zorder())
            self.set_in_layout(False)  # the axis itself has room for them

        def draw(self, renderer: Any) -> None:
            self.line.draw(renderer)

    return Marks
