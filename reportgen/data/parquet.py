"""Parquet: files, folders of files and hive-partitioned folders, read page by page."""

from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import NoReturn
from urllib.parse import unquote

from reportgen.data.arrow import ArrowFormat, ArrowRows, reading
from reportgen.data.file_digests import files_below
from reportgen.data.format import RowGroup, Wanted
from reportgen.data.parquet_files import (
    MAGIC,
    MAGIC_ENCRYPTED,
    PartFile,
    look_at_parts,
    row_groups_of,
)
from reportgen.errors import SourceError

SUFFIXES = (".parquet", ".parq", ".pq")
# Files that tell of a HATS catalogue, which knows more of its files than their folders say.
HATS_FILES = ("hats.properties", "collection.properties", "properties")
# Folders of tables whose files are not all valid: another file says which are.
MANAGED = {"_delta_log": "Delta Lake", ".hoodie": "Hudi", "metadata/version-hint.text": "Iceberg"}
# First letters of names that are no data, by the custom of all who write such folders.
_NO_DATA = "._"
# Entries of a folder looked at to say whether Parquet files are in it.
LOOK_AT = 1000


class ParquetTable(ArrowFormat):
    """A Parquet file, or a folder of them as one table, in the order of their paths."""

    name = "a Parquet file"
    pattern = "*.parquet"

    def recognises(self, path: Path, start: bytes) -> bool:
        if start:
            return start[:4] in (MAGIC, MAGIC_ENCRYPTED)
        if not path.is_dir() or any((path / name).is_file() for name in HATS_FILES):
            return False
        return any(
            file.suffix.lower() in SUFFIXES for file in islice(files_below(path, _NO_DATA), LOOK_AT)
        )

    def parts(self, path: Path) -> tuple[Path, list[PartFile]]:
        """Return the place of a table, and its files in their order."""
        return path, list_parts(path)

    def look_at(self, path: Path) -> ArrowRows:
        return look_at_parts(*self.parts(path))

    def row_groups(self, path: Path, dataset: str, wanted: Sequence[Wanted]) -> list[RowGroup]:
        return row_groups_of(*self.parts(path), wanted)


def list_parts(path: Path) -> list[PartFile]:
    """Return the files of a table in the order of their paths; SourceError where there are none."""
    if not path.is_dir():
        return [PartFile(path, {})]
    for mark, kind in MANAGED.items():
        if (path / mark).exists():
            said = f"is a {kind} table, whose files are not all valid, and cannot be read here"
            raise SourceError(said, "have it written as plain Parquet files")

    def refuse(error: OSError) -> NoReturn:
        said = f"has a folder {Path(error.filename).relative_to(path)} that cannot be read"
        raise SourceError(f"{said}: {error.strerror}", "check its permissions") from None

    found = []
    for file in files_below(path, _NO_DATA, refuse):
        if file.suffix.lower() in SUFFIXES or (not file.suffix and _starts_as_parquet(file)):
            pairs = [part.partition("=") for part in file.relative_to(path).parts[:-1]]
            keys = {unquote(key): unquote(value) for key, is_key, value in pairs if is_key}
            found.append(PartFile(file, keys))
    if not found:
        raise SourceError("holds no Parquet files", f"their names end with {', '.join(SUFFIXES)}")
    return sorted(found, key=lambda part: part.path.parts)


def _starts_as_parquet(path: Path) -> bool:
    if not path.is_file():
        return False
    with reading(f"its file {path.name} "), path.open("rb") as file:
        return file.read(4) in (MAGIC, MAGIC_ENCRYPTED)
