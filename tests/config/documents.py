"""What tests of the configuration share: a report and its analyses."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from reportgen.config.schema import CatalogueSection, NetworkSection
from reportgen.config.types import (
    Block,
    BlockError,
    ColumnRef,
    Count,
    Fraction,
    Positive,
    Real,
)


class View(Block):
    bins: Count = 50
    above: Real | None = None
    axis: Literal["linear", "log"] = "linear"


class Spread(CatalogueSection):
    columns: Annotated[tuple[ColumnRef, ...], Field(min_length=1)]
    views: tuple[View, ...] = ()
    named: dict[str, View] = Field(default_factory=dict)
    best: View | ColumnRef | None = None
    limits: tuple[Real, Real] = (0.0, 1.0)
    level: Fraction = 0.5
    width: Positive = 1.0
    smooth: bool = False
    flux_density: ColumnRef | None = None

    @model_validator(mode="after")
    def _ordered(self):
        if self.limits[0] > self.limits[1]:
            raise ValueError("the limits are in the wrong order")
        if self.flux_density is not None and self.flux_density.unit != "uJy":
            raise ValueError(f"{self.flux_density.name} is not in uJy")
        wrong = {("views", i, "bins"): "too many" for i, v in enumerate(self.views) if v.bins > 500}
        if wrong:
            raise BlockError(wrong)
        return self


ANALYSES = {"spread": Spread, "plain": CatalogueSection, "network": NetworkSection}
GOOD = """\
report:
  id: cdfs
  title: CDFS
catalogues:
  swire:
    file: swire.h5
    dataset: /cdfs
    missing: [-99]
    columns:
      flux_36: {index: 2, unit: uJy, label: 3.6 μm}
      flux_45: {index: 3, unit: uJy, missing: [0]}
      stellarity: {index: 7}
      is_host: {file: /data/training.h5, dataset: labels}
sections:
  flux:
    analysis: spread
    catalogue: swire
    title: Flux densities
    columns: [flux_36, flux_45]
"""


def changed(old, new):
    """Give the report with one text in place of another that it has once."""
    assert GOOD.count(old) == 1
    return GOOD.replace(old, new)
