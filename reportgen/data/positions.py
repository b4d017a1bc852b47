"""Which columns of a catalogue are its positions on the sky."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace

from reportgen.config.columns import Column
from reportgen.data.format import FileColumn, FileTable

# The main position of a table, and any; UCD1+ and UCD1, in small letters.
_UCDS = {
    "ra": ("pos.eq.ra;meta.main", "pos_eq_ra_main", "pos.eq.ra", "pos_eq_ra"),
    "dec": ("pos.eq.dec;meta.main", "pos_eq_dec_main", "pos.eq.dec", "pos_eq_dec"),
}
# In small letters, the commonest first; the last as long as one column alone is called so.
_NAMES = {
    "ra": "ra|ra_deg|radeg|_?raj2000|ra_icrs|ra_j2000|alpha_j2000|ra_?deg_.*",
    "dec": "dec|dec_deg|dedeg|_?dej2000|de_icrs|dec_j2000|delta_j2000|dec?_?deg_.*",
}


def with_positions(
    columns: Mapping[str, Column],
    described: Mapping[str, tuple[FileTable, FileColumn]],
    named: Mapping[str, str | None],
) -> Iterable[Column]:
    """Return the columns, of which at most one has the role ra and one dec.

    described: what the file says of those that can be read. named: those that the configuration
    names. Else the format knows, or the UCD says it, or a name that many catalogues have.
    """
    roles = {_position(role, columns, described, named.get(role)): role for role in _NAMES}
    return [replace(column, role=roles.get(name, "")) for name, column in columns.items()]


def _position(
    role: str,
    columns: Mapping[str, Column],
    described: Mapping[str, tuple[FileTable, FileColumn]],
    named: str | None,
) -> str | None:
    """Return the name of the column with a role; None when there is none, or several might be."""
    if named is not None:
        return named
    columns = {name: column for name, column in columns.items() if column.kind != "text"}
    described = {name: each for name, each in described.items() if name in columns}
    for name, (table, column) in described.items():
        if column.name and column.name == (table.ra if role == "ra" else table.dec):
            return name
    for ucd in _UCDS[role]:
        found = [name for name, (_, column) in described.items() if column.ucd.lower() == ucd]
        if found:
            return found[0] if len(found) == 1 else None
    for known in _NAMES[role].split("|"):
        found = [name for name in columns if re.fullmatch(known, name.lower())]
        if len(found) == 1:
            return found[0]
    return None
