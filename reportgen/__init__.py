"""reportgen turns a YAML file and survey data into a report that a team trusts every morning.

``load`` gives a run that is there, and ``build`` makes one; docs/python.md describes them. What an
analysis of one's own needs is imported from here, too; docs/plugins.md describes it. A module is
imported when one of its names is first asked for, so that the command line stays light.
"""

# ruff: noqa: F401 - they are imported to be imported from here

from importlib import import_module
from typing import TYPE_CHECKING

import_module("reportgen.build")  # the package, before the function that has its name from now on
from reportgen.api import Run, build, load  # noqa: E402

if TYPE_CHECKING:
    from reportgen.analyses.base import Analysis, HistoryAnalysis, ImageAnalysis, NetworkAnalysis
    from reportgen.analyses.phrases import fullest_bin, interval
    from reportgen.analyses.plotting.axes import (
        Line,
        colour_bar,
        draw_curves,
        draw_histograms,
        new_figure,
    )
    from reportgen.analyses.plotting.image import draw_image
    from reportgen.analyses.plotting.lettering import label_axes
    from reportgen.analyses.plotting.ticks import set_linear, set_log
    from reportgen.analyses.results import Figure, Metric, Section, Table, TableColumn
    from reportgen.config.columns import Column, Images
    from reportgen.config.types import (
        Block,
        ColumnRef,
        Count,
        Fraction,
        Index,
        Positive,
        Real,
        Selection,
        Text,
    )
    from reportgen.errors import SectionError
    from reportgen.reduce.base import Chunk, Reduction
    from reportgen.reduce.binned import QuantilesInBins
    from reportgen.reduce.counts import CountBelow, CountRows, CountValues, Range
    from reportgen.reduce.histograms import Axis, FewRows, Histogram, Histogram2D
    from reportgen.reduce.maps import (
        AboutImage,
        CountImages,
        DescribeFilters,
        FirstMaps,
        MapReduction,
        MapsOf,
    )
    from reportgen.reduce.moments import MeanStd, Pearson
    from reportgen.reduce.quantiles import Quantiles, SortedCurve, SubsetComparison
    from reportgen.reduce.ranks import Spearman
    from reportgen.reduce.sky import CountOnSky
    from reportgen.style import series_colour
    from reportgen.wording import counted, number, percent
else:
    _MODULES = {
        "api": "Run build load",
        "analyses.base": "Analysis HistoryAnalysis ImageAnalysis NetworkAnalysis",
        "analyses.phrases": "fullest_bin interval",
        "analyses.plotting.axes": "Line colour_bar draw_curves draw_histograms new_figure",
        "analyses.plotting.lettering": "label_axes",
        "analyses.plotting.ticks": "set_linear set_log",
        "analyses.results": "Figure Metric Section Table TableColumn",
        "analyses.plotting.image": "draw_image",
        "config.columns": "Column Images",
        "config.types": "Block ColumnRef Count Fraction Index Positive Real Selection Text",
        "errors": "SectionError",
        "reduce.base": "Chunk Reduction",
        "reduce.binned": "QuantilesInBins",
        "reduce.counts": "CountBelow CountRows CountValues Range",
        "reduce.histograms": "Axis FewRows Histogram Histogram2D",
        "reduce.maps": "AboutImage CountImages DescribeFilters FirstMaps MapReduction MapsOf",
        "reduce.moments": "MeanStd Pearson",
        "reduce.quantiles": "Quantiles SortedCurve SubsetComparison",
        "reduce.ranks": "Spearman",
        "reduce.sky": "CountOnSky",
        "style": "series_colour",
        "wording": "counted number percent",
    }
    _MODULE_OF = {name: module for module, names in _MODULES.items() for name in names.split()}
    __all__ = list(_MODULE_OF)

    def __getattr__(name):
        if name not in _MODULE_OF:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = getattr(import_module(f"{__name__}.{_MODULE_OF[name]}"), name)
        globals()[name] = value
        return value

    def __dir__():
        return sorted({*globals(), *__all__})
