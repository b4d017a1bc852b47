"""The Parquet files of one table: their footers, and their rows one after another."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from reportgen.data.arrow import Arrays, ArrowRows, both_ends, reading, to_numpy
from reportgen.data.arrow_schema import describe_schema
from reportgen.data.file_columns import position
from reportgen.data.file_digests import Stamp, stamp
from reportgen.data.format import FileColumn, FileTable, RowGroup, Wanted
from reportgen.data.unpacking import AGAIN
from reportgen.errors import SourceError
from reportgen.remote.address import RemoteFile

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

MAGIC, MAGIC_ENCRYPTED = b"PAR1", b"PARE"
# As Hive writes a key that is missing.
NO_KEY = "__HIVE_DEFAULT_PARTITION__"
# Rows read at once, and bytes read ahead of each column: with these, memory does not depend on the
# size of row groups. Larger ones are no faster.
BATCH_ROWS = 2**16
BUFFER = 2**16
BUFFER_REMOTE = 2**21  # as each is a request to a server


@dataclass(frozen=True)
class PartFile:
    """A file of a table. keys: values of the hive keys in the names of its folders."""

    path: Path
    keys: Mapping[str, str]


@dataclass(frozen=True)
class _Footer:
    """What the end of a file says is in it.

    groups: rows of each row group. masks: by columns, the names of those that say where they are
    missing.
    """

    part: PartFile
    subject: str
    stamp: Stamp | None
    groups: tuple[int, ...]
    schema: "pa.Schema"
    columns: tuple[FileColumn, ...]
    masks: Mapping[str, str]


def look_at_parts(root: Path, parts: Sequence[PartFile]) -> ArrowRows:
    """Return the table of some files; SourceError where their columns differ.

    root: the table as the user named it; messages name its files from there. The files are opened
    one after another, as they are read.
    """
    footers = [_read_footer(root, part) for part in parts]
    columns = _columns(footers)
    masks = {name: mask for each in footers for name, mask in each.masks.items()}
    whole = {column.name for column in columns if column.dtype == "<i8"}
    groups = [(f, g, rows) for f, each in enumerate(footers) for g, rows in enumerate(each.groups)]
    ends = list(accumulate((rows for _, _, rows in groups), initial=0))
    return ArrowRows(
        FileTable(ends[-1], columns),
        starts=ends[:-1] or [0],
        batches=lambda names, part: _batches(footers, groups[part:], names, whole),
        masks=masks,
    )


def _read_footer(root: Path, part: PartFile) -> _Footer:
    subject = "" if part.path == root else f"its file {part.path.relative_to(root)} "
    if not part.path.is_file():
        raise SourceError(f"{subject}is no regular file", "name or put a regular file there")
    with reading(subject):
        now = stamp(part.path)
        return _Footer(part, subject, now, *_read_end(part.path, subject, now))


# A folder may have thousands of files, and is opened by each of several workers' tasks.
@lru_cache(maxsize=2**14)
def _read_end(
    path: Path, subject: str, now: Stamp | None
) -> tuple[tuple[int, ...], "pa.Schema", tuple[FileColumn, ...], dict[str, str]]:
    """Return the rows of the row groups of a file, its schema, its columns and their masks.

    now: the stamp of the file, so that it is read again when it has changed.
    """
    start, end, size = both_ends(path, 4)
    if not size:
        raise SourceError(f"{subject}is empty", AGAIN)
    if MAGIC_ENCRYPTED in (start, end):
        raise SourceError(f"{subject}is encrypted", "have it written without encryption")
    if start != MAGIC:
        raise SourceError(f"{subject}is not a Parquet file", "check the path, or convert the file")
    if end != MAGIC or size < 12:
        said = f"{subject}is truncated: its end, which says what is in it, is missing"
        raise SourceError(said, AGAIN)
    with _open_file(path) as file:
        metadata = file.metadata
        groups = tuple(metadata.row_group(i).num_rows for i in range(metadata.num_row_groups))
        if min(groups, default=0) < 0 or sum(groups) != metadata.num_rows:
            raise ValueError("its numbers of rows contradict each other")
        schema = file.schema_arrow
        # Columns of row groups are not looked at: where they are damaged, pyarrow ends the process.
        return groups, schema, *describe_schema(schema)


def _open_file(path: Path) -> "pq.ParquetFile":
    import pyarrow as pa
    import pyarrow.parquet as pq

    # Of the times that old programs write as int96, those beyond the years that nanoseconds reach
    # would silently become others.
    is_remote = isinstance(path, RemoteFile)
    return pq.ParquetFile(
        pa.PythonFile(path.open("rb"), mode="r") if is_remote else path,
        pre_buffer=False,
        buffer_size=BUFFER_REMOTE if is_remote else BUFFER,
        coerce_int96_timestamp_unit="us",
        page_checksum_verification=True,
    )


def _columns(footers: Sequence[_Footer]) -> tuple[FileColumn, ...]:
    """Return the columns of all files and their keys; SourceError where they differ."""
    first = footers[0]
    columns = {column.name: column for column in first.columns}
    for footer in footers[1:]:
        if not footer.schema.equals(first.schema, check_metadata=True):
            _compare(columns, first, footer)
    return (*columns.values(), *_key_columns(footers, columns))


def _compare(columns: dict[str, FileColumn], first: _Footer, other: _Footer) -> None:
    """Raise SourceError where a file has other columns than the first.

    A column that is of no type in one of them, for all of its values are missing, is of the type
    that it has in the other.
    """
    others = {column.name: column for column in other.columns}
    one, two = (each.part.path.name for each in (first, other))
    if one == two:
        one, two = (str(each.part.path) for each in (first, other))
    hint = "write all files of a table with the same columns, or name one file"
    for name in {**columns, **others}:
        if name not in others or name not in columns:
            there, absent = (one, two) if name in columns else (two, one)
            raise SourceError(f"has a column {name} in {there}, but not in {absent}", hint)
        mine, its = columns[name], others[name]
        if _is_of_no_type(other, name):
            continue
        if _is_of_no_type(first, name) and mine.unreadable:
            columns[name] = its
            continue
        if mine.unreadable and its.unreadable:
            continue
        for what in ("dtype", "shape", "unreadable", "unit"):
            is_that, is_this = getattr(mine, what), getattr(its, what)
            if is_that != is_this:
                kind = {"dtype": "type", "unreadable": "type"}.get(what, what)
                said = f"has a column {name} of the {kind} {is_that or 'none'} in {one}"
                raise SourceError(f"{said}, but {is_this or 'none'} in {two}", hint)


def _is_of_no_type(footer: _Footer, name: str) -> bool:
    return str(footer.schema.field(name).type) == "null"


def _key_columns(
    footers: Sequence[_Footer], columns: Mapping[str, FileColumn]
) -> Iterator[FileColumn]:
    """Give the hive keys as columns: integers where all are, else text."""
    first = footers[0]
    for footer in footers[1:]:
        if footer.part.keys.keys() != first.part.keys.keys():
            said = f"has the keys {', '.join(first.part.keys) or 'none'} in the folders of"
            said = f"{said} {first.part.path.name}, but others in those of {footer.part.path}"
            raise SourceError(said, "name a folder whose files all lie in folders of the same keys")
    for key in first.part.keys:
        if key not in columns:
            values = {footer.part.keys[key] for footer in footers} - {NO_KEY}
            whole = bool(values) and all(_is_integer(each) for each in values)
            yield FileColumn(key, "<i8" if whole else "str")


def _is_integer(text: str) -> bool:
    """Return whether a text is an int64 as a program writes it, without zeros before."""
    digits = text.removeprefix("-")
    return digits.isdecimal() and len(digits) <= 18 and str(int(text)) == text


def row_groups_of(
    root: Path, parts: Sequence[PartFile], wanted: Sequence[Wanted]
) -> list[RowGroup]:
    """Return what the footers of the files of a table say of their row groups.

    To be called in a process of its own, which pyarrow may end where a footer is damaged.
    """
    footers = [_read_footer(root, part) for part in parts]
    known = _columns(footers)
    columns = [known[position(known, each)] for each in wanted]
    found = []
    for footer in footers:
        with reading(footer.subject), _open_file(footer.part.path) as file:
            paths = {file.metadata.schema.column(i).path: i for i in range(len(file.schema))}
            for number, rows in enumerate(footer.groups):
                group = file.metadata.row_group(number)
                ends = (_ends(group, paths.get(each.name), footer, each) for each in columns)
                found.append(RowGroup(rows, tuple(ends)))
    return found


def _ends(
    group: "pq.RowGroupMetaData", number: int | None, footer: _Footer, column: FileColumn
) -> NDArray[Any] | None:
    """Return the smallest and largest value of a column of a row group, or of a key of its file."""
    import pyarrow as pa

    with suppress(pa.ArrowException, ValueError, TypeError, OverflowError):
        if column.name not in footer.schema.names and column.name in footer.part.keys:
            key = _constant(footer.part.keys, column.name, column.dtype == "<i8")
            return to_numpy(pa.repeat(key, 2 if key.is_valid else 0), column)
        if number is None or (said := group.column(number).statistics) is None:
            return None
        kind = footer.schema.field(column.name).type
        if said.has_min_max and not isinstance(said.min, bytes):
            return to_numpy(pa.array([said.min, said.max], kind), column)
        if said.has_null_count and said.null_count == group.num_rows:
            return to_numpy(pa.array([], kind), column)
    return None


def _batches(
    footers: Sequence[_Footer],
    groups: Sequence[tuple[int, int, int]],
    names: Sequence[str],
    whole: Collection[str],
) -> Iterator[Arrays]:
    """Give the rows of some row groups, column by column in the order of their names.

    groups: number of the file, of the group in it, and its rows. whole: names of the keys that are
    integers.
    """
    with ExitStack() as stack:
        opened = -1
        for number, group, rows in groups:
            footer = footers[number]
            if number != opened:
                stack.close()
                if stamp(footer.part.path) != footer.stamp:
                    said = f"{footer.subject}was changed while it was read"
                    raise SourceError(said, "build again")
                with reading(footer.subject):
                    file, opened = stack.enter_context(_open_file(footer.part.path)), number
                constants = {
                    name: _constant(footer.part.keys, name, name in whole)
                    for name in names
                    if name not in footer.schema.names
                }
            yield from _group_batches(file, footer, (group, rows), names, constants)


def _constant(keys: Mapping[str, str], name: str, is_whole: bool) -> "pa.Scalar":
    """Return the value of a column that is not in a file: a key, or that no value is masked."""
    import pyarrow as pa

    if name not in keys:
        return pa.scalar(False)
    if keys[name] == NO_KEY:
        return pa.scalar(None)
    return pa.scalar(int(keys[name]) if is_whole else keys[name])


def _group_batches(
    file: "pq.ParquetFile",
    footer: _Footer,
    group: tuple[int, int],
    names: Sequence[str],
    constants: Mapping[str, "pa.Scalar"],
) -> Iterator[Arrays]:
    import pyarrow as pa

    number, rows = group
    inside = [name for name in names if name not in constants]
    # Where only keys are wanted, some column says how many rows a batch has.
    batches = file.iter_batches(
        BATCH_ROWS,
        row_groups=[number],
        columns=inside or footer.schema.names[:1],
        use_threads=False,
    )
    found = 0
    while found < rows:
        with reading(footer.subject):
            batch = next(batches, None)
            if batch is None or found + len(batch) > rows:
                raise ValueError(f"row group {number} does not hold the {rows} rows that it should")
            found += len(batch)
            arrays = {name: batch.column(name) for name in inside}
            arrays |= {name: pa.repeat(each, len(batch)) for name, each in constants.items()}
        yield arrays
