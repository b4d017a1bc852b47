"""Places on the sky of the rows of a table: DS9 regions, and what part of the sky they cover."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from reportgen.analyses.results import Table
from reportgen.render.tables import LEAST_WIDTH
from reportgen.wording import printable_line

MOST_REGIONS = 5000  # more hide the image, and DS9 takes long over them

_HEAD = "# Region file format: DS9 version 4.1\nglobal color=green\nicrs\n"


def regions(table: Table) -> bytes | None:
    """Return a DS9 region file of the rows with a position; None where it would serve nobody."""
    ra, dec = _positions(table)
    known = np.isfinite(ra) & np.isfinite(dec)
    if not 0 < known.sum() <= MOST_REGIONS:
        return None
    first = table.columns[0]
    named = next((column for column in table.columns if not column.is_numeric), first)
    lines = []
    for row in np.flatnonzero(known):
        # Braces would end the text of a region.
        text = printable_line(str(named.values[row])).translate({ord("{"): "(", ord("}"): ")"})
        said = "" if named.name in (table.position or ()) else f" text={{{text}}}"
        lines.append(f"point({ra[row]:.7f},{dec[row]:.7f}) # point=circle{said}\n")
    return (_HEAD + "".join(lines)).encode()


def covered_place(table: Table) -> tuple[float, float, float] | None:
    """Return the middle of the positions (RA, Dec) and the width of a view of all, in degrees."""
    ra, dec = (np.radians(each) for each in _positions(table))
    at = np.stack([np.cos(dec) * np.cos(ra), np.cos(dec) * np.sin(ra), np.sin(dec)])
    at = at[:, np.isfinite(at).all(axis=0)]
    middle = at.sum(axis=1)
    size = float(np.linalg.norm(middle))
    if not size > 1e-6 * at.shape[1]:  # no position, or all around the sky
        return None
    middle /= size
    apart = np.degrees(2 * np.arcsin(np.linalg.norm(at - middle[:, None], axis=0).max() / 2))
    east = np.degrees(np.arctan2(middle[1], middle[0])) % 360
    north = np.degrees(np.arcsin(np.clip(middle[2], -1, 1)))
    width = float(np.clip(2.2 * apart, LEAST_WIDTH, 180.0))
    return round(float(east), 6), round(float(north), 6), round(width, 4)


def _positions(table: Table) -> tuple[NDArray[Any], NDArray[Any]]:
    by_name = {column.name: column.values for column in table.columns}
    ra, dec = (
        np.ma.filled(np.ma.asarray(by_name[name]).astype(np.float64), np.nan)
        for name in table.position or ()
    )
    return ra, dec
