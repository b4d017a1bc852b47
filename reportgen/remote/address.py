"""Addresses of files on web servers and in S3, in the place of paths.

Secrets in an address (signatures) are in no text of it.
"""

import os
import re
import stat
from pathlib import Path, PosixPath
from typing import Any
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

_ADDRESS = re.compile(r"(https?|s3)://", re.IGNORECASE)
# Names in a query: of signatures, which say for how long who may read a file and not which, and of
# other secrets, which may.
_SIGNATURE = re.compile(
    r"x-amz-.*|x-goog-.*|awsaccesskeyid|googleaccessid|expires|sig|signature|key-pair-id",
    re.IGNORECASE,
)
_SECRET = re.compile(
    rf"{_SIGNATURE.pattern}|.*signature|.*token|.*key|.*secret|.*pass(word|wd)?|auth.*"
    "|.*credentials?|code|jwt|sas",
    re.IGNORECASE,
)


class RemoteFile(PosixPath):
    """The address of a file in the place of a path.

    Its text has no secrets. Two are the same if they differ in signatures alone.
    """

    @property
    def address(self) -> str:
        """The whole address, with secrets."""
        scheme, *parts = self.parts
        return f"{scheme}//{'/'.join(parts)}"

    @property
    def secrets(self) -> list[str]:
        """What is secret in it, ``name=value``, as it is written."""
        pairs = urlsplit(self.address).query.split("&")
        return [each for each in pairs if _SECRET.fullmatch(unquote(each.partition("=")[0]))]

    @property
    def identity(self) -> str:
        """The address without signatures; other secrets are in it."""
        return self._without(_SIGNATURE)

    def _without(self, names: re.Pattern[str]) -> str:
        parts = urlsplit(self.address)
        query = parse_qsl(parts.query, keep_blank_values=True)
        left = urlencode([pair for pair in query if not names.fullmatch(pair[0])])
        return f"{parts.scheme}://{parts.netloc}{parts.path}{'?' if left else ''}{left}"

    def __str__(self) -> str:
        return self._without(_SECRET)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RemoteFile) and self.identity == other.identity

    def __hash__(self) -> int:
        return hash(self.identity)

    @property
    def name(self) -> str:
        """Name of the file, without the query."""
        return urlsplit(self.address).path.rpartition("/")[2]

    def exists(self, **_: Any) -> bool:
        """Return True: whether it is there, is known when it is read."""
        return True

    def is_file(self, **_: Any) -> bool:
        """Return True."""
        return True

    def is_dir(self, **_: Any) -> bool:
        """Return False: servers list no folders."""
        return False

    def stat(self, **_: Any) -> os.stat_result:
        """Return the size and time of the file; SourceError when it cannot be read."""
        from reportgen.remote.server import look_at

        found = look_at(self)
        times = (found.modified, found.modified, found.modified)
        return os.stat_result((stat.S_IFREG | 0o444, 0, 0, 1, 0, 0, found.bytes, *times))

    def open(self, *_: Any, **__: Any) -> Any:
        """Open the file for reading bytes; SourceError when it cannot be read."""
        from reportgen.remote.copies import open_remote

        return open_remote(self)


def is_address(text: str) -> bool:
    """Return whether a text is the address of a file elsewhere, and no path."""
    return bool(_ADDRESS.match(text))


def remote_file(text: str) -> RemoteFile:
    """Return a file by its address; ValueError, without secrets, for one that will not do."""
    try:
        parts = urlsplit(text.strip())
        _ = parts.port
    except ValueError:  # whose words may have secrets in them
        raise ValueError("the address has no host or port that is one") from None
    if parts.username is not None or parts.password is not None:
        raise ValueError("an address must have no user name or password in it, which are secrets")
    if not parts.hostname:
        raise ValueError("the address names no host")
    names = parts.path.split("/")[1:]
    if not names or not names[-1]:
        raise ValueError("the address names a folder; name its files, as servers do not list them")
    if {"", ".", ".."} & set(names):
        raise ValueError("the address has an empty part, or . or .. in its path")
    if parts.scheme == "s3" and (parts.query or parts.fragment):
        raise ValueError("the address has a ? or # in it, which no key of S3 can have here")
    if "*" in parts.path:
        raise ValueError("the address is a pattern; list the files, as servers do not")
    # As a path its text is taken apart at each slash.
    query = f"?{parts.query.replace('/', '%2F')}" if parts.query else ""
    return RemoteFile(f"{parts.scheme.lower()}:/{parts.netloc}{parts.path}{query}")


def path_of(text: str) -> Path:
    """Return the path or file that a text of one is."""
    found = re.match(r"(https?|s3):/+", text)
    return RemoteFile(text) if found else Path(text)
