"""HATS catalogues: Parquet files by HEALPix pixel, in the order of their place on the sky.

https://www.ivoa.net/documents/Notes/HATS/ describes them; versions 0.4 to 1 are known.
"""

import re
from dataclasses import replace
from pathlib import Path

from reportgen.config.suggest import unknown
from reportgen.data.arrow import ArrowRows, reading
from reportgen.data.parquet import HATS_FILES, ParquetTable, list_parts
from reportgen.data.parquet_files import PartFile
from reportgen.data.unpacking import AGAIN
from reportgen.errors import SourceError

# Order of the finest pixels of HEALPix, by which those of several orders are put in a row.
FINEST = 29
OTHER_PRODUCTS = {
    "margin": "the margin of a catalogue: copies of the rows near the edges of its partitions",
    "index": "an index of a catalogue, not a catalogue",
    "association": "an association of two catalogues, not a catalogue",
    "map": "a map, not a catalogue",
}
_PIXEL = re.compile(r"Norder=(\d{1,2})/Dir=\d+/Npix=(\d{1,19})(\.\w+)?")


class HatsTable(ParquetTable):
    """A HATS catalogue, or the primary one of a collection."""

    name = "a HATS catalogue"
    pattern = "*"

    def recognises(self, path: Path, start: bytes) -> bool:
        if start or not path.is_dir():
            return False
        if any((path / name).is_file() for name in HATS_FILES[:2]):
            return True
        old = path / HATS_FILES[2]  # HiPS, which are images, have a file of this name too
        with reading():
            return old.is_file() and b"\nhats_" in old.read_bytes()[:65536]

    def parts(self, path: Path) -> tuple[Path, list[PartFile]]:
        """Return the folder of a catalogue, and its partitions by their places on the sky."""
        catalogue, _ = _find_catalogue(path)
        return catalogue, _list_partitions(catalogue)

    def look_at(self, path: Path) -> ArrowRows:
        found, properties = super().look_at(path), _find_catalogue(path)[1]
        table, rows = found.table, properties.get("hats_nrows", "")
        if rows and (not rows.isdecimal() or int(rows) != table.rows):
            said = f"is not whole: its partitions hold {table.rows} rows, its properties say {rows}"
            raise SourceError(said, AGAIN)
        ra, dec = (properties.get(f"hats_col_{name}", "") for name in ("ra", "dec"))
        names = [column.name for column in table.columns]
        for key in {ra, dec} - {""}:
            if key not in names:
                said = f"{unknown('column', key, names)}: its properties name it"
                raise SourceError(said, "correct hats_col_ra and hats_col_dec in hats.properties")
        # HATS has positions in degrees, whether or not the files repeat it.
        columns = tuple(
            replace(each, unit=each.unit or "deg") if each.name in {ra, dec} else each
            for each in table.columns
        )
        return replace(found, table=replace(table, columns=columns, ra=ra, dec=dec))


def _find_catalogue(path: Path) -> tuple[Path, dict[str, str]]:
    """Return the folder of the catalogue in a folder, and its properties."""
    collection = path / "collection.properties"
    if collection.is_file():
        primary = _read_properties(collection).get("hats_primary_table_url", "")
        if not primary:
            said = "is a HATS collection that does not say which catalogue is its primary one"
            raise SourceError(said, "name the folder of the catalogue")
        path = path / primary
        if not path.is_dir():
            said = f"has no primary catalogue: its folder {primary} is not there"
            raise SourceError(said, AGAIN)
    for name in ("hats.properties", "properties"):
        if (path / name).is_file():
            properties = _read_properties(path / name)
            break
    else:
        raise SourceError(f"has no hats.properties in its folder {path.name}", AGAIN)
    product = properties.get("dataproduct_type", "object")
    if product in OTHER_PRODUCTS:
        primary = properties.get("hats_primary_table_url", "")
        hint = f"name the catalogue itself: {primary}" if primary else "name the catalogue itself"
        raise SourceError(f"is {OTHER_PRODUCTS[product]}", hint)
    return path, properties


def _read_properties(path: Path) -> dict[str, str]:
    """Return the values of a file of lines ``key = value``."""
    with reading(f"its file {path.name} "):
        lines = path.read_text("utf-8").splitlines()
    pairs = (line.partition("=") for line in lines if not line.lstrip().startswith(("#", "!")))
    return {key.strip(): value.strip() for key, is_pair, value in pairs if is_pair}


def _list_partitions(catalogue: Path) -> list[PartFile]:
    """Return the files of a catalogue by the place of their pixels in the finest order."""
    dataset = catalogue / "dataset"
    folder = dataset if dataset.is_dir() else catalogue
    placed = []
    for part in list_parts(folder):
        name = part.path.relative_to(folder).as_posix()
        found = _PIXEL.match(name)
        if found is None or int(found[1]) > FINEST:
            said = f"has a file {name} that is not named Norder=…/Dir=…/Npix=…"
            raise SourceError(said, "put files that are no partitions elsewhere")
        place = int(found[2]) << 2 * (FINEST - int(found[1]))
        placed.append((place, name, PartFile(part.path, {})))
    return [part for _, _, part in sorted(placed, key=lambda each: each[:2])]
