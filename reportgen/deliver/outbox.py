"""What was delivered of each run, and what waits to be: a folder beside the runs."""

import fcntl
import json
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal

FOLDER = ".deliver"
KEPT = timedelta(days=5)  # RFC 5321, section 4.5.4.1: how long at least a server should try
Channel = Literal["mail", "webhook"]

_SAFE = re.compile(r"[^A-Za-z0-9_.-]")


@dataclass(frozen=True)
class Waiting:
    """A message that could not be delivered yet.

    name: of its files. content: the message. addressed: recipients that still lack it, none for a
    webhook. since: when it was first tried. why: it could not be delivered. settings: by which.
    """

    name: str
    channel: Channel
    content: bytes = field(repr=False)
    sender: str
    addressed: tuple[str, ...]
    since: str
    why: str
    settings: Mapping[str, Any]
    runs: tuple[str, ...]


class Outbox:
    """The folder ``.deliver`` of an output folder; only its owner can read it.

    Used by one process at a time: inside ``locked``.
    """

    def __init__(self, output: Path) -> None:
        self.folder = output / FOLDER

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other processes from delivering the same; they wait. Raises OSError."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = os.open(self.folder / "lock", os.O_CREAT | os.O_RDWR, 0o600)
        try:
            with suppress(OSError):  # a file system without locks
                fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)

    def delivered(self, run_id: str) -> dict[str, Any]:
        """Give what is known of a run by channel; nothing when it was not delivered."""
        try:
            known = json.loads(self._record(run_id).read_bytes())
        except (OSError, ValueError):
            return {}
        return known if isinstance(known, dict) else {}

    def remember(self, run_id: str, channel: Channel, what: Mapping[str, Any]) -> None:
        """Keep that a run was delivered. Raises OSError."""
        known = {**self.delivered(run_id), channel: dict(what)}
        self._write(self._record(run_id), json.dumps(known, indent=1).encode())

    def keep(self, message: Waiting) -> Path:
        """Keep a message for another time; give its file. Raises OSError."""
        path = self._content(message.name, message.channel)
        known = {
            "channel": message.channel,
            "sender": message.sender,
            "addressed": list(message.addressed),
            "since": message.since,
            "why": message.why,
            "settings": dict(message.settings),
            "runs": list(message.runs),
        }
        self._write(path, message.content)
        # Written last: what has no such file is not complete.
        self._write(path.with_suffix(".json"), json.dumps(known, indent=1).encode())
        return path

    def waiting(self) -> list[Waiting]:
        """Give what waits, oldest first. What is damaged is left where it is."""
        found = []
        for path in sorted((self.folder / "waiting").glob("*.json")):
            with suppress(OSError, ValueError, KeyError, TypeError):
                known = json.loads(path.read_bytes())
                channel: Channel = "webhook" if known["channel"] == "webhook" else "mail"
                name = path.name.removesuffix(".json").removesuffix(f".{channel}")
                found.append(
                    Waiting(
                        name,
                        channel,
                        self._content(name, channel).read_bytes(),
                        known["sender"],
                        tuple(known["addressed"]),
                        known["since"],
                        known["why"],
                        known["settings"],
                        tuple(known["runs"]),
                    )
                )
        return sorted(found, key=lambda message: (message.since, message.name))

    def forget(self, name: str, channel: Channel) -> None:
        """Remove what waits under a name. Raises OSError."""
        path = self._content(name, channel)
        path.with_suffix(".json").unlink(missing_ok=True)
        path.unlink(missing_ok=True)

    def set_aside(self, message: Waiting, why: str) -> Path:
        """Move what waits to ``refused``, where it stays; give its new place. Raises OSError."""
        self.keep(message)
        path = self._content(message.name, message.channel)
        folder = self.folder / "refused"
        folder.mkdir(exist_ok=True, mode=0o700)
        self._write(folder / f"{path.stem}.why", f"{why}\n".encode())
        path.with_suffix(".json").unlink(missing_ok=True)
        return path.rename(folder / path.name)

    def _record(self, run_id: str) -> Path:
        return self.folder / "delivered" / f"{_file_name(run_id)}.json"

    def _content(self, name: str, channel: Channel) -> Path:
        ending = "mail.eml" if channel == "mail" else "webhook.message"
        return self.folder / "waiting" / f"{_file_name(name)}.{ending}"

    def _write(self, path: Path, content: bytes) -> None:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        unfinished = path.with_name(f".{path.name}")
        descriptor = os.open(unfinished, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)


def _file_name(text: str) -> str:
    return _SAFE.sub("_", text)


def is_too_old(message: Waiting, now: datetime) -> bool:
    """Say whether a message has waited so long that it is no news any more."""
    try:
        return now - datetime.fromisoformat(message.since) > KEPT
    except (ValueError, TypeError):
        return True
