"""What each filter of a network sees in one image."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reportgen.analyses.base import NetworkAnalysis
from reportgen.analyses.mosaic import Scale, draw_mosaic
from reportgen.analyses.network_words import map_table, of_filters, set_names
from reportgen.analyses.radio_image import Stretch, image_figure
from reportgen.analyses.results import Figure, Metric, Section
from reportgen.analyses.words import counted
from reportgen.config.types import Index
from reportgen.errors import SectionError
from reportgen.numbers import count, listed, number
from reportgen.reduce.maps import FirstMaps, MapReduction, MapsOf

Values = NDArray[np.float64]


class FeatureMaps(NetworkAnalysis, name="feature_maps"):
    """An image and the maps that a layer of a network makes of it, for one or more weight sets."""

    image: Index = 0
    """Which image of the stack, counted from 0."""
    stretch: Stretch = "asinh"
    """How the image's brightness becomes colour."""
    scale: Scale = "each"
    """Colours from the lowest to the highest value of each map, or shared by all maps of a set."""

    def reductions(self) -> Mapping[str, MapReduction[Any, Any]]:
        """Ask for the image and for its maps with each set of weights."""
        of_sets = {
            f"set_{n}": FirstMaps(MapsOf(weights, self.layer, self.seed), self.image)
            for n, weights in enumerate(self.weights)
        }
        return {"input": FirstMaps(None, self.image), **of_sets}

    def present(self, **values: Any) -> Section:
        """Draw the image, and a mosaic for each set of weights."""
        if values["input"] is None:
            raise SectionError(
                f"image {self.image} of {self.images.name} has blank pixels, of which a network "
                "makes blank maps",
                "choose another image",
            )
        maps = {
            weights: np.asarray(values[f"set_{n}"], dtype=np.float64)
            for n, weights in enumerate(self.weights)
        }
        if wild := [self._label(w) for w, each in maps.items() if not np.isfinite(each).all()]:
            raise SectionError(f"the maps of {listed(wild)} have values beyond float32")
        image = np.asarray(values["input"][0], dtype=np.float64)
        return Section(
            findings=[self._finding(maps)],
            metrics=self._metrics(maps),
            figures=[
                image_figure(image, self.image, self.images, self.stretch),
                *(self._mosaic(weights, each) for weights, each in maps.items()),
            ],
            rows=1,
            entries="images",
            notes=self._notes(),
        )

    def _label(self, weights: str) -> str:
        return self.model.labels.get(weights, weights)

    def _finding(self, maps: Mapping[str, Values]) -> str:
        silent = {weights: len(silent_filters(each)) for weights, each in maps.items()}
        said = [f"{count(n) if n else 'none'} with {self._label(w)}" for w, n in silent.items()]
        total = len(next(iter(maps.values())))
        said[0] = said[0].replace(" with ", f" of {counted(total, 'filter')} with ", 1)
        return f"Silent in image {self.image}: {listed(said)}."

    def _metrics(self, maps: Mapping[str, Values]) -> dict[str, Metric]:
        metrics: dict[str, Metric] = {}
        names = set_names(self.weights)
        for weights, each in maps.items():
            label, name = self._label(weights), names[weights]
            silent = len(silent_filters(each))
            metrics[f"silent_{name}"] = Metric(silent, f"silent filters, {label}", digits=0)
            peak = Metric(float(each.max()), f"highest activation, {label}", shown=False)
            metrics[f"peak_{name}"] = peak
        return metrics

    def _mosaic(self, weights: str, maps: Values) -> Figure:
        label, silent = self._label(weights), silent_filters(maps)
        identifier = f"maps_{set_names(self.weights)[weights]}"
        n, rows, columns = maps.shape
        strongest = int(np.argmax(maps.max(axis=(1, 2))))
        scale = "a scale of its own for each" if self.scale == "each" else "one scale for all"
        who = f" (filters {listed([str(k) for k in silent], 40)})" if silent else ""
        return Figure(
            identifier,
            draw_mosaic(maps, silent, "Activation", self.scale),
            f"Feature maps, {label}",
            alt=f"Mosaic of {counted(n, 'feature map')} of {columns} × {rows} cells, {label}. "
            f"{of_filters(len(silent), n).capitalize()} silent{who}. The highest activation, "
            f"{number(float(maps.max()))}, is that of filter {strongest}.",
            caption=f"What {counted(n, 'filter')} with {label} found in image {self.image}; maps "
            f"of {columns} × {rows} cells, {scale}; filters are counted from 0"
            + (", silent ones crossed out." if silent else "."),
            data=map_table(identifier, label, activation=maps),
            width="full",
        )

    def _notes(self) -> list[str]:
        if "random" not in self.weights:
            return []
        return [f"Random weights are drawn after Glorot and Bengio (2010) with seed {self.seed}."]


def silent_filters(maps: Values) -> list[int]:
    """Give the filters whose maps, (filter, row, column), are 0 throughout."""
    return np.flatnonzero((maps == 0).all(axis=(1, 2))).tolist()
