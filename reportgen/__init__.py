"""reportgen turns a YAML file and survey data into a report that a team trusts every morning.

``load`` gives a run that is there, and ``build`` makes one; docs/python.md describes them. What an
analysis of one's own needs is imported from here, too; docs/plugins.md describes it. A module is
imported when one of its names is first asked for, so that the command line stays light.
"""

# ruff: noqa: E402 - type checkers take names with `as` for ours to import

from importlib import import_module
from typing import TYPE_CHECKING

import_module("reportgen.build")  # the package, before the function that has its name from now on
from reportgen.api import Run as Run
from reportgen.api import build as build
from reportgen.api import load as load

if TYPE_CHECKING:
    from reportgen.analyses.base import Analysis as Analysis
    from reportgen.analyses.base import HistoryAnalysis as HistoryAnalysis
    from reportgen.analyses.base import ImageAnalysis as ImageAnalysis
    from reportgen.analyses.base import NetworkAnalysis as NetworkAnalysis
    from reportgen.analyses.phrases import fullest_bin as fullest_bin
    from reportgen.analyses.phrases import interval as interval
    from reportgen.analyses.plotting.axes import Line as Line
    from reportgen.analyses.plotting.axes import colour_bar as colour_bar
    from reportgen.analyses.plotting.axes import draw_curves as draw_curves
    from reportgen.analyses.plotting.axes import draw_histograms as draw_histograms
    from reportgen.analyses.plotting.axes import new_figure as new_figure
    from reportgen.analyses.plotting.image import draw_image as draw_image
    from reportgen.analyses.plotting.lettering import label_axes as label_axes
    from reportgen.analyses.plotting.ticks import set_linear as set_linear
    from reportgen.analyses.plotting.ticks import set_log as set_log
    from reportgen.analyses.results import Figure as Figure
    from reportgen.analyses.results import Metric as Metric
    from reportgen.analyses.results import Section as Section
    from reportgen.analyses.results import Table as Table
    from reportgen.analyses.results import TableColumn as TableColumn
    from reportgen.config.columns import Column as Column
    from reportgen.config.columns import Images as Images
    from reportgen.config.types import Block as Block
    from reportgen.config.types import ColumnRef as ColumnRef
    from reportgen.config.types import Count as Count
    from reportgen.config.types import Fraction as Fraction
    from reportgen.config.types import Index as Index
    from reportgen.config.types import Positive as Positive
    from reportgen.config.types import Real as Real
    from reportgen.config.types import Selection as Selection
    from reportgen.config.types import Text as Text
    from reportgen.errors import SectionError as SectionError
    from reportgen.reduce.base import Chunk as Chunk
    from reportgen.reduce.base import Reduction as Reduction
    from reportgen.reduce.binned import QuantilesInBins as QuantilesInBins
    from reportgen.reduce.counts import CountBelow as CountBelow
    from reportgen.reduce.counts import CountRows as CountRows
    from reportgen.reduce.counts import CountValues as CountValues
    from reportgen.reduce.counts import Range as Range
    from reportgen.reduce.histograms import Axis as Axis
    from reportgen.reduce.histograms import FewRows as FewRows
    from reportgen.reduce.histograms import Histogram as Histogram
    from reportgen.reduce.histograms import Histogram2D as Histogram2D
    from reportgen.reduce.maps import AboutImage as AboutImage
    from reportgen.reduce.maps import CountImages as CountImages
    from reportgen.reduce.maps import DescribeFilters as DescribeFilters
    from reportgen.reduce.maps import FirstMaps as FirstMaps
    from reportgen.reduce.maps import MapReduction as MapReduction
    from reportgen.reduce.maps import MapsOf as MapsOf
    from reportgen.reduce.moments import MeanStd as MeanStd
    from reportgen.reduce.moments import Pearson as Pearson
    from reportgen.reduce.quantiles import Quantiles as Quantiles
    from reportgen.reduce.quantiles import SortedCurve as SortedCurve
    from reportgen.reduce.quantiles import SubsetComparison as SubsetComparison
    from reportgen.reduce.ranks import Spearman as Spearman
    from reportgen.reduce.sky import CountOnSky as CountOnSky
    from reportgen.style import series_colour as series_colour
    from reportgen.wording import counted as counted
    from reportgen.wording import number as number
    from reportgen.wording import percent as percent
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
