"""Tables in HDF5: datasets, compound datasets, groups of columns; pandas, PyTables, astropy, vaex.

What a column is made of is found once, from headers, both to describe a table and to read it.
"""

import pickletools
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from reportgen.config.suggest import known_names
from reportgen.data.file_columns import columns_of_astropy, masks_of
from reportgen.data.format import FileColumn, FileTable, Format, ReadValues, TableError, Wanted
from reportgen.data.hdf5 import (
    DAMAGE,
    DAMAGED,
    SIGNATURE,
    datasets,
    filter_problem,
    is_whole,
    open_dataset,
    open_file,
    reason,
    synthetic_mark,
)
from reportgen.errors import SourceError

if TYPE_CHECKING:
    import h5py

# Two wanted columns with at most this many unwanted ones between them are read in one go: in a
# row-major dataset the bytes between come from the disk anyway.
MAX_GAP = 8
# Attributes in which programs write what a column is.
_UNITS, _LABELS, _UCDS = ("unit", "units"), ("description", "label", "long_name"), ("ucd", "UCD")


_Values = tuple[str, tuple[str, ...], int | None]
"""Where values are: the dataset, the field in it if it is compound, and which of those in a row."""


@dataclass(frozen=True)
class _Part:
    """Where a column is. field: of a compound dataset, those around it first. mask: beside it.

    valid: whether the mask is of bits that are set where the value is there. block: which of the
    columns that are in one dataset.
    """

    column: FileColumn
    dataset: str
    field: tuple[str, ...] = ()
    mask: "_Part | None" = None
    valid: bool = False
    block: int | None = None

    def values(self, index: int | None = None) -> _Values:
        """Return where its values are. index: which of those in a row, if there are several."""
        return self.dataset, self.field, index if self.block is None else self.block


class Hdf5Table(Format):
    """HDF5."""

    name = "an HDF5 file"
    pattern = "*.h5"

    def recognises(self, path: Path, start: bytes) -> bool:
        if start.startswith(SIGNATURE):
            return True
        if path.suffix.lower() in {".h5", ".hdf5", ".hdf"}:
            return path.is_file()  # damaged, perhaps, and then it is to be said what is wrong
        return False

    @property
    def images(self) -> Format:
        from reportgen.data.hdf5_images import Hdf5Images  # which describes as this does

        return Hdf5Images()

    def _only(self, file: "h5py.File") -> str:
        return _only_table(file)

    def describe(self, path: Path, dataset: str) -> FileTable:
        with saying_nothing_of(path), open_file(path) as file, _naming_damage():
            try:
                parts, rows, shown = _table(file, dataset or self._only(file))
            except SourceError as error:
                raise TableError(error.message.removeprefix(f"{path}: "), error.hint) from None
            columns = tuple(part.column for part in parts)
            return FileTable(rows, columns, synthetic_mark(file.attrs), is_whole(file, shown))

    @contextmanager
    def open(self, path: Path, dataset: str, wanted: Sequence[Wanted]) -> Iterator[ReadValues]:
        with saying_nothing_of(path), open_file(path) as file:
            with _naming_damage():
                place = dataset or self._only(file)
                known = {part.column.name: part for part in _table(file, place)[0]}
                parts = [(known[each.column], each.index) for each in wanted]
                both = (each for part, _ in parts for each in (part, part.mask) if each)
                datasets = {each.dataset: open_dataset(file, each.dataset) for each in both}

            def read(start: int, stop: int) -> list[NDArray[Any]]:
                try:
                    return _read(datasets, parts, start, stop)
                except DAMAGE as error:
                    said = f"{place}: rows {start} to {stop} cannot be read: {reason(error)}"
                    raise SourceError(said, DAMAGED) from None

            yield read


@contextmanager
def saying_nothing_of(path: Path) -> Iterator[None]:
    """Leave the path, which callers say, out of the message of an error."""
    try:
        yield
    except SourceError as error:
        raise type(error)(error.message.removeprefix(f"{path}: "), error.hint) from None


@contextmanager
def _naming_damage() -> Iterator[None]:
    try:
        yield
    except DAMAGE as error:
        raise SourceError(f"is damaged: {reason(error)}", DAMAGED) from None


# --- What there is -----------------------------------------------------------------------------


def _only_table(file: "h5py.File") -> str:
    """Return the name of the only table of a file; SourceError when it is not alone."""
    import h5py

    found: list[str] = []

    def look(group: "h5py.Group") -> None:
        if _group_parts(group):
            found.append(group.name)
            return
        for name in group:
            with suppress(*DAMAGE):
                if isinstance(group.get(name, getlink=True), h5py.ExternalLink):
                    continue
                match group[name]:
                    case h5py.Group() as inner if not name.startswith("_i_"):  # PyTables' indexes
                        look(inner)
                    case h5py.Dataset() as dataset if _is_compound(dataset):
                        if not name.endswith("__table_column_meta__"):
                            found.append(dataset.name)

    with suppress(RecursionError):
        look(file)
    if len(found) == 1:
        return found[0]
    if found:
        hint = f"name one of them as dataset: {known_names(found)}"
        raise SourceError(f"holds {len(found)} tables", hint)
    hint = "name the dataset of each column, and its index in a 2-D one (dataset:, index:)"
    there = f"; its datasets: {known_names(names)}" if (names := datasets(file)) else ""
    raise SourceError("holds no table whose columns have names", f"{hint}{there}")


def _is_compound(dataset: "h5py.Dataset") -> bool:
    return dataset.ndim == 1 and _has_fields(dataset.id.get_type())


def _has_fields(kind: "h5py.h5t.TypeID") -> bool:
    """Return whether a type is compound, and no complex number, which HDF5 has as such."""
    import h5py

    if not isinstance(kind, h5py.h5t.TypeCompoundID):
        return False
    members = [kind.get_member_name(number) for number in range(kind.get_nmembers())]
    return members != [b"r", b"i"]


def _table(file: "h5py.File", name: str) -> tuple[list[_Part], int, "h5py.Dataset"]:
    """Return the columns of a table, its number of rows and one of its datasets."""
    import h5py

    found = None
    with suppress(*DAMAGE):
        found = file.get(name)
    if isinstance(found, h5py.Group):
        parts = _group_parts(found)
        if not parts:
            inside = [f"{found.name.rstrip('/')}/{key}" for key in found]
            raise SourceError(
                f"{name} is a group without a table, not a dataset",
                f"name a dataset in it: {known_names(inside)}" if inside else "it is empty",
            )
    else:
        dataset = open_dataset(file, name)
        if dataset.shape is None or not dataset.ndim:
            raise SourceError(f"{name} is empty or a single value: it has no rows")
        parts = _compound_parts(file, dataset) if _is_compound(dataset) else [_plain_part(dataset)]
    numbers = [part for part in parts if part.column.is_number and not part.column.unreadable]
    lengths = {part.dataset: len(open_dataset(file, part.dataset)) for part in numbers or parts}
    if len(set(lengths.values())) > 1:
        listed = ", ".join(f"{key} {n}" for key, n in lengths.items())
        raise SourceError(f"{name}: its columns have different lengths: {listed}")
    first = open_dataset(file, next(iter(lengths)))
    return parts, len(first), first


def _plain_part(dataset: "h5py.Dataset", name: str = "") -> _Part:
    """Return the column that a dataset of numbers or texts is."""
    unreadable = filter_problem(dataset)
    try:
        kind = _type_text(dataset.id.get_type())
    except DAMAGE as error:
        kind, unreadable = "O", f"has a type that cannot be read: {reason(error)}"
    unit, label, ucd = _about(dataset)
    column = FileColumn(name, kind, dataset.shape[1:], unit, label, ucd, unreadable)
    return _Part(column, dataset.name)


def _about(item: "h5py.Dataset | h5py.Group") -> tuple[str, str, str]:
    """Return the unit, the description and the UCD that attributes tell."""
    return _attribute(item, _UNITS), _attribute(item, _LABELS), _attribute(item, _UCDS)


def _attribute(item: "h5py.Dataset | h5py.Group", names: Sequence[str]) -> str:
    """Return the first of some attributes that is there, as text."""
    for name in names:
        with suppress(*DAMAGE):
            value = item.attrs.get(name)
            value = value.decode("utf-8", "replace") if isinstance(value, bytes) else value
            if isinstance(value, str):
                return value.strip()
    return ""


def _type_text(kind: "h5py.h5t.TypeID") -> str:
    """Return a type as FileColumn has it. Raises what h5py raises for one that numpy lacks."""
    import h5py

    if isinstance(kind, h5py.h5t.TypeStringID):
        return "str"
    return np.dtype(kind.dtype).str if np.dtype(kind.dtype).kind != "O" else "O"


def _compound_parts(file: "h5py.File", dataset: "h5py.Dataset") -> list[_Part]:
    """Return the fields of a compound dataset, those of nested ones too, each with its mask."""
    unreadable = filter_problem(dataset)
    parts = {
        part.column.name: replace(
            part, column=replace(part.column, unreadable=part.column.unreadable or unreadable)
        )
        for part in _fields(dataset.id.get_type(), dataset.name, ())
    }
    with suppress(*DAMAGE):
        meta = file[f"{dataset.name}.__table_column_meta__"][()]
        for name, other in columns_of_astropy(meta).items():
            if name in parts:
                column = parts[name].column.completed(other)
                parts[name] = replace(parts[name], column=column)
    return _with_masks(_pandas_names(dataset, parts))


def _fields(kind: Any, dataset: str, outer: tuple[str, ...]) -> Iterator[_Part]:
    import h5py

    for number in range(kind.get_nmembers()):
        name = kind.get_member_name(number).decode("utf-8", "replace")
        field, inner, shape = (*outer, name), kind.get_member_type(number), ()
        if _has_fields(inner):
            yield from _fields(inner, dataset, field)
            continue
        unreadable = ""
        if isinstance(inner, h5py.h5t.TypeArrayID):
            shape, inner = inner.get_array_dims(), inner.get_super()
        try:
            text = _type_text(inner)
        except DAMAGE as error:
            text, unreadable = "O", f"has a type that cannot be read: {reason(error)}"
        yield _Part(FileColumn("/".join(field), text, shape, unreadable=unreadable), dataset, field)


def _with_masks(parts: dict[str, _Part]) -> list[_Part]:
    """Return columns without those that are masks of others, which have them now."""
    masks = masks_of([part.column for part in parts.values()])
    return [
        replace(part, mask=parts[masks[name]] if name in masks else None)
        for name, part in parts.items()
        if name not in masks.values()
    ]


def _pandas_names(dataset: "h5py.Dataset", parts: dict[str, _Part]) -> dict[str, _Part]:
    """Return the columns of a table that pandas wrote in blocks, by their own names.

    The names are pickled. They are read as texts out of the pickle, which is never run.
    """
    if _attribute(dataset.parent, ["pandas_type"]) != "frame_table":
        return parts
    named: dict[str, _Part] = {}
    for key, part in parts.items():
        pickled = dataset.attrs.get(f"{key}_kind")
        names = _pickled_texts(pickled) if re.fullmatch(r"values_block_\d+", key) else []
        if len(names) != (part.column.shape or (1,))[0]:
            named[key] = part
            continue
        for place, name in enumerate(names):
            column = replace(part.column, name=name, shape=())
            named[name] = replace(part, column=column, block=place if part.column.shape else None)
    return named


def _pickled_texts(pickled: object) -> list[str]:
    raw = pickled if isinstance(pickled, bytes) else str(pickled).encode("latin-1", "replace")
    with suppress(Exception):  # whatever it is, it is no list of names
        return [str(arg) for opcode, arg, _ in pickletools.genops(raw) if "UNICODE" in opcode.name]
    return []


def _group_parts(group: "h5py.Group") -> list[_Part]:
    """Return the columns of a group that is a table; none when it is not one."""
    import h5py

    with suppress(*DAMAGE):
        if _attribute(group, ["pandas_type"]) == "frame":
            return list(_pandas_blocks(group))
        if _attribute(group, ["pandas_type"]) == "frame_table":
            return _compound_parts(group.file, group["table"])
        if _attribute(group, ["type"]) == "table" and isinstance(group.get("columns"), h5py.Group):
            return list(_vaex_parts(group["columns"]))
    columns: dict[str, _Part] = {}
    for name in group:
        with suppress(*DAMAGE):
            if isinstance(group.get(name, getlink=True), h5py.ExternalLink):
                continue
            dataset = group[name]
            if isinstance(dataset, h5py.Dataset) and dataset.ndim and not _is_compound(dataset):
                columns[name] = _plain_part(dataset, name)
    single = [part for part in columns.values() if not part.column.shape and part.column.is_number]
    lengths = {len(group[part.dataset]) for part in columns.values()}
    return _with_masks(columns) if single and len(lengths) == 1 else []


def _pandas_blocks(group: "h5py.Group") -> Iterator[_Part]:
    """Yield the columns of a frame that pandas wrote as such: blocks of columns of one type."""
    for key in sorted(group):
        if found := re.fullmatch(r"(block\d+)_items", key):
            part = _plain_part(group[f"{found[1]}_values"])
            for place, raw in enumerate(group[key][()]):
                name = raw.decode("utf-8", "replace") if isinstance(raw, bytes) else str(raw)
                column = replace(part.column, name=name, shape=())
                yield replace(part, column=column, block=place)


def _vaex_parts(columns: "h5py.Group") -> Iterator[_Part]:
    """Yield the columns of a table that vaex wrote: a group each, with data and perhaps a mask."""
    import h5py

    for name in columns:
        item = columns[name]
        data = item["data"] if isinstance(item, h5py.Group) else item
        part = _plain_part(data, name)
        unit, label, ucd = _about(item)
        unreadable = part.column.unreadable
        if "indices" in item:
            unreadable = "is text in the layout of vaex, which is not read"
        column = replace(part.column, unit=unit, label=label, ucd=ucd, unreadable=unreadable)
        key = next((key for key in ("mask", "null_bitmap") if key in item), "")
        mask = _plain_part(item[key]) if key else None
        yield replace(part, column=column, mask=mask, valid=key == "null_bitmap")


# --- Reading -----------------------------------------------------------------------------------


def _read(
    datasets: dict[str, "h5py.Dataset"],
    wanted: Sequence[tuple[_Part, int | None]],
    start: int,
    stop: int,
) -> list[NDArray[Any]]:
    """Return rows of columns; those of one dataset are read together."""
    groups: dict[str, list[_Values]] = {}
    for part, index in wanted:
        groups.setdefault(part.dataset, []).append(part.values(index))
        if part.mask is not None and not part.valid:
            groups.setdefault(part.mask.dataset, []).append(part.mask.values())
    found: dict[_Values, NDArray[Any]] = {}
    for name, group in groups.items():
        read = _read_fields if group[0][1] else _read_plain
        found |= read(datasets[name], group, start, stop)
    columns = []
    for part, index in wanted:
        raw = found[part.values(index)]
        if part.column.dtype == "str":
            raw = np.array([_text(text) for text in raw.tolist()], dtype=object)
        if part.mask is not None and part.valid:
            raw = np.ma.MaskedArray(raw, ~_valid_bits(datasets[part.mask.dataset], start, stop))
        elif part.mask is not None:
            raw = np.ma.MaskedArray(raw, found[part.mask.values()].astype(bool))
        if len(raw) != stop - start:
            raise ValueError(f"there are only {start + len(raw)} rows left of {stop}")
        columns.append(raw)
    return columns


def _text(raw: object) -> str:
    return raw.decode("utf-8", "replace").rstrip("\0") if isinstance(raw, bytes) else str(raw)


def _read_fields(
    dataset: "h5py.Dataset", group: Sequence[_Values], start: int, stop: int
) -> dict[_Values, NDArray[Any]]:
    """Return rows of fields of a compound dataset, whatever the types of its other fields.

    HDF5 picks members by their names; h5py's own way needs a numpy type of the whole dataset.
    """
    import h5py

    stop = min(stop, len(dataset))
    dtype = _subset(dataset.id.get_type(), {field for _, field, _ in group})
    rows = np.empty(max(stop - start, 0), dtype)
    if len(rows):
        there = dataset.id.get_space()
        there.select_hyperslab((start,), (len(rows),))
        here = h5py.h5s.create_simple((len(rows),))
        dataset.id.read(here, there, rows, h5py.h5t.py_create(dtype))
    found = {}
    for each in group:
        values, (_, field, index) = rows, each
        for name in field:
            values = values[name]
        if index is not None or values.ndim > 1:
            values = values.reshape(len(values), -1)[:, index or 0]
        found[each] = values
    return found


def _subset(kind: Any, fields: set[tuple[str, ...]]) -> np.dtype[Any]:
    """Return the numpy type of some fields of a compound type, nested as they are."""
    inner: dict[str, set[tuple[str, ...]]] = {}
    for first, *rest in sorted(fields):
        inner.setdefault(first, set()).add(tuple(rest))
    members = []
    for name, deeper in inner.items():
        member = kind.get_member_type(kind.get_member_index(name.encode()))
        deep = deeper - {()}
        members.append((name, _subset(member, deep) if deep else member.dtype))
    return np.dtype(members)


def _read_plain(
    dataset: "h5py.Dataset", group: Sequence[_Values], start: int, stop: int
) -> dict[_Values, NDArray[Any]]:
    """Return rows of columns of a 2-D dataset, or of a 1-D one, which has no index."""
    wanted = np.unique([index for _, _, index in group if index is not None])
    if not len(wanted):
        whole = dataset[start:stop]
        return {group[0]: whole.reshape(len(whole), -1)[:, 0] if whole.ndim > 1 else whole}
    found: dict[_Values, NDArray[Any]] = {}
    for run in np.split(wanted, np.flatnonzero(np.diff(wanted) > MAX_GAP + 1) + 1):
        first, last = int(run[0]), int(run[-1])
        if first + dataset.shape[1] - 1 - last <= MAX_GAP and dataset.chunks is None:
            # Whole rows lie together in the file: HDF5 reads them several times as fast as parts.
            block, first = dataset[start:stop], 0
        else:
            block = dataset[start:stop, first : last + 1]
        found |= {(dataset.name, (), index): block[:, index - first] for index in run.tolist()}
    return found


def _valid_bits(dataset: "h5py.Dataset", start: int, stop: int) -> NDArray[np.bool_]:
    """Return where the bit of a row is set, the lowest of a byte first, as Arrow has them."""
    packed = dataset[start // 8 : -(-stop // 8)]
    bits = np.unpackbits(np.asarray(packed, dtype=np.uint8), bitorder="little")
    return bits[start % 8 :][: stop - start].astype(bool)
