"""How a table of text is laid out: its delimiter, its header, and where its rows begin."""

import csv
import io
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

from reportgen.data.unpacking import AGAIN, is_packed, open_unpacked
from reportgen.errors import SourceError
from reportgen.remote.address import RemoteFile

MISSING: tuple[str, ...] = ("", "NULL", "null", "N/A", "n/a", "NA", "<NA>", "None")
MISSING += ("NaN", "nan", "NAN", "-nan", "NaT")
"""What cells say where nothing is there."""
BLANK = " "
DELIMITERS = (",", "\t", ";", "|", BLANK)
# Bytes and lines at the beginning of a file by which its layout is told.
SAMPLE, SAMPLE_LINES = 2**20, 100
BYTE_ORDERS = (b"\xff\xfe", b"\xfe\xff")
PACKED = (".gz", ".bz2", ".xz")
NAMED_SO = (".csv", ".tsv", ".tab")
# Texts that are other things, by their names and by how they begin.
NAMED_OTHERWISE = (".ecsv", ".html", ".ipynb", ".json", ".log", ".md", ".py", ".rst", ".svg",
                   ".tbl", ".tex", ".toml", ".xml", ".yaml", ".yml")  # fmt: skip
OTHERWISE = re.compile(
    r"\s*(?:[{\[<\\|]|---|\#!|\#?\s*%|Title:|import |from \w+ import |SIMPLE  =|XTENSION=)"
)


@dataclass(frozen=True)
class Layout:
    """Where in a file its columns are.

    lines_before: lines before the first row, those of the header included. units: of each column.
    has_rows: whether there are any, as far as the beginning of the file tells.
    """

    names: tuple[str, ...]
    delimiter: str
    lines_before: int
    units: tuple[str, ...]
    has_rows: bool


def looks_like_table(path: Path, start: bytes) -> bool:
    """Return whether a text is a table with one delimiter, by its name and its first bytes."""
    text = start.decode("utf-8", "replace").removeprefix("\ufeff")
    if "\0" in text and not start.startswith(BYTE_ORDERS):
        return False
    named = path.name.lower()
    for packed in PACKED:
        named = named.removesuffix(packed)
    if not text.strip() or OTHERWISE.match(text) or named.endswith(NAMED_OTHERWISE):
        return False
    if named.endswith(NAMED_SO):
        return True  # in UTF-16 too, or of one column: what is wrong with it is said when read
    if text.count("\ufffd") > 1:
        return False
    lines = text.splitlines()
    if len(start) >= 4096:
        lines = lines[:-1]  # the last one is not all there
    comments = [line for line in lines if line.startswith("#")]
    lines = [line for line in lines if line.strip() and not line.startswith("#")]
    if not lines:
        return False
    delimiter = _delimiter(lines)
    rows = [[cell.strip() for cell in row] for row in _rows(lines, delimiter)]
    header = rows[0]
    if all(map(_is_value, header)):
        header = _names_in_comment(comments, delimiter, len(header))
    else:
        rows = rows[1:]
    return (
        len(header) > 1
        and len(set(header)) == len(header)
        and all(len(row) == len(header) for row in rows)
        and not any(re.search(r"[={}<>]|:\s|:$|\.$", name) or _is_value(name) for name in header)
        and any(_is_value(cell) for row in rows for cell in row)
    )


def _rows(lines: Iterable[str], delimiter: str) -> Any:
    """Return a reader of the cells of lines, as Arrow reads them."""
    if delimiter == BLANK:
        lines = (" ".join(line.split()) + "\n" for line in lines)
    return csv.reader(lines, delimiter=delimiter)


def _is_value(cell: str) -> bool:
    """Return whether a cell is a number or says that it is missing, and so is no name."""
    if cell.strip() in MISSING:
        return True
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _delimiter(lines: list[str]) -> str:
    """Return what parts the cells of some lines: what parts most of them into as many."""
    best, best_score = ",", (0.0, 0)
    for delimiter in DELIMITERS:
        rows = _rows(lines, delimiter)
        try:
            widths = [len(row) for row in rows if row]
        except csv.Error:
            continue
        if not widths or widths[0] < 2:
            continue
        alike = sum(width == widths[0] for width in widths) / len(widths)
        # Blanks part words of texts too: they are taken where nothing else parts all lines alike.
        score = (alike, 0 if delimiter == BLANK else widths[0])
        if score > best_score:
            best, best_score = delimiter, score
    return best


def read_layout(path: Path) -> Layout:
    """Return the layout of a file; SourceError where it has no header."""
    text, is_whole = _read_sample(path)
    if not text.strip():
        raise SourceError("is empty", AGAIN)
    lines = list(io.StringIO(text, newline=""))
    if not is_whole and len(lines) > 1:
        lines = lines[:-1]
    before = 0
    while before < len(lines) and (not lines[before].strip() or lines[before].startswith("#")):
        before += 1
    comments, lines = lines[:before], lines[before:]
    if not lines:
        raise SourceError("holds comments only", "write the names of the columns, then the rows")
    delimiter = _delimiter(lines[:SAMPLE_LINES])
    rows = _rows(lines, delimiter)
    header = [cell.strip() for cell in next(rows)]
    if all(map(_is_value, header)):
        header, rows_before = _names_in_comment(comments, delimiter, len(header)), before
        units = [""] * len(header)
        if not header:
            said = "has no header line: the first line that is no comment holds no names"
            raise SourceError(said, "write the names of the columns as the first line")
    else:
        header_lines = rows.line_num
        units, more = _units(list(islice(rows, 2)), len(header))
        rows_before = before + header_lines + more
    # pandas writes its index so.
    header = [name or f"column_{number}" for number, name in enumerate(header, 1)]
    twice = [name for name, times in Counter(header).items() if times > 1]
    if twice:
        said = f"has more than one column with the name {twice[0]!r} in its header"
        raise SourceError(said, "give each column a name of its own")
    rest = lines[rows_before - before :]
    has_rows = not is_whole or any(line.strip() and not line.startswith("#") for line in rest)
    return Layout(tuple(header), delimiter, rows_before, tuple(units), has_rows)


def _read_sample(path: Path) -> tuple[str, bool]:
    """Return the beginning of a text, and whether it is all of it."""
    with open_unpacked(path) as file:
        start = file.read(SAMPLE)
    if start.startswith(BYTE_ORDERS):
        hint = "iconv -f utf-16 -t utf-8 FILE converts it"
        raise SourceError("is text in UTF-16, not in UTF-8", hint)
    is_whole = len(start) < SAMPLE
    if not is_whole:
        start = start[: start.rfind(b"\n") + 1] or start
    try:
        return start.decode("utf-8").removeprefix("\ufeff"), is_whole
    except UnicodeDecodeError as error:
        line = start.count(b"\n", 0, error.start) + 1
        hint = "iconv -f latin1 -t utf-8 FILE converts it"
        raise SourceError(f"is not UTF-8 text: its line {line}", hint) from None


def _names_in_comment(comments: list[str], delimiter: str, columns: int) -> list[str]:
    """Return the names in the last comment; none where there are not as many as columns."""
    for each in (delimiter, BLANK) if comments else ():
        row: list[str] = next(_rows([comments[-1].lstrip("#").strip()], each), [])
        names = [cell.strip() for cell in row]
        if len(names) == columns and not any(map(_is_value, names)):
            return names
    return []


def _units(rows: list[list[str]], columns: int) -> tuple[list[str], int]:
    """Return units, and how many lines they take: VizieR has units, then a line of dashes."""
    none = [""] * columns
    for number, row in enumerate(rows):
        dashes = len(row) == columns and all(re.fullmatch(r"-+", cell.strip()) for cell in row)
        if dashes and any("---" in cell for cell in row):
            units = [cell.strip() for cell in rows[0]] if number else none
            return (units, number + 1) if len(units) == columns else (none, number + 1)
    return none, 0


def one_blank_apart(lines: bytes) -> bytes:
    """Return whole lines with one blank between their cells, and none around them."""
    lines = re.sub(rb"[ \t]+", b" ", lines).replace(b"\r\n", b"\n")
    return lines.removeprefix(b" ").replace(b"\n ", b"\n").replace(b" \n", b"\n")


class _OneBlank(io.RawIOBase):
    """A file of cells with any number of blanks between them, read with one."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._ready = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if not self._ready:
            lines = self._file.read(2**20)
            self._ready = one_blank_apart(lines + self._file.readline()) if lines else b""
        taken = self._ready[: len(buffer)]
        self._ready = self._ready[len(taken) :]
        buffer[: len(taken)] = taken
        return len(taken)


@contextmanager
def open_text(path: Path, layout: Layout) -> Iterator[Any]:
    """Open a file of text for Arrow, unpacked."""
    import pyarrow as pa

    with path.open("rb") as raw:
        is_plain = not is_packed(raw.read(6))
    if is_plain and layout.delimiter != BLANK and not isinstance(path, RemoteFile):
        yield pa.OSFile(str(path))  # not closed here: it is when nobody reads it any more
        return
    with open_unpacked(path) as file:
        yield pa.PythonFile(_OneBlank(file) if layout.delimiter == BLANK else file, mode="r")


def find_ragged_line(path: Path, layout: Layout) -> SourceError:
    """Return an error that names the first line with more or fewer cells than the header."""
    columns = len(layout.names)
    hint = "mend the line; a cell that holds the delimiter stands in quotation marks"
    with open_unpacked(path) as file:
        text = io.TextIOWrapper(file, "utf-8", "replace", newline="")
        for _ in range(layout.lines_before):
            text.readline()
        rows = _rows(text, layout.delimiter)
        line = layout.lines_before + 1
        with suppress(csv.Error):
            for row in rows:
                if row and len(row) != columns and not row[0].lstrip().startswith("#"):
                    said = f"has {len(row)} cells in line {line}, and {columns} in its header"
                    return SourceError(said, hint)
                line = layout.lines_before + rows.line_num + 1
    return SourceError(f"has a line that does not have {columns} cells, as its header has", hint)
