"""Feather and other files of Apache Arrow's IPC, memory-mapped.

https://arrow.apache.org/docs/format/Columnar.html#ipc-file-format; vaex writes streams.
"""

from collections.abc import Iterator, Sequence
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reportgen.data.arrow import Arrays, ArrowFormat, ArrowRows, both_ends, reading
from reportgen.data.arrow_schema import describe_schema
from reportgen.data.file_digests import stamp
from reportgen.data.format import FileTable
from reportgen.data.unpacking import AGAIN
from reportgen.errors import SourceError
from reportgen.remote.address import RemoteFile

if TYPE_CHECKING:
    import pyarrow as pa

FILE, FEATHER_1 = b"ARROW1", b"FEA1"
# Every message of a stream begins with the first of these, and the stream ends with the last.
MESSAGE, END = b"\xff\xff\xff\xff", b"\xff\xff\xff\xff\0\0\0\0"

# Bytes of a file that are mapped into memory before the map is made anew.
MAPPED = 2**25


class FeatherTable(ArrowFormat):
    """A Feather file (version 2), which is an Arrow IPC file, or an Arrow IPC stream."""

    name = "a Feather file"
    pattern = "*.feather"

    def recognises(self, path: Path, start: bytes) -> bool:
        return start[:6] == FILE or start[:4] == FEATHER_1 or _is_stream(start)

    def look_at(self, path: Path) -> ArrowRows:
        file = _open_file(path)
        with reading():
            columns, masks = describe_schema(file.schema)
        ends = list(accumulate(file.batch_rows(), initial=0))
        # Any batch of a file can be read at once; a stream, from its beginning only.
        starts = ends[:-1] if file.is_random else [0]
        return ArrowRows(FileTable(ends[-1], columns), starts or [0], file.arrays, masks)


def _is_stream(start: bytes) -> bool:
    """Return whether a file begins as an Arrow stream: with a message, whose length is next."""
    return start[:4] == MESSAGE and 0 < int.from_bytes(start[4:8], "little") < 2**28


def _open_file(path: Path) -> "_ArrowFile":
    """Return a file; SourceError where it is none of Arrow's or not whole."""
    with reading():
        start, end, size = both_ends(path, 8)
        if not size:
            raise SourceError("is empty", AGAIN)
        if start[:4] == FEATHER_1:
            hint = "write it anew: pyarrow.feather.write_feather(table, path), or as Parquet"
            raise SourceError("is a Feather file of version 1, which is no longer read", hint)
        is_random = start[:6] == FILE
        if not is_random and not _is_stream(start):
            raise SourceError("is not a Feather file", "check the path, or convert the file")
        if not end.endswith(FILE if is_random else END):
            raise SourceError("is truncated: its end is missing", AGAIN)
        return _ArrowFile(path, size, is_random=is_random)


class _ArrowFile:
    """An Arrow file. size: its bytes. is_random: whether its batches can be read in any order."""

    def __init__(self, path: Path, size: int, *, is_random: bool) -> None:
        self._path, self._stamp, self._size = path, stamp(path), size
        self.is_random = is_random
        self.schema: pa.Schema = self._reader().schema

    def _reader(self, fields: Sequence[int] = ()) -> Any:
        """Return a new reader, which closes its file when nobody has it any more."""
        import pyarrow as pa
        from pyarrow import ipc

        if stamp(self._path) != self._stamp:
            raise SourceError("was changed while it was read", "build again")
        options = ipc.IpcReadOptions(included_fields=list(fields), use_threads=False)
        if isinstance(self._path, RemoteFile):
            source = pa.PythonFile(self._path.open("rb"), mode="r")
        else:
            source = (pa.memory_map if self.is_random else pa.OSFile)(str(self._path))
        return (ipc.open_file if self.is_random else ipc.open_stream)(source, options=options)

    def batch_rows(self) -> list[int]:
        """Return how many rows each batch has; of the columns, the narrowest is read."""
        from pyarrow import types

        with reading():
            kinds = [field.type for field in self.schema]
            if not kinds:
                return []
            # Bits of a value, those of a text being many.
            widths = [each.bit_width if types.is_primitive(each) else 2**31 for each in kinds]
            narrowest = [widths.index(min(widths))]
            rows = []
            for batch in self._batches(narrowest, 0):
                batch.validate()  # that it is not shorter than it says
                rows.append(len(batch))
            return rows

    def arrays(self, names: Sequence[str], first: int) -> Iterator[Arrays]:
        """Give some columns of the batches from the first on."""
        with reading():
            numbers = [self.schema.get_field_index(name) for name in names]
            batches = self._batches(numbers, first)
        while True:
            with reading():
                batch = next(batches, None)
                if batch is None:
                    return
                # The lengths and offsets in a file are not checked when it is read; where they
                # are wrong, what comes next would read memory that is not its own.
                batch.validate(full=True)
                arrays = {name: batch.column(name) for name in names}
            yield arrays

    def _batches(self, fields: Sequence[int], first: int) -> Iterator["pa.RecordBatch"]:
        if not self.is_random:
            yield from self._reader(fields)
            return
        while True:
            # Mapped anew now and then: what was read of a map counts as memory of the process.
            reader = self._reader(fields)
            there = reader.num_record_batches
            stop = min(there, first + max(1, there * MAPPED // self._size))
            for number in range(first, stop):
                yield reader.get_batch(number)
            if stop == there:
                return
            first = stop
