"""Files from outside are regular files: whoever opens a pipe or a device may wait for ever."""

import stat
from pathlib import Path

from reportgen.errors import SourceError

_KINDS = {
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


def require_regular(path: Path, named: str, wanted: str, pattern: str) -> None:
    """Raise SourceError unless a path leads, links followed, to a regular file.

    named: what stands before messages, ``file:line:column: key: path``. wanted: what the file
    should be, such as ``an HDF5 file``. pattern: of the names of such files; where there is no
    file, the hint lists those that are.
    """
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        near = ", ".join(sorted(each.name for each in path.parent.glob(pattern))[:10])
        kind = wanted.partition(" ")[2]
        hint = f"{kind}s in {path.parent}: {near}" if near else "check the path"
        raise SourceError(f"{named}: there is no such file", hint) from None
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else str(error)
        raise SourceError(f"{named}: cannot be read: {why}", "check the path") from None
    if stat.S_ISDIR(mode):
        raise SourceError(f"{named}: is a folder, not {wanted}", "name the file in it")
    if not stat.S_ISREG(mode):
        kind = _KINDS.get(stat.S_IFMT(mode), "no regular file")
        leads = f"is a link to {kind}" if path.is_symlink() else f"is {kind}"
        raise SourceError(f"{named}: {leads}, not {wanted}", "name a regular file")
