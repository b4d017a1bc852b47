"""What the server of a file says of it, and parts of the file.

With each part a server says how long the file is and which version it is of, so that what is read
is of one version and whole: anything else is a SourceError, after some tries and within a time.
"""

import os
import re
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

from reportgen.errors import SourceError
from reportgen.remote.address import RemoteFile

if TYPE_CHECKING:
    import urllib3

TIMEOUT = "REPORTGEN_REMOTE_TIMEOUT"
"""Variable with the seconds that a server may say nothing; 20 when it is not set."""
_SLOWEST = 20e3  # bytes in a second; who gives fewer is given up
_WAITS = (0.5, 2.0)  # seconds before what may pass is tried again
_PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})
_REDIRECTS = 5
_FRESH, _FAILED = 2.0, 30.0  # seconds for which what is known of a file is believed
_SIGNED = 7200  # seconds for which an address of S3 is good; a new one is made in half of it
_DOWNLOAD = "download it, such as by curl --remote-name, and name the file"


@dataclass(frozen=True)
class Version:
    """What tells that a file is still the same.

    tag: its ETag, or else when it was changed last. is_strong: whether it is another for any other
    content. modified: seconds since 1970; 0 when it is not said.
    """

    bytes: int
    tag: str
    is_strong: bool
    modified: float


class _PassingError(Exception):
    """What may be otherwise when it is tried again."""


_looked: dict[RemoteFile, tuple[float, Version | SourceError]] = {}


def look_at(file: RemoteFile) -> Version:
    """Return the version of a file, which is believed for two seconds; SourceError for none."""
    at, found = _looked.get(file, (0.0, None))
    if found is None or time.monotonic() - at > (
        _FAILED if isinstance(found, SourceError) else _FRESH
    ):
        try:
            found = ask(file, 0, 0)[0]
        except SourceError as error:
            found = error
        _looked[file] = time.monotonic(), found
    if isinstance(found, SourceError):
        raise type(found)(found.message, found.hint)
    return found


def forget_versions() -> None:
    """Look at each file again when it is needed next."""
    _looked.clear()


def ask(file: RemoteFile, first: int, last: int) -> tuple[Version, bytes]:
    """Return the version of a file, and its bytes first to last. Raises SourceError."""
    waits = [*_WAITS]
    while True:
        try:
            return _answer(file, first, last)
        except _PassingError as error:
            if not waits:
                said = f"cannot be read: {error}, {len(_WAITS) + 1} times"
                raise SourceError(said, "try again later, or download it") from None
            time.sleep(waits.pop(0))


def _answer(file: RemoteFile, first: int, last: int) -> tuple[Version, bytes]:
    import urllib3

    timeout = _timeout()
    until = time.monotonic() + 2 * timeout + (last - first) / _SLOWEST
    host = urlsplit(file.address).hostname
    try:
        response = _requested(file, first, last, timeout)
        try:
            return _read(response, first, last, until)
        except BaseException:
            response.close()  # what is left of it is no answer to another question
            raise
    except urllib3.exceptions.SSLError:
        said = f"cannot be read: {host} has no certificate that is trusted here"
        hint = "SSL_CERT_FILE may name a file with the authorities to trust"
        raise SourceError(said, hint) from None
    except urllib3.exceptions.NewConnectionError:  # which is a ConnectTimeoutError, too
        raise _PassingError(f"there is no connection to {host}") from None
    except (urllib3.exceptions.ConnectTimeoutError, urllib3.exceptions.ReadTimeoutError):
        said = f"cannot be read: the server said nothing for {timeout:g} s"
        raise SourceError(said, f"try again later; {TIMEOUT} may give it more seconds") from None
    except (urllib3.exceptions.HTTPError, OSError, ValueError):  # of words with the address in them
        raise _PassingError("the connection to the server broke off") from None


def _timeout() -> float:
    said = os.environ.get(TIMEOUT) or "20"
    with suppress(ValueError):
        if 0 < (seconds := float(said)) < float("inf"):
            return seconds
    raise SourceError(f"cannot be read: {TIMEOUT} is {said!r}", "set it to a number of seconds")


def _requested(
    file: RemoteFile, first: int, last: int, timeout: float
) -> "urllib3.BaseHTTPResponse":
    """Return the answer of the server that has a file, its content not yet read."""
    import urllib3

    address = file.address
    if file.parts[0] == "s3:":
        address = _presigned(file, int(time.time() * 2 // _SIGNED))
    headers = {
        "Range": f"bytes={first}-{last}",
        "Accept-Encoding": "identity",
        "User-Agent": "reportgen",
    }
    for _ in range(_REDIRECTS + 1):
        response = _pool(_proxy(address)).request(
            "GET",
            address,
            headers=headers,
            redirect=False,
            retries=False,
            timeout=urllib3.Timeout(connect=timeout, read=timeout),
            preload_content=False,
        )
        location = response.get_redirect_location()
        if not location:
            return response
        response.close()
        there = urljoin(address, location)
        if urlsplit(there).scheme not in {urlsplit(address).scheme, "https"}:
            said = f"cannot be read: the server leads on to an address of {urlsplit(there).scheme}:"
            raise SourceError(said, "only https is followed; download it, and name the file")
        address = there
    raise SourceError("cannot be read: the server leads from address to address", "check it")


def _read(
    response: "urllib3.BaseHTTPResponse", first: int, last: int, until: float
) -> tuple[Version, bytes]:
    """Return what an answer says: the version of the file, and a part of it."""
    headers = response.headers
    where = re.fullmatch(r"bytes (\d+-\d+|\*)/(\d+)", headers.get("Content-Range", ""))
    _check_status(response, "" if where is None else where[2])
    total = 0 if where is None else int(where[2])
    wanted = min(last, total - 1) - first + 1
    is_plain = headers.get("Content-Encoding", "identity") == "identity"
    if not is_plain or where is None or where[1] != f"{first}-{first + wanted - 1}":
        raise SourceError("cannot be read: the server gives other parts than asked for", _DOWNLOAD)
    data = bytearray()
    while len(data) < wanted:
        piece = response.read1(wanted - len(data))
        if not piece:
            raise _PassingError(f"the server gave {len(data)} of {wanted} bytes")
        data += piece
        if len(data) < wanted and time.monotonic() > until:
            said = f"cannot be read: the server gave only {len(data)} of {wanted} bytes in time"
            raise SourceError(said, _DOWNLOAD)
    response.drain_conn()
    return _version(total, headers), bytes(data)


def _check_status(response: "urllib3.BaseHTTPResponse", total: str) -> None:
    """Raise what an answer says that is no part of a file. total: bytes of the file, if said."""
    status, headers = response.status, response.headers
    if status == 206:
        return
    if status in _PASSING:
        raise _PassingError(f"the server answers {status}")
    if status in (404, 410):
        raise SourceError(f"is not there: the server answers {status}", "check the address")
    if (status == 416 and total == "0") or (status == 200 and headers.get("Content-Length") == "0"):
        raise SourceError("is empty", "have it written again")
    if status == 416 and total:
        raise SourceError("was changed while it was read", "build again")
    if status == 200:
        said = "cannot be read: the server gives no parts of files (HTTP ranges)"
        raise SourceError(said, _DOWNLOAD)
    region = headers.get("x-amz-bucket-region", "")
    hint = f"set AWS_DEFAULT_REGION={region}, where the bucket is" if region else ""
    if status in (401, 403):
        hint = hint or "the address or your credentials may have expired, or give no right"
    raise SourceError(f"cannot be read: the server answers {status}", hint)


def _version(total: int, headers: Mapping[str, str]) -> Version:
    from email.utils import parsedate_to_datetime

    etag, changed = headers.get("ETag", ""), headers.get("Last-Modified", "")
    modified = 0.0
    with suppress(ValueError):
        modified = parsedate_to_datetime(changed).timestamp() if changed else 0.0
    is_strong = bool(etag) and not etag.startswith("W/")
    return Version(total, etag or changed, is_strong, modified)


def _proxy(address: str) -> str | None:
    from urllib.request import getproxies, proxy_bypass

    parts = urlsplit(address)
    return None if proxy_bypass(str(parts.hostname)) else getproxies().get(parts.scheme)


@lru_cache(maxsize=8)
def _pool(proxy: str | None) -> "urllib3.PoolManager":
    import urllib3

    options = {"cert_reqs": "CERT_REQUIRED", "maxsize": 8}
    return urllib3.ProxyManager(proxy, **options) if proxy else urllib3.PoolManager(**options)  # type: ignore[arg-type]


# --- S3 ----------------------------------------------------------------------------------------


@lru_cache(maxsize=256)
def _presigned(file: RemoteFile, _when: int) -> str:
    """Return the address of a file in S3 for the web, signed if there are credentials.

    These, the region and the endpoint are those of the environment and of AWS's own files.
    """
    try:
        import botocore.session
        from botocore import UNSIGNED
        from botocore.config import Config
        from botocore.exceptions import BotoCoreError
    except ImportError:
        said = "is in S3, which needs botocore, and that is not installed"
        raise SourceError(said, "pip install 'reportgen[remote]'") from None
    _, bucket, *key = file.parts
    try:
        session = botocore.session.get_session()
        version = "s3v4" if session.get_credentials() else UNSIGNED
        client = session.create_client("s3", config=Config(signature_version=version))
        where = {"Bucket": bucket, "Key": "/".join(key)}
        return str(client.generate_presigned_url("get_object", where, ExpiresIn=_SIGNED))
    except (BotoCoreError, ValueError) as error:
        said = f"cannot be read: {type(error).__name__} of botocore"
        raise SourceError(said, "check the bucket, your credentials and AWS_PROFILE") from None
