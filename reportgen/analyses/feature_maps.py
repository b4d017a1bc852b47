"""What each filter of a network sees in one image."""

from typing import Any

import numpy as np

from reportgen.analyses import filters
from reportgen.analyses.base import MapReductions, NetworkAnalysis
from reportgen.analyses.methods import RANDOM_WEIGHTS
from reportgen.analyses.plotting.image import Stretch, image_figures
from reportgen.analyses.plotting.mosaic import Scale, draw_mosaic
from reportgen.analyses.results import Figure, Metric, Section
from reportgen.config.types import Index
from reportgen.errors import SectionError
from reportgen.reduce.maps import AboutImage, FirstMaps
from reportgen.wording import count, counted, listed


class FeatureMaps(NetworkAnalysis, name="feature_maps"):
    """An image and the maps that a layer of a network makes of it, for one or more weight sets."""

    image: Index = 0
    """Which image of the stack, counted from 0."""
    stretch: Stretch = "asinh"
    """How the image's brightness becomes colour."""
    scale: Scale = "each"
    """Colours from the lowest to the highest value of each map, or shared by all maps of a set."""

    @property
    def methods(self) -> tuple[str, ...]:
        """What it computes, and what to cite."""
        return (RANDOM_WEIGHTS,) if "random" in self.weights else ()

    def reductions(self) -> MapReductions:
        """Ask for the image and for its maps with each set of weights."""
        of_sets = {
            name: FirstMaps(of, self.image) for name, of in filters.maps_of_sets(self).items()
        }
        about = AboutImage(None, self.image)
        return {"about": about, "input": FirstMaps(None, self.image), **of_sets}

    def present(self, **values: Any) -> Section:
        """Draw the image, and a mosaic for each set of weights."""
        if values["input"] is None:
            raise SectionError(
                f"image {self.image} of {self.images.name} has blank pixels, of which a network "
                "makes blank maps",
                "choose another image",
            )
        image = np.asarray(values["input"], dtype=np.float64)
        sets = filters.by_set(self, values)
        every = [np.asarray(each.value, dtype=np.float64) for each in sets]
        filters.check_finite([each.label for each in sets], every)
        images = values["about"] or self.images
        figures = image_figures(image, self.image, images, self.stretch)
        metrics: dict[str, Metric] = {}
        said: list[str] = []
        for (name, label, _), maps in zip(sets, every, strict=True):
            silent = np.flatnonzero((maps == 0).all(axis=(1, 2))).tolist()
            figures.append(self._mosaic(f"maps_{name}", label, maps, silent))
            metrics |= {
                f"silent_{name}": Metric(len(silent), f"silent filters, {label}", digits=0),
                f"peak_{name}": Metric(
                    float(maps.max()), f"highest activation, {label}", shown=False
                ),
            }
            of = "" if said else f" of {counted(len(maps), 'filters')}"
            said.append(f"{count(len(silent)) if silent else 'none'}{of} with {label}")
        return Section(
            findings=[f"Silent in image {self.image}: {listed(said)}."],
            metrics=metrics,
            figures=figures,
            rows=1,
            entries="images",
            notes=filters.note_seed(self),
        )

    def _mosaic(self, name: str, label: str, maps: filters.Values, silent: list[int]) -> Figure:
        n, rows, columns = maps.shape
        scale = "a scale of its own for each" if self.scale == "each" else "one scale for all"
        who = f" (filters {filters.name_filters(silent)})" if silent else ""
        return Figure(
            name,
            draw_mosaic(maps, silent, "Activation", self.scale),
            f"Feature maps, {label}",
            alt=f"Mosaic of {filters.size_of(maps)}, {label}. "
            f"{filters.of_filters(len(silent), n).capitalize()} silent{who}. The highest "
            f"activation, {filters.highest(maps)}.",
            caption=f"What {counted(n, 'filters')} with {label} found in image {self.image}; maps "
            f"of {columns} × {rows} cells, {scale}; filters are counted from 0"
            + (", silent ones crossed out." if silent else "."),
            data=filters.map_table(name, label, activation=maps),
            width="full",
        )
