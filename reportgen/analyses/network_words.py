"""Names and words that sections on networks share."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reportgen.analyses.results import Table, TableColumn
from reportgen.numbers import count


def of_filters(n: int, total: int) -> str:
    """Give how many filters, and the verb: ``11 of 32 filters are``."""
    if n == 0:
        return f"no filter of {count(total)} is"
    return f"{count(n)} of {count(total)} filters {'is' if n == 1 else 'are'}"


def set_names(sets: Sequence[str]) -> dict[str, str]:
    """Give each set of weights a name for metrics and files (letters, digits, _), no two alike."""
    names: dict[str, str] = {}
    for weights in sets:
        name = weights.replace("-", "_").lower()
        while name in names.values():
            name += "_"
        names[weights] = name
    return names


def map_table(identifier: str, label: str, **maps: NDArray[Any]) -> Table:
    """Give maps, (filter, row, column), as a table of their cells."""
    shape = next(iter(maps.values())).shape
    places = np.indices(shape).reshape(3, -1)
    return Table(
        identifier,
        f"Cells of the maps, {label}",
        [
            *(
                TableColumn.of(name, place)
                for name, place in zip(("filter", "row", "column"), places, strict=True)
            ),
            *(
                # float32 is what a network gives: more digits would be made up.
                TableColumn.of(name, values.astype(np.float32).ravel())
                for name, values in maps.items()
            ),
        ],
        shown=False,
    )
