"""HDF5 files: open them, find datasets in them, and say in words what is wrong."""

import re
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from reportgen.config.suggest import known_names, unknown
from reportgen.data.regular_file import require_regular
from reportgen.errors import SourceError
from reportgen.remote.address import RemoteFile

if TYPE_CHECKING:
    import h5py

SIGNATURE = b"\x89HDF\r\n\x1a\n"
"""With which a file begins."""
# Bytes of unpacked HDF5 chunks kept for the next rows; one that is larger than the cache, which is
# 1 MB by default, would be unpacked anew for every few rows.
CHUNK_CACHE = 64 * 1024**2
# What h5py raises where the bytes of a file make no sense.
DAMAGE = (OSError, RuntimeError, KeyError, ValueError, TypeError)

_DEEPEST = 5  # virtual datasets of virtual datasets
_AGAIN = "copy or download it again"
DAMAGED = f"the file is damaged; {_AGAIN}"


@contextmanager
def open_file(path: Path, where: str = "") -> Iterator["h5py.File"]:
    """Open an HDF5 file for reading; SourceError says what is wrong with it."""
    import h5py

    named = f"{where}: {path}" if where else f"{path}"
    is_remote = isinstance(path, RemoteFile)
    require_regular(path, named, "an HDF5 file", "*.h5")
    with ExitStack() as stack:
        try:
            source = stack.enter_context(path.open("rb")) if is_remote else path
            file = stack.enter_context(h5py.File(source, "r", rdcc_nbytes=CHUNK_CACHE))
            _ = file.attrs  # the root group, without which nothing in the file can be found
        except DAMAGE as error:
            what, hint = _why_not_open(path, error)
            raise SourceError(f"{named}: {what}", hint) from None
        yield file


def _why_not_open(path: Path, error: Exception) -> tuple[str, str]:
    """Return what is wrong with a file that HDF5 does not open, and what to do."""
    try:
        with path.open("rb") as raw:
            start = raw.read(8)
    except OSError as denied:
        return f"cannot be read: {denied.strerror}", "check its permissions"
    if not start:
        return "is empty", _AGAIN
    if start != SIGNATURE:
        return "is not an HDF5 file", "check the path, or convert the file"
    what, hint = f"cannot be opened as HDF5: {reason(error)}", DAMAGED
    if "truncated" in str(error):
        what, hint = "is truncated: it holds fewer bytes than its header promises", _AGAIN
    if "unable to lock" in str(error):
        what = "is open for writing in another program"
        hint = "wait until it is written, or set HDF5_USE_FILE_LOCKING=FALSE"
    return what, hint


def reason(error: Exception) -> str:
    """Return what HDF5 says, without the call that said it."""
    found = re.search(r"\((.+)\)", str(error))
    return found[1] if found else str(error).strip("'\"")


def open_dataset(file: "h5py.File", name: str, where: str = "") -> "h5py.Dataset":
    """Return a dataset; SourceError lists what is there when it is not."""
    import h5py

    named = f"{where}: {file.filename}" if where else file.filename
    found: object = None
    try:
        if name in file:
            found = file[name]
    except DAMAGE as error:
        what, hint = _why_not_there(file, name, error)
        raise SourceError(f"{named}: {name} {what}", hint) from None
    if isinstance(found, h5py.Dataset):
        if problem := _other_files_problem(Path(file.filename), found):
            hint = "what a dataset is made of must lie beside its file, or below"
            raise SourceError(f"{named}: {name} {problem}", hint)
        return found
    there = datasets(file)
    if found is not None:
        kind = "a group" if isinstance(found, h5py.Group) else "a type"
        hint = f"datasets in the file: {known_names(there)}"
        raise SourceError(f"{named}: {name} is {kind}, not a dataset", hint)
    wanted = name if name.startswith("/") else f"/{name}"
    raise SourceError(f"{named}: {unknown('dataset', wanted, there)}")


def _why_not_there(file: "h5py.File", name: str, error: Exception) -> tuple[str, str]:
    """Return why a dataset whose name is there cannot be had, and what to do."""
    import h5py

    with suppress(*DAMAGE):
        match file.get(name, getlink=True):
            case h5py.ExternalLink(path=path, filename=other):
                said = f"is a link to {path} in the file {other}, which cannot be opened"
                return said, "copy that file too"
            case h5py.SoftLink(path=path):
                return f"is a link to {path}, which is not there", ""
    return f"cannot be read: {reason(error)}", DAMAGED


def datasets(file: "h5py.File") -> list[str]:
    """Return the names of the datasets of a file; as far as they can be read."""
    import h5py

    there: list[str] = []

    def visit(name: str, item: object) -> None:
        if isinstance(item, h5py.Dataset):
            there.append(f"/{name}")

    with suppress(*DAMAGE):
        file.visititems(visit)
    return there


def _other_files_problem(path: Path, dataset: "h5py.Dataset", depth: int = 0) -> str:
    """Return what is wrong with the files that a dataset of a file is in besides; empty for none.

    A file may name any other of the user's, whose bytes would be shown as numbers.
    """
    import h5py

    folder = path.resolve().parent
    names = [str(name) for name, _, _ in dataset.external or ()]
    if Path(dataset.file.filename) != path:
        names.append(dataset.file.filename)
    inner: list[tuple[str, str]] = []
    if dataset.is_virtual:
        inner = [(each.file_name, each.dset_name) for each in dataset.virtual_sources()]
        names += [name for name, _ in inner if name != "."]
    for name in dict.fromkeys(names):
        # What is not there would be read as fill values. Raw data is looked for where we run.
        found = [base / name for base in (folder, Path.cwd()) if (base / name).is_file()]
        if not found:
            return f"is in part in {name}, which is not there"
        if any(not each.resolve().is_relative_to(folder) for each in found):
            return f"is in part in {name}, which lies outside the folder of its file"
    for name, source in inner:
        if name == "." or depth > _DEEPEST:
            continue
        with suppress(*DAMAGE), h5py.File(folder / name, "r") as other:
            if problem := _other_files_problem(folder / name, other[source], depth + 1):
                return problem
    return ""


def is_whole(file: "h5py.File", dataset: "h5py.Dataset") -> bool:
    """Return whether nothing of a dataset is in another file."""
    linked = dataset.is_virtual or dataset.external or dataset.file.filename != file.filename
    return not linked


def synthetic_mark(attributes: Mapping[str, object]) -> str:
    """Return what a file says of being synthetic; empty when it does not."""
    try:
        mark = attributes.get("synthetic", "")
    except DAMAGE:
        return ""
    if isinstance(mark, np.ndarray):  # of one text, as some programs write it
        mark = mark.ravel()[0] if mark.size else ""
    if isinstance(mark, bytes):
        mark = mark.decode("utf-8", "replace")
    if isinstance(mark, str):
        return str(mark)
    return "The file is marked as synthetic." if mark else ""


def type_on_disk(dataset: "h5py.Dataset", named: str) -> np.dtype[Any]:
    """Return the type of a dataset; SourceError for one that numpy does not have."""
    try:
        dtype: np.dtype[Any] = np.dtype(dataset.dtype)
    except DAMAGE as error:
        raise SourceError(f"{named} has a type that cannot be read: {error}") from None
    return dtype


def check_filters(dataset: "h5py.Dataset", named: str) -> None:
    """Raise SourceError for a dataset that is compressed in a way that HDF5 cannot undo here."""
    if problem := filter_problem(dataset):
        raise SourceError(f"{named} {problem}", "or have it written with gzip")


def filter_problem(dataset: "h5py.Dataset") -> str:
    """Return why HDF5 cannot undo the compression of a dataset; empty when it can."""
    import h5py

    made = dataset.id.get_create_plist()
    for number in range(made.get_nfilters()):
        code, _, _, name = made.get_filter(number)
        if not h5py.h5z.filter_avail(code):
            with suppress(ImportError):
                import hdf5plugin  # noqa: F401 - which brings most filters that there are
        if not h5py.h5z.filter_avail(code):
            called = f"{name.decode(errors='replace')} " if name else ""
            return (
                f"is compressed by the HDF5 filter {called}{code}, which is not installed: "
                "pip install hdf5plugin, or set HDF5_PLUGIN_PATH to the folder of its plugin"
            )
    return ""


@contextmanager
def reading(file: Path, dataset: str, what: str, where: str = "") -> Iterator[None]:
    """Turn what h5py raises while it reads some rows into a SourceError."""
    try:
        yield
    except DAMAGE as error:
        said = f"{file}: {dataset}: {what} cannot be read: {reason(error)}"
        raise SourceError(f"{where}: {said}" if where else said, DAMAGED) from None
