"""What the filters of a network do over many images: which sleep, which say the same."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from pydantic import Field

from reportgen.analyses.base import NetworkAnalysis
from reportgen.analyses.filter_views import (
    correlation_figure,
    filter_table,
    map_figures,
    zeros_figure,
)
from reportgen.analyses.filters import Filters
from reportgen.analyses.mosaic import Scale
from reportgen.analyses.network_words import of_filters, set_names
from reportgen.analyses.results import Metric, Section
from reportgen.analyses.words import correlated, counted
from reportgen.config.types import Count, Fraction, Index
from reportgen.errors import SectionError
from reportgen.numbers import count, listed, number
from reportgen.reduce.maps import CountImages, DescribeFilters, MapReduction, MapsOf

SOURCE = "Bretherton et al. 1999, J. Climate 12, 1990, equation 5"


class FeatureStatistics(NetworkAnalysis, name="feature_statistics"):
    """Mean and scatter of feature maps over many images; silent and near-duplicate filters."""

    count: Count = 100
    """How many images to use."""
    first: Index = 0
    """The first of them, counted from 0."""
    almost_silent: Fraction = Field(default=0.99, validate_default=True)
    """Share of zero activations from which a filter that is not silent is almost so."""
    duplicate: Fraction = Field(default=0.95, validate_default=True)
    """Correlation from which two filters are near-duplicates."""
    scale: Scale = "each"
    """Colours from the lowest to the highest value of each map, or shared by all maps of a set."""

    def reductions(self) -> Mapping[str, MapReduction[Any, Any]]:
        """Ask for the statistics of each set of weights, and how many images there are."""
        of_sets = {
            f"set_{n}": DescribeFilters(
                MapsOf(weights, self.layer, self.seed), self.first, self.count
            )
            for n, weights in enumerate(self.weights)
        }
        return {"images": CountImages(None, self.first, self.count), **of_sets}

    def present(self, **values: Any) -> Section:
        """Compare the sets of weights, and show the filters of each."""
        there = values["images"]
        used = there.n - there.blank
        if not used:
            raise SectionError(
                f"all {counted(there.n, 'image')} of {self.images.name} have blank pixels",
                "look at the source, or choose others with first: and count:",
            )
        sets = [
            Filters(
                self.model.labels.get(weights, weights),
                values[f"set_{n}"],
                self.almost_silent,
                self.duplicate,
            )
            for n, weights in enumerate(self.weights)
        ]
        if wild := [each.label for each in sets if not np.isfinite(each.found.mean).all()]:
            raise SectionError(f"the maps of {listed(wild)} have values beyond float32")
        names = [set_names(self.weights)[weights] for weights in self.weights]
        each_set = list(zip(names, sets, strict=True))
        figures = [
            zeros_figure(sets),
            *(correlation_figure(name, each) for name, each in each_set),
            *(figure for name, each in each_set for figure in map_figures(name, each, self.scale)),
        ]
        return Section(
            findings=[most_varied(sets), *(self._about(each) for each in sets)],
            metrics=_metrics(each_set),
            figures=figures,
            tables=[filter_table(name, each) for name, each in each_set],
            rows=used,
            entries="images",
            notes=self._notes(there.n, there.blank),
        )

    def _about(self, of: Filters) -> str:
        """Say how many filters of a set are silent, and which say the same."""
        n, found = len(of.state), of.found
        silent = f"{of.label}: {of_filters(len(of.silent), n)} silent in "
        silent += f"all {counted(found.n, 'image')}" if found.n > 1 else "the one image"
        if len(of.almost):
            silent += f", {count(len(of.almost))} almost always"
        if of.closest is None:
            return f"{silent}; no two filters can be compared."
        r, i, j = of.closest
        alike = (
            f"{count(len(of.duplicates))} have a near-duplicate (r of {number(self.duplicate)} or "
            "more)"
            if len(of.duplicates)
            else f"none has a near-duplicate (r of {number(self.duplicate)} or more)"
        )
        closest = f"filters {i} and {j} are the most alike ({correlated(r, self.duplicate)})"
        return f"{silent}; {alike}; {closest}."

    def _notes(self, n: int, blank: int) -> list[str]:
        notes = [
            "The number of independent filters is (Σλ)² / Σλ² of the eigenvalues λ of the "
            f"correlation matrix of the filters that vary ({SOURCE})."
        ]
        if n < self.count:
            notes.append(f"{counted(self.count, 'image')} were asked for; there are {count(n)}.")
        if blank:
            notes.append(f"Left out, as they have blank pixels: {counted(blank, 'image')}.")
        if "random" in self.weights:
            notes.append(
                f"Random weights are drawn after Glorot and Bengio (2010) with seed {self.seed}."
            )
        return notes


def most_varied(sets: list[Filters]) -> str:
    """Say which set of weights has the most independent filters; the one there is, what it has."""
    order = sorted(sets, key=lambda each: -each.independent)
    first, total = order[0], len(order[0].state)
    if len(order) == 1:
        said = f"{first.label} has {number(first.independent, 1)} independent filters"
        return f"{said}, of {count(total)}."
    others = [f"{number(each.independent, 1)} for {each.label}" for each in order[1:]]
    said = number(first.independent, 1)
    if number(order[1].independent, 1) == said:
        both = f"{first.label} and {order[1].label}"
        return f"Equally varied are {both}: {said} independent filters of {count(total)}."
    return (
        f"The most varied set of weights is {first.label}: {said} independent filters of "
        f"{count(total)}, against {listed(others)}."
    )


def _metrics(each_set: list[tuple[str, Filters]]) -> dict[str, Metric]:
    metrics: dict[str, Metric] = {}
    for name, each in each_set:
        label = each.label
        metrics |= {
            f"independent_{name}": Metric(
                each.independent, f"independent filters, {label}", digits=1
            ),
            f"silent_{name}": Metric(len(each.silent), f"silent filters, {label}", digits=0),
            f"almost_silent_{name}": Metric(
                len(each.almost), f"almost silent, {label}", digits=0, shown=False
            ),
            f"duplicates_{name}": Metric(
                len(each.duplicates), f"near-duplicates, {label}", digits=0, shown=False
            ),
            f"level_{name}": Metric(
                float(each.found.level.mean()), f"mean activation, {label}", shown=False
            ),
        }
    return metrics
