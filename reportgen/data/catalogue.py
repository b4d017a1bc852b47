"""A catalogue: a row-aligned virtual table whose columns may come from several files."""

import itertools
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from keyword import iskeyword
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from reportgen.config.columns import Column
from reportgen.config.computed import computed_columns
from reportgen.config.expressions import Condition, Expression
from reportgen.config.problems import KeyPath
from reportgen.config.sources import CatalogueBlock, ColumnBlock, numbered
from reportgen.config.suggest import known_names, unknown
from reportgen.config.types import listed_paths
from reportgen.data.dataset import ColumnPlace
from reportgen.data.file_columns import problem_of
from reportgen.data.file_digests import FileDigests, Stamp, stamp
from reportgen.data.format import FileColumn, FileTable, Format, TableError
from reportgen.data.opening import Found, TableKey, describe_tables, formats, open_places
from reportgen.data.positions import IcrsAngle, with_positions
from reportgen.data.row_groups import read_some, rows_to_read
from reportgen.errors import SourceError
from reportgen.remote.address import RemoteFile
from reportgen.wording import listed

LONGEST_LABEL = 50  # characters; of a description in a file, which may be a paragraph
# How VizieR says in a description that a column may lack values, within which limits it is, and
# which note says more.
_NOTATION = re.compile(r"^(\[[^\]]*\])?\? ?(=\S+ )?|( \(\d+\))?( \[NULL integer [^\]]*\])?$")
ReadRows = Callable[[range], dict[str, NDArray[Any]]]
Place = Callable[..., str]
"""Returns ``file:line:column: key.path`` of a key of the configuration, for messages."""


@dataclass(frozen=True)
class Catalogue:
    """Named columns of equal length, not yet read.

    synthetic: what the files say when they do not hold observations; empty otherwise.
    broken: columns that cannot be read, and why; the others can. linked: columns that are in files
    to which theirs only link, so that these say nothing of whether they are still the same.
    skipped: columns of its table that are not there because they cannot be read, and why.
    computed: the expressions of columns that are in no file, each after those that it uses, and
    what makes ICRS degrees of its positions. mistakes: what is wrong with keys of its block, such
    as expressions of columns, which are not among these. assumed: positions without a unit, which
    are taken for degrees.
    tables: what its files say of themselves. stamps: of these, as they were before that.
    taken: the rows that are read, in their order, the others are missing; None for all.
    """

    name: str
    rows: int
    columns: Mapping[str, Column]
    places: Mapping[str, ColumnPlace] = field(repr=False)
    synthetic: str = ""
    broken: Mapping[str, SourceError] = field(default_factory=dict, repr=False)
    linked: frozenset[str] = frozenset()
    skipped: Mapping[str, str] = field(default_factory=dict, repr=False)
    computed: Mapping[str, Expression | IcrsAngle] = field(default_factory=dict, repr=False)
    mistakes: Mapping[KeyPath, str] = field(default_factory=dict, repr=False)
    assumed: tuple[str, ...] = ()
    tables: Mapping[TableKey, Found] = field(default_factory=dict, repr=False)
    stamps: Mapping[Path, Stamp | None] = field(default_factory=dict, repr=False)
    taken: tuple[range, ...] | None = field(default=None, repr=False)

    @property
    def files(self) -> list[tuple[Path, str]]:
        """Each file and dataset it reads, once."""
        return list(dict.fromkeys((place.file, place.dataset) for place in self.places.values()))

    @property
    def _described(self) -> list[FileTable]:
        return [table for table in self.tables.values() if isinstance(table, FileTable)]

    @property
    def formats(self) -> list[str]:
        """What its files are: ``FITS file``."""
        names = dict.fromkeys(table.format for table in self._described)
        return [each.split(maxsplit=1)[-1] for each in names]

    @property
    def has_row_groups(self) -> bool:
        """Whether one of its files may say what is in parts of its rows."""
        by_name = {each.name: type(each).row_groups is not Format.row_groups for each in formats()}
        return any(by_name.get(table.format, False) for table in self._described)

    @property
    def notes(self) -> tuple[str, ...]:
        """What its files say that readers of the numbers must know: that rows are left out."""
        return tuple(dict.fromkeys(note for table in self._described for note in table.notes))

    @property
    def in_order(self) -> bool:
        """Whether rows are reached only by reading those before them."""
        return any(table.in_order for table in self._described)

    @property
    def has_changed(self) -> bool:
        """Whether one of its files has changed since they were looked at."""
        return any(stamp(path) != before for path, before in self.stamps.items())

    @property
    def remarks(self) -> list[str]:
        """What one should know of its units and of columns that are left out, a sentence each."""
        strange: dict[str, list[str]] = {}
        for key, place in self.places.items():
            table = self.tables.get((place.file, place.dataset))
            for column in table.columns if isinstance(table, FileTable) else ():
                is_it = column.name == (place.field or "") and not column.unit_is_known
                if is_it and self.columns[key].unit == column.unit:
                    strange.setdefault(column.unit, []).append(key)
        said = [
            f"astropy does not know the unit {unit!r} of {listed(names, 4)}; it is shown as it is"
            for unit, names in strange.items()
        ]
        if self.assumed:
            said.append(f"without a unit, so taken for degrees: {listed([*self.assumed])}")
        if self.skipped:
            reasons: dict[str, list[str]] = {}
            for name, why in self.skipped.items():
                reasons.setdefault(why, []).append(name)
            found = [f"{listed(names, 4)} ({why})" for why, names in reasons.items()]
            said.append(f"left out: {'; '.join(found[:4])}")
        return [*(note.rstrip(".") for note in self.notes), *said]

    @contextmanager
    def reading(self, columns: Iterable[str]) -> Iterator[ReadRows]:
        """Open the files of some columns; gives a function that returns some of their rows.

        It maps a column's name to its values, as ``as_values`` makes them: float64, NaN where
        missing, or texts. Raises SourceError when a file cannot be read.
        """
        for path, before in self.stamps.items():
            is_remote = any(isinstance(each, RemoteFile) for each in listed_paths(path))
            if is_remote and stamp(path) != before:
                raise SourceError(f"{path}: was changed while it was read", "build again")
        asked = frozenset(columns)
        needed = self.needed_for(asked)
        computed = [(name, self.computed[name]) for name in self.computed if name in needed]
        names = sorted(needed - self.computed.keys())
        are_texts = [self.columns[name].kind == "text" for name in names]
        with open_places([self.places[name] for name in names]) as read:

            def read_rows(rows: range) -> dict[str, NDArray[Any]]:
                if self.taken is None:
                    found = read(rows.start, rows.stop)
                else:
                    found = read_some(read, rows, self.taken, are_texts)
                values = dict(zip(names, found, strict=True))
                for name, expression in computed:
                    made = expression.values(values)
                    values[name] = made if made.ndim else np.full(len(rows), made)
                return {name: values[name] for name in asked}

            yield read_rows

    def absolute(self) -> "Catalogue":
        """Return the same catalogue, to be read in processes with another working folder."""
        places = {name: replace(p, file=p.file.absolute()) for name, p in self.places.items()}
        return replace(self, places=places)

    def selecting(self, conditions: Collection[Condition]) -> "Catalogue":
        """Return the same catalogue, of which only rows are read that a condition may select.

        Which these are is said by files that know the ends of columns in parts of their rows.
        """
        needed = self.needed_for(name for each in conditions for name in each.columns)
        columns = {name: column for name, column in self.columns.items() if name in needed}
        computed = {name: each for name, each in self.computed.items() if name in needed}
        if not columns or columns.keys() & self.broken.keys():
            return self
        return replace(self, taken=rows_to_read(conditions, columns, self.places, computed))

    def needed_for(self, columns: Iterable[str]) -> frozenset[str]:
        """Return some columns and those that they are computed of."""
        needed = set(columns)
        for name, expression in reversed(list(self.computed.items())):
            if name in needed:
                needed |= expression.columns
        return frozenset(needed)


def open_catalogues(
    blocks: Mapping[str, CatalogueBlock], place: Place, contents: FileDigests | None = None
) -> dict[str, Catalogue | SourceError]:
    """Look up what is in catalogues: their columns, each there, readable and of one length.

    contents: what is known of files, which are not opened for that. Of columns that cannot be read
    ``broken`` says why; where none can, or their lengths differ, a SourceError lists everything
    that is wrong, a line each.
    """
    asked = {name: _Asked(name, block, place) for name, block in blocks.items()}
    keys = list(dict.fromkeys(key for each in asked.values() for key in each.tables))
    stamps = {path: stamp(path) for path, _ in keys}
    tables = describe_tables(keys, contents or FileDigests())
    found: dict[str, Catalogue | SourceError] = {}
    for name, each in asked.items():
        try:
            catalogue = each.opened(tables)
        except SourceError as error:
            found[name] = error
        else:
            found[name] = replace(
                catalogue,
                tables={key: tables[key] for key in each.tables},
                stamps={path: stamps[path] for path, _ in each.tables},
            )
    return found


def tables_of(block: CatalogueBlock) -> list[TableKey]:
    """Return each table that a catalogue needs."""
    listed = [_table(block, column) for column in block.in_files.values()]
    return list(dict.fromkeys([*_own_table(block), *listed]))


def _own_table(block: CatalogueBlock) -> list[TableKey]:
    return [(block.file, block.dataset or "")] if block.file and block.takes_others else []


def _table(block: CatalogueBlock, column: ColumnBlock) -> TableKey:
    file = column.file or block.file
    assert file is not None  # noqa: S101 - the schema has checked it
    return file, column.dataset or block.dataset or ""


@dataclass(frozen=True)
class _Asked:
    """What the configuration asks of a catalogue."""

    name: str
    block: CatalogueBlock
    place: Place

    @property
    def tables(self) -> list[TableKey]:
        """Each table that it needs."""
        return tables_of(self.block)

    def opened(self, tables: Mapping[TableKey, Found]) -> Catalogue:
        """Return the catalogue; SourceError when no column can be read, or lengths differ."""
        blocks, names, skipped = self._blocks(tables)
        found: dict[str, _FoundColumn] = {}
        broken: dict[str, SourceError] = {}
        columns: dict[str, Column] = {}
        for key, block in blocks.items():
            column = Column(key, names.get(key, key), is_known=False)
            try:
                each = found[key] = self._column(key, block, names.get(key), tables)
                column = _as_seen(each.column, column)
            except SourceError as error:
                broken[key] = error
            if block.unit is not None:
                column = replace(column, unit=block.unit, is_known=True)
            columns[key] = replace(column, label=block.label or column.label)
        if not found:
            raise all_problems(broken.values())
        self._check_lengths(found)
        described = {key: (each.table, each.column) for key, each in found.items()}
        # Expressions may use positions, and make them.
        sky = in_files = with_positions(columns, described, self.block, self.block.columns)
        computed = computed_columns(self.block.columns, in_files.columns)
        columns |= in_files.columns if in_files.expressions else {}
        columns |= computed.columns
        if not in_files.expressions:
            sky = with_positions(columns, described, self.block, self.block.columns)
            columns = dict(sky.columns)
        for key, column in columns.items():
            if wrong := [broken[name] for name in column.computed_from if name in broken]:
                broken[key] = all_problems(wrong)
        read = [each.table for each in found.values()]
        return Catalogue(
            self.name,
            read[0].rows,
            numbered(columns.values()),
            {key: each.place for key, each in found.items()},
            next((table.synthetic for table in read if table.synthetic), ""),
            broken,
            frozenset(key for key, each in found.items() if not each.table.whole),
            skipped,
            {**in_files.expressions, **computed.expressions, **sky.expressions},
            {("columns", key, "expression"): said for key, said in computed.mistakes.items()}
            | dict(sky.mistakes),
            sky.assumed,
        )

    def _blocks(
        self, tables: Mapping[TableKey, Found]
    ) -> tuple[dict[str, ColumnBlock], dict[str, str], dict[str, str]]:
        """Return each column's block, those of the table first.

        Returns also the names in the file of those of the table, and why others of it are left out.
        """
        listed = self.block.in_files
        computed = self.block.columns.keys() - listed.keys()
        for key in _own_table(self.block):
            table = tables[key]
            if isinstance(table, SourceError):
                if not listed:
                    raise self._placed(table)
                continue
            names, skipped = column_keys(table)
            names = {each: name for each, name in names.items() if each not in computed}
            numbers = {each.name for each in table.columns if each.is_number}
            if not numbers & set(names.values()) and not listed:
                said = f"{self._where('file')}: {key[0]}: has no column of numbers"
                left = list(skipped.items())[:10]
                held = "; ".join(f"{name or 'it'} {why}" for name, why in left)
                raise SourceError(said, held or f"there are texts and dates: {known_names(names)}")
            blocks = {each: listed.pop(each, ColumnBlock()) for each in names}
            return blocks | listed, names, skipped
        return listed, {}, {}

    def _column(
        self, key: str, block: ColumnBlock, name: str | None, tables: Mapping[TableKey, Found]
    ) -> "_FoundColumn":
        """Return where a column is and what its file says of it. name: in the file, if known."""
        inner = ("columns", key) if key in self.block.columns else ()
        where = self.place("catalogues", self.name, *inner)
        file, dataset = _table(self.block, block)
        table = tables[file, dataset]
        if isinstance(table, SourceError):
            raise self._placed(table, key)
        marks = self.block.missing if block.missing is None else block.missing
        place = ColumnPlace(file, dataset, block.index, None, marks, block.mask, where)
        column = _find(table, place, block.field or name, key)
        if block.mask is not None:
            mask = _find(table, replace(place, index=None), block.mask, block.mask)
            if not mask.is_number or np.dtype(mask.dtype).kind not in "bui":
                raise SourceError(f"{place.said}: {block.mask} holds no truth values")
        index = 0 if column.shape == (1,) else block.index
        return _FoundColumn(table, replace(place, field=column.name or None, index=index), column)

    def _placed(self, error: SourceError, column: str = "") -> SourceError:
        """Put the key before an error that says which table is wrong, or which file."""
        block = self.block.columns.get(column)
        dataset = (block and block.dataset) or self.block.dataset
        is_dataset = isinstance(error, TableError) and dataset
        where = self._where("dataset" if is_dataset else "file", column)
        return SourceError(f"{where}: {error.message}", error.hint)

    def _where(self, key: str, column: str = "") -> str:
        """Return the place of a key that a column has itself or from its catalogue."""
        block = self.block.columns.get(column)
        own = block is not None and getattr(block, key) is not None
        inner = ("columns", column) if own else ()
        return self.place("catalogues", self.name, *inner, key)

    def _check_lengths(self, found: Mapping[str, "_FoundColumn"]) -> None:
        lengths: dict[str, int] = {}
        for each in found.values():
            dataset = f": {each.place.dataset}" if each.place.dataset else ""
            lengths[f"{each.place.file}{dataset}"] = each.table.rows
        if len(set(lengths.values())) > 1:
            listed = "; ".join(f"{table} has {rows} rows" for table, rows in lengths.items())
            where = self.place("catalogues", self.name)
            hint = "columns of one catalogue are row-aligned; put the others in one of their own"
            raise SourceError(f"{where}: its columns have different lengths: {listed}", hint)


@dataclass(frozen=True)
class _FoundColumn:
    """A column that can be read: its table, its place and what the file says of it."""

    table: FileTable
    place: ColumnPlace
    column: FileColumn


def _as_seen(column: FileColumn, other: Column) -> Column:
    """Return a column of a file as analyses see it. other: with its name, and a label for none."""
    description = _NOTATION.sub("", " ".join(column.label.split())).strip()
    label = description if 0 < len(description) <= LONGEST_LABEL else other.label
    if column.dtype == "time":
        return replace(other, label=f"{label} (MJD)", unit="d", kind="time", is_known=True)
    if column.dtype == "str":
        return replace(other, label=label, unit="", kind="text", is_known=True)
    is_integer = np.dtype(column.dtype).kind in "biu"
    kind: Literal["integer", "number"] = "integer" if is_integer else "number"
    return replace(other, label=label, unit=column.unit, kind=kind, is_known=True)


def column_keys(table: FileTable) -> tuple[dict[str, str], dict[str, str]]:
    """Return the columns of a table that can be read, by the names that sections use.

    Returns also those that are left out, and why. Names become letters, digits and _.
    """
    keys: dict[str, str] = {}
    skipped: dict[str, str] = {}
    for column in table.columns:
        if why := problem_of(column, None):
            skipped[column.name] = why
            continue
        base = re.sub(r"\W", "_", column.name) or "value"  # of a dataset that is one column
        base = f"_{base}" if base[0].isdigit() else base
        base = f"{base}_" if iskeyword(base) else base
        others = (f"{base}_{number}" for number in itertools.count(2))
        keys[next(key for key in itertools.chain([base], others) if key not in keys)] = column.name
    return keys, skipped


def _find(table: FileTable, place: ColumnPlace, field: str | None, key: str) -> FileColumn:
    """Return a column of a table by its name in the file, or the only one of a dataset."""
    columns = {column.name: column for column in table.columns}
    if set(columns) == {""}:
        if field:
            raise SourceError(
                f"{place.said} is no table with named columns, so it has no field {field!r}",
                f"its type is {columns[''].dtype} and its shape {(table.rows, *columns[''].shape)}",
            )
        name = ""
    elif field is None and key not in columns:
        folded = [name for name in columns if name.casefold() == key.casefold()]
        if len(folded) != 1:
            raise SourceError(
                f"{place.said} has no column {key!r}", f"name one as field: {known_names(columns)}"
            )
        (name,) = folded
    else:
        name = key if field is None else field
        if name not in columns:
            raise SourceError(f"{place.said}: {unknown('field', name, columns)}")
    if why := problem_of(columns[name], place.index):
        named = f"{place.said}: {name}" if name else place.said
        hint = "" if "index" in why else "a column must hold numbers, truth values, times or texts"
        raise SourceError(f"{named} {why}", hint)
    return columns[name]


def all_problems(errors: Iterable[SourceError]) -> SourceError:
    """Put errors of several columns into one; what is wrong with a file is said once."""
    said: dict[str, SourceError] = {}
    for error in errors:
        # The same file gives the same words after the place in the configuration.
        said.setdefault(error.message.partition(": ")[2].partition(": ")[2], error)
    if len(said) == 1:
        return next(iter(said.values()))
    hints = {error.hint for error in said.values()}
    if len(hints) == 1:
        return SourceError("\n".join(error.message for error in said.values()), hints.pop())
    return SourceError("\n".join(str(error) for error in said.values()))
