"""The messages that wait to be sent, and what was delivered of each run: a folder beside the runs.

A message is written here before it is sent and removed afterwards: whatever stops reportgen, no
message is lost.
"""

import errno
import json
import os
import re
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

from filelock import FileLock, Timeout
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from reportgen.deliver.mail_view import Absent
from reportgen.deliver.transport import DeliveryError

FOLDER = ".deliver"
LONGEST_WAIT = 1200.0  # seconds for another process that delivers
MOST_AGE = timedelta(days=5)  # RFC 5321, section 4.5.4.1: how long at least a server should try
Channel = Literal["mail", "webhook"]

_HEADER = "X-Reportgen-Outbox: "
_ENDINGS: Mapping[Channel, str] = {"mail": ".mail.eml", "webhook": ".webhook.txt"}


class Message(BaseModel):
    """A message on its way.

    name: of its file. recipients: who still lack it. since: when it was first tried. why: it
    waits. runs: ids of those that it tells of, by folder; with absent, number and title it can be
    made again, smaller. number: of the messages on these runs.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    name: str
    channel: Channel
    content: bytes = Field(default=b"", repr=False)
    sender: str = ""
    recipients: tuple[str, ...]
    since: AwareDatetime
    why: str = "it was being sent when reportgen was stopped"
    runs: Mapping[str, str] = {}
    absent: tuple[Absent, ...] = ()
    number: int = 1
    title: str = ""


class Outbox:
    """The folder ``.deliver`` of an output folder, of one user alone.

    A file is one line of JSON on the message, as a header of the mail, and the message.
    Used by one process at a time: inside ``locked``. All that writes raises OSError.
    """

    def __init__(self, output: Path) -> None:
        self.output = output
        self.folder = output / FOLDER

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other processes from delivering the same; wait for one that does."""
        self._make()
        lock = FileLock(self.folder / "lock", mode=0o600)
        try:
            lock.acquire(timeout=LONGEST_WAIT)
        except Timeout:
            said = f"another process has been sending from it for {LONGEST_WAIT / 60:.0f} minutes"
            raise TimeoutError(errno.ETIMEDOUT, said, str(self.folder)) from None
        try:
            yield
        finally:
            lock.release()

    def delivered(self, run_id: str, channel: Channel) -> dict[str, Any] | None:
        """Return what is known of the delivery of a run; None when nothing is."""
        try:
            known = json.loads(self._record(run_id).read_bytes())[channel]
        except (OSError, ValueError, LookupError, TypeError):
            return None
        return known if isinstance(known, dict) else None

    def remember(self, run_id: str, channel: Channel, facts: Mapping[str, Any]) -> None:
        """Keep that a run was delivered."""
        found = {name: self.delivered(run_id, name) for name in _ENDINGS}
        known = {name: value for name, value in found.items() if value} | {channel: facts}
        self._write(self._record(run_id), json.dumps(known, indent=1).encode())

    def promise(self, run_id: str) -> None:
        """Keep that a run will be delivered, until ``fulfil``: before it is published."""
        self._write(self._promise(run_id), b"")

    def promised(self) -> Iterator[tuple[str, datetime]]:
        """Yield runs that were to be delivered, oldest first, and since when."""
        for path in sorted(self.folder.glob("promised/[!.]*")):
            with suppress(OSError):
                yield path.name, datetime.fromtimestamp(path.lstat().st_mtime, UTC)

    def fulfil(self, run_id: str) -> None:
        """Forget that a run was to be delivered."""
        self._promise(run_id).unlink(missing_ok=True)

    def keep(self, message: Message) -> Path:
        """Keep a message until it is sent; return its file."""
        path = self._waiting(message)
        head = f"{_HEADER}{json.dumps(message.model_dump(mode='json', exclude={'content'}))}\r\n"
        self._write(path, head.encode() + message.content)
        return path

    def waiting(self) -> tuple[list[Message], list[DeliveryError]]:
        """Return what waits, oldest first, and what is wrong with what cannot be read."""
        messages, problems = [], []
        for path in sorted(self.folder.glob("waiting/[!.]*")):
            try:
                messages.append(_read(path))
            except (OSError, ValueError) as error:
                said = "is damaged" if isinstance(error, ValueError) else error.strerror
                hint = "look at it, and remove it; the other messages are sent"
                said = f"{path}: what waits there cannot be read: {said}"
                problems.append(DeliveryError(said, hint))
        return sorted(messages, key=lambda message: message.since), problems

    def remove(self, message: Message) -> None:
        """Remove a message that was sent."""
        self._make()
        self._waiting(message).unlink(missing_ok=True)

    def set_aside(self, message: Message) -> Path:
        """Move a message to ``refused``, where it stays; return its new place."""
        path = self.keep(message)
        folder = self.folder / "refused"
        folder.mkdir(exist_ok=True, mode=0o700)
        return path.rename(folder / path.name)

    def _record(self, run_id: str) -> Path:
        return self.folder / "delivered" / f"{_file_name(run_id)}.json"

    def _promise(self, run_id: str) -> Path:
        return self.folder / "promised" / _file_name(run_id)

    def _waiting(self, message: Message) -> Path:
        return self.folder / "waiting" / f"{_file_name(message.name)}{_ENDINGS[message.channel]}"

    def _make(self) -> None:
        """Make the folder; PermissionError where somebody else could put messages into it."""
        self.folder.mkdir(exist_ok=True, mode=0o700)  # not the output folder, which may be gone
        self.require_own()

    def require_own(self) -> None:
        """Raise PermissionError where others could put messages; OSError if it is not there."""
        found = self.folder.lstat()
        writable = found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or writable:
            said = "it belongs to another user, or others may write to it"
            raise PermissionError(errno.EPERM, said, str(self.folder))

    def _write(self, path: Path, content: bytes) -> None:
        self._make()
        path.parent.mkdir(exist_ok=True, mode=0o700)
        unfinished = path.with_name(f".{path.name}")
        flags = os.O_CREAT | os.O_WRONLY | os.O_TRUNC | os.O_NOFOLLOW
        with os.fdopen(os.open(unfinished, flags, 0o600), "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)


def _read(path: Path) -> Message:
    head, _, content = path.read_bytes().partition(b"\r\n")
    message = Message.model_validate_json(head.removeprefix(_HEADER.encode()))
    if path.name != f"{_file_name(message.name)}{_ENDINGS[message.channel]}":
        raise ValueError(path.name)
    return message.model_copy(update={"content": content})


def _file_name(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9_.-]", "_", text)
