"""What sections on networks share: sets of weights, and the maps of filters in words and tables."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from reportgen.analyses.base import NetworkAnalysis
from reportgen.analyses.results import Table, TableColumn
from reportgen.errors import SectionError
from reportgen.reduce.maps import MapsOf
from reportgen.wording import count, counted, listed, number

Values = NDArray[np.float64]
Integers = NDArray[np.int64]


def maps_of_sets(section: NetworkAnalysis) -> dict[str, MapsOf]:
    """Return which maps each set of weights makes, by the name under which their values come."""
    return {
        f"set_{n}": MapsOf(weights, section.layer, section.seed)
        for n, weights in enumerate(section.weights)
    }


class OfSet(NamedTuple):
    """A value for one set of weights. name: of metrics and files (letters, digits, _)."""

    name: str
    label: str
    value: Any


def by_set(section: NetworkAnalysis, values: Mapping[str, Any], kind: str = "set") -> list[OfSet]:
    """Return the values of the sets of weights, in the order in which the section has them.

    kind: what the names of the values begin with.
    """
    found: dict[str, OfSet] = {}
    for n, weights in enumerate(section.weights):
        name = weights.replace("-", "_").lower()
        while name in found:
            name += "_"
        label = section.model.labels.get(weights, weights)
        found[name] = OfSet(name, label, values[f"{kind}_{n}"])
    return list(found.values())


def check_finite(labels: Sequence[str], maps: Sequence[Values]) -> None:
    """Raise SectionError if maps of some weights have values that are not finite."""
    wild = [n for n, each in zip(labels, maps, strict=True) if not np.isfinite(each).all()]
    if wild:
        raise SectionError(f"the maps of {listed(wild)} have values beyond float32")


def note_seed(section: NetworkAnalysis) -> list[str]:
    """Return the note on weights that are drawn, if some are."""
    if "random" not in section.weights:
        return []
    return [f"Random weights are drawn after Glorot and Bengio (2010) with seed {section.seed}."]


def of_filters(n: int, total: int) -> str:
    """Return how many filters, and the verb: ``11 of 32 filters are``."""
    if n == 0:
        return f"no filter of {count(total)} is"
    return f"{count(n)} of {count(total)} filters {'is' if n == 1 else 'are'}"


def name_filters(filters: Sequence[int]) -> str:
    """Return the numbers of filters as a sentence has them."""
    return listed([str(k) for k in filters], 40)


def size_of(maps: Values) -> str:
    """Return how many maps, (filter, row, column), there are and how large they are."""
    n, rows, columns = maps.shape
    return f"{counted(n, 'feature maps')} of {columns} × {rows} cells"


def highest(maps: Values) -> str:
    """Return the highest value of maps, (filter, row, column), and whose it is."""
    most = maps.max(axis=(1, 2))
    theirs = np.flatnonzero(most == most.max()).tolist()
    whose = f"filter{'s' if len(theirs) > 1 else ''} {name_filters(theirs)}"
    return f"{number(float(most.max()))}, is that of {whose}"


def map_table(identifier: str, label: str, **maps: NDArray[Any]) -> Table:
    """Return maps, (filter, row, column), as a table of their cells."""
    of, places = TableColumn.of, np.indices(next(iter(maps.values())).shape).reshape(3, -1)
    cells = zip(("filter", "row", "column"), places, strict=True)
    # float32 is what a network gives: more digits would be made up.
    columns = [of(name, values.astype(np.float32).ravel()) for name, values in maps.items()]
    columns = [*(of(name, place) for name, place in cells), *columns]
    return Table(identifier, f"Cells of the maps, {label}", columns, shown=False)
