"""What an analysis is, and the registry through which all of them are found, built-in or not."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Annotated, Any, ClassVar, TypeVar

from pydantic import Field

from reportgen.analyses.results import Section
from reportgen.config.checks import checks_of
from reportgen.config.columns import Column, Images, unit_symbol
from reportgen.config.schema import CatalogueSection, ImagesSection, NetworkSection, SectionBlock
from reportgen.config.suggest import unknown
from reportgen.config.types import Count
from reportgen.config.unit_arithmetic import factor, without_beam
from reportgen.errors import ConfigError
from reportgen.reduce.base import Statistic
from reportgen.reduce.cutouts import CutoutsWanted
from reportgen.reduce.maps import MapReduction
from reportgen.wording import exact

GROUP = "reportgen.analyses"

# More bins than dots on paper show nothing, and take memory.
BinCount = Annotated[Count, Field(le=10_000)]
Things = TypeVar("Things", bound=tuple[Any, ...])
Statistics = Mapping[str, Statistic[Any]]
MapReductions = Mapping[str, MapReduction[Any, Any]]


def no_repeats(things: Things) -> Things:
    """Refuse columns, texts or numbers that stand in a list twice."""
    for place, thing in enumerate(things):
        if thing in things[:place]:
            name = thing.name if isinstance(thing, Column) else thing
            said = name if isinstance(name, str) else exact(name)
            raise ValueError(f"{said} stands here twice")
    return things


def check_order(above: float | None, below: float | None) -> None:
    """Refuse a range whose ends are not in order."""
    if above is not None and below is not None and above >= below:
        raise ValueError(f"above ({exact(above)}) must be less than below ({exact(below)})")


def scale_to(column: Column, unit: str, *, beams: bool = True) -> float:
    """Return by what the values of a column are multiplied to be in a unit.

    beams: whether flux densities per beam are told from those that are not. Raises ValueError where
    both measure something else. A unit that is not known yet is not looked at.
    """
    own, wanted = (column.unit, unit) if beams else map(without_beam, (column.unit, unit))
    try:
        return factor(own, wanted) if column.is_known and own != wanted else 1.0
    except (ValueError, TypeError):
        said = f"is in {column.symbol}" if column.unit else "has no unit"
        wanted = unit_symbol(wanted) or "a number without unit"
        raise ValueError(
            f"{column.name} {said}, where {wanted} is needed; "
            f"columns: {{{column.name}: {{unit: …}}}} of the catalogue sets it"
        ) from None


def in_unit(column: Column, unit: str) -> str:
    """Return the expression of a column in a unit, whether either is per beam; as scale_to."""
    by = scale_to(column, unit, beams=False)
    return column.name if by == 1.0 else f"({by!r} * {column.name})"


class AnyAnalysis(SectionBlock):
    """What analyses of catalogues and of images have in common; subclass one of those."""

    name: ClassVar[str] = ""
    is_repeatable: ClassVar[bool] = True
    """Whether the same values give the same section; if not, it is made anew every night."""

    _methods: ClassVar[tuple[str, ...]] = ()

    def __init_subclass__(
        cls, name: str = "", methods: tuple[str, ...] = (), **options: Any
    ) -> None:
        """Set the name that YAML uses, and how it computes what it shows, as ``methods``."""
        super().__init_subclass__(**options)
        cls.name = name or cls.name
        cls._methods = methods or cls._methods

    @property
    def sources(self) -> tuple[tuple[str, str], ...]:
        """What it reads: the kind of each source (a key of the YAML) and its name."""
        raise NotImplementedError

    @property
    def methods(self) -> tuple[str, ...]:
        """How it computes what it shows: sentences, with what to cite. A report lists them once."""
        return self._methods

    def check_limits(self, *metrics: str, unit: str = "") -> list[float]:
        """Return the limits that checks set for some metrics, ascending. unit: of these metrics."""
        checks = [check for name in metrics for check in checks_of(self.checks, name, unit)]
        ends = {end for check in checks for end in (check.min, check.max, check.equals)}
        return sorted(end for end in ends if end is not None)

    def present(self, *args: Any, **values: Any) -> Section:
        """Make the section from the values of the reductions, which are given by name."""
        raise NotImplementedError


class Analysis(AnyAnalysis, CatalogueSection):
    """A kind of section on a catalogue: its fields are the keys of its YAML.

    Subclass it with fields, say in ``reductions`` what must be computed, and make the section in
    ``present`` from the values. It neither reads data nor draws a page.
    """

    @property
    def sources(self) -> tuple[tuple[str, str], ...]:
        """The catalogue, and the images that it looks at."""
        images = () if self.looked_at is None else (("images", self.looked_at.name),)
        return ("catalogues", self.catalogue), *images

    @property
    def looked_at(self) -> Images | None:
        """Images that it needs besides the rows."""
        return None

    def image_reductions(self) -> MapReductions:
        """Return the reductions of these images, by the names by which ``present`` gets them."""
        return {}

    def reductions(self) -> Statistics:
        """Return the reductions it needs, by the names by which ``present`` gets their values."""
        raise NotImplementedError


class CutoutAnalysis(Analysis, ImagesSection):
    """A kind of section on a catalogue that shows images of some of its rows.

    ``present`` gets ``cutouts``, too: those that ``cutouts`` asks for.
    """

    @property
    def looked_at(self) -> Images:
        """The images that are shown."""
        return self.images

    def cutouts(self, *args: Any, **values: Any) -> CutoutsWanted:
        """Return which cut-outs it needs, by the values of its reductions."""
        raise NotImplementedError


class ImageAnalysis(AnyAnalysis, ImagesSection):
    """A kind of section on images; as an Analysis in all else."""

    @property
    def sources(self) -> tuple[tuple[str, str], ...]:
        """The images."""
        return (("images", self.images.name),)

    def reductions(self) -> MapReductions:
        """Return the reductions it needs, by the names by which ``present`` gets their values."""
        raise NotImplementedError

    @property
    def named_by(self) -> tuple[str, Column] | None:
        """A catalogue with a row for each image, and its column that ``present`` gets as ``names``.

        It must be among the sources.
        """
        return None

    def cutouts(self, *args: Any, **values: Any) -> CutoutsWanted | None:
        """Return which images ``present`` is to get as ``cutouts``, by the values; None for none.

        They must be among those that its reductions read.
        """
        return None


class NetworkAnalysis(ImageAnalysis, NetworkSection):
    """A kind of section on what a network makes of images."""

    @property
    def sources(self) -> tuple[tuple[str, str], ...]:
        """The images and the network."""
        return ("images", self.images.name), ("models", self.model.name)


class HistoryAnalysis(AnyAnalysis):
    """A kind of section on the metrics of the others over the nights.

    ``present`` gets ``histories``: by ``section.metric``, each with its nights and values.
    """

    @property
    def sources(self) -> tuple[tuple[str, str], ...]:
        """No file: the history."""
        return ()


@dataclass(frozen=True)
class Registry:
    """The analyses that are installed; broken: those that could not be loaded, and why."""

    types: Mapping[str, type[AnyAnalysis]]
    broken: Mapping[str, str] = field(default_factory=dict)

    def get(self, name: str) -> type[AnyAnalysis]:
        """Return an analysis; ConfigError with a did-you-mean for a name that is not known."""
        if name in self.broken:
            raise ConfigError(self.broken[name])
        if name not in self.types:
            raise ConfigError(unknown("analysis", name, self.types))
        return self.types[name]


@cache
def installed_analyses() -> Registry:
    """Load every analysis that an installed package announces in the group reportgen.analyses."""
    types: dict[str, type[AnyAnalysis]] = {}
    broken: dict[str, str] = {}
    points = sorted(entry_points(group=GROUP), key=lambda point: (point.name, point.value))
    for point in dict.fromkeys(points):
        try:
            loaded = _load(point)
        except Exception as error:  # a broken plugin must not take the others down
            package = point.dist.name if point.dist is not None else point.value
            broken[point.name] = (
                f"the analysis {point.name!r} of {package} cannot be loaded: "
                f"{type(error).__name__}: {error}"
            )
            continue
        if point.name in types and types[point.name] is not loaded:
            first = types[point.name].__module__
            broken[point.name] = (
                f"the analysis {point.name!r} is announced twice: by {first} and by "
                f"{loaded.__module__}; remove or rename one"
            )
            continue
        types[point.name] = loaded
    return Registry({n: t for n, t in types.items() if n not in broken}, broken)


def _load(point: EntryPoint) -> type[AnyAnalysis]:
    loaded = point.load()
    if not (isinstance(loaded, type) and issubclass(loaded, AnyAnalysis)):
        raise TypeError(f"{point.value} is not a subclass of reportgen.Analysis")
    if loaded.name != point.name:
        raise TypeError(f"{point.value} is called {loaded.name!r}, not {point.name!r}")
    return loaded
