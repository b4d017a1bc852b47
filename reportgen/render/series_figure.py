"""A metric over the nights as a figure in the house style."""

from datetime import datetime, time
from io import BytesIO
from typing import Any

from reportgen.render.series import Series, SeriesPoint
from reportgen.style import HALO, INK, MM, MUTED, SERIES, WIDTHS, house_style

DPI = 220  # 174 mm are 1507 pixels
_HEIGHT = 70 * MM  # inches


def series_figure(series: Series, form: str) -> bytes:
    """Return the figure. form: png, on white; or svg, without a ground.

    Nights on which a check does not hold are hollow; ticks at the foot are nights without a value.
    """
    options: dict[str, dict[str, Any]] = {
        "png": {"dpi": DPI, "facecolor": "white", "metadata": {"Title": series.title}},
        "svg": {"metadata": {"Date": None, "Title": series.title}},
    }
    with house_style():
        buffer = BytesIO()
        draw_series(series).savefig(buffer, format=form, **options[form])
    return buffer.getvalue()


def draw_series(series: Series) -> Any:
    """Return the drawing, a matplotlib figure."""
    from matplotlib import dates
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTHS["full"], _HEIGHT))
    axes: Any = figure.add_subplot()  # its types know no dates
    size = 4.5 if len(series.points) <= 60 else 2.5
    for line in series.lines():
        days = [_time(point) for point in line]
        values = [point.value for point in line]
        axes.plot(days, values, color=SERIES[0], zorder=2)
    for fine, fill in ((True, SERIES[0]), (False, HALO)):
        chosen = [p for p in series.points if p.value is not None and p.fine == fine]
        if not chosen:
            continue
        axes.plot(
            [_time(point) for point in chosen],
            [point.value for point in chosen],
            linestyle="none",
            marker="o",
            markersize=size if fine else size + 1.5,
            markerfacecolor=fill,
            markeredgecolor=SERIES[0] if fine else INK,
            zorder=3,
            label="value" if fine else "a check does not hold",
        )
    none = [_time(point) for point in series.points if point.value is None]
    if none:
        axes.plot(
            none,
            [0.03] * len(none),
            linestyle="none",
            marker="|",
            markersize=7,
            color=MUTED,
            transform=axes.get_xaxis_transform(),
            label="no value",
        )
    untyped: Any = dates
    locator = untyped.AutoDateLocator(minticks=3, maxticks=8)
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(untyped.ConciseDateFormatter(locator, show_offset=False))
    ends = (series.points[0].night.year, series.points[-1].night.year)
    axes.set_xlabel(f"Night, {'–'.join(map(str, dict.fromkeys(ends)))}")
    axes.set_ylabel(series.title.replace("$", r"\$"))
    axes.grid(visible=True, axis="y")
    if none or not all(point.fine for point in series.points):
        figure.legend(loc="outside upper right", ncols=3)
    return figure


def _time(point: SeriesPoint) -> datetime:
    return datetime.combine(point.night, time())
