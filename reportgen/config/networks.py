"""What analyses know of a stack of images and of a network before either is read."""

from collections.abc import Mapping
from dataclasses import dataclass, field

RANDOM = "random"  # the set of weights that is drawn, not read


@dataclass(frozen=True)
class Images:
    """A stack of images. unit: of a pixel. pixel_scale: arcseconds per pixel, or None."""

    name: str
    title: str = ""
    unit: str = ""
    pixel_scale: float | None = None


@dataclass(frozen=True)
class Model:
    """A trained network. labels: what to call its sets of weights, random ones included."""

    name: str
    labels: Mapping[str, str] = field(default_factory=dict)
