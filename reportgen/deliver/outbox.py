"""What was delivered of each run, and what waits to be: a folder beside the runs."""

import fcntl
import json
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from reportgen.deliver.errors import DeliveryError

FOLDER = ".deliver"
KEPT = timedelta(days=5)  # RFC 5321, section 4.5.4.1: how long at least a server should try
Channel = Literal["mail", "webhook"]

_SAFE = re.compile(r"[^A-Za-z0-9_.-]")
_ENDINGS: Mapping[Channel, str] = {"mail": "mail.eml", "webhook": "webhook.message"}


class Waiting(BaseModel):
    """A message that is on its way, or could not be delivered yet.

    name: of its files. content: the message. addressed: recipients that still lack it, none for a
    webhook. since: when it was first tried. why: it could not be delivered. settings: by which.
    runs: ids of the runs that it tells of, by their folders. facts: to remember of it once it is
    delivered.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    name: str
    channel: Channel
    content: bytes = Field(repr=False)
    sender: str
    addressed: tuple[str, ...]
    since: AwareDatetime
    why: str
    settings: Mapping[str, Any]
    runs: Mapping[str, str]
    facts: Mapping[str, Any]

    def replace(self, **updates: Any) -> "Waiting":
        """Give it with other values."""
        return self.model_copy(update=updates)


class Outbox:
    """The folder ``.deliver`` of an output folder; only its owner can read it.

    Used by one process at a time: inside ``locked``.
    """

    def __init__(self, output: Path) -> None:
        self.output = output
        self.folder = output / FOLDER

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other processes from delivering the same; they wait. Raises OSError."""
        self.folder.mkdir(exist_ok=True, mode=0o700)
        lock = os.open(self.folder / "lock", os.O_CREAT | os.O_RDWR, 0o600)
        try:
            with suppress(OSError):  # a file system without locks
                fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)

    def delivered(self, run_id: str) -> dict[Channel, dict[str, Any]]:
        """Give what is known of a run by channel; nothing when it was not delivered.

        Raises DeliveryError when there is a record that cannot be read: it may have been.
        """
        path = self._record(run_id)
        try:
            known = json.loads(path.read_bytes())
        except (FileNotFoundError, NotADirectoryError, ValueError):
            return {}
        except OSError as error:
            raise DeliveryError(
                f"{path}: cannot be read: {error.strerror}; so it is not known what was sent",
                "let its owner send it, or send it with --again",
            ) from None
        channels = known if isinstance(known, dict) else {}
        return {name: facts for name, facts in channels.items() if isinstance(facts, dict)}

    def remember(self, run_id: str, channel: Channel, what: Mapping[str, Any]) -> None:
        """Keep that a run was delivered. Raises OSError."""
        known: dict[Channel, dict[str, Any]] = {}
        with suppress(DeliveryError):
            known = self.delivered(run_id)
        known[channel] = dict(what)
        self._write(self._record(run_id), json.dumps(known, indent=1).encode())

    def keep(self, message: Waiting) -> Path:
        """Keep a message for another time; give its file. Raises OSError."""
        path = self._content(message.name, message.channel)
        known = message.model_dump(mode="json", exclude={"content"})
        self._write(path, message.content)
        # Written last: what has no such file is not complete.
        self._write(path.with_suffix(".json"), json.dumps(known, indent=1).encode())
        return path

    def holds_any(self) -> bool:
        """Say whether anything waits."""
        return any((self.folder / "waiting").glob("[!.]*.json"))

    def waiting(self) -> tuple[list[Waiting], list[DeliveryError]]:
        """Give what waits, oldest first, and what is wrong with what cannot be read.

        Half a message is moved to ``refused``, so that it is named once and not every night.
        """
        found, problems = [], []
        folder = self.folder / "waiting"
        names = {path.stem for path in folder.glob("[!.]*")} if folder.is_dir() else set()
        for stem in sorted(names):
            try:
                found.append(self._read(stem))
            except FileNotFoundError:
                problems.append(self._part(stem))
            except (OSError, ValueError) as error:
                said = "is damaged" if isinstance(error, ValueError) else error.strerror
                problems.append(
                    DeliveryError(
                        f"{folder / stem}: what waits there cannot be read: {said}",
                        "look at it, and remove it; the other messages are sent",
                    )
                )
        return sorted(found, key=lambda message: (message.since, message.name)), problems

    def _part(self, stem: str) -> DeliveryError:
        """Move half a message away: whoever wrote or removed the other half was stopped."""
        kept = self.folder / "waiting"
        folder = self.folder / "refused"
        try:
            folder.mkdir(exist_ok=True, mode=0o700)
            for path in sorted(kept.glob(f"{stem}.*")):
                path.rename(folder / path.name)
        except OSError:
            folder = kept
        return DeliveryError(
            f"{folder / stem}: only half of a message is there: reportgen was stopped while it was "
            "written, and nobody has it, or when it was sent",
            "reportgen mail RUN sends it, if nobody has it",
        )

    def _read(self, stem: str) -> Waiting:
        name, _, channel = stem.rpartition(".")
        if channel not in _ENDINGS:
            raise ValueError(channel)
        folder = self.folder / "waiting"
        known = json.loads((folder / f"{stem}.json").read_bytes())
        kind: Channel = "mail" if channel == "mail" else "webhook"
        if not isinstance(known, dict) or known.get("channel") != kind:
            raise ValueError(stem)
        known["content"] = ""
        message = Waiting.model_validate_json(json.dumps(known))
        return message.replace(content=self._content(name, kind).read_bytes())

    def forget(self, name: str, channel: Channel) -> None:
        """Remove what waits under a name. Raises OSError."""
        path = self._content(name, channel)
        path.with_suffix(".json").unlink(missing_ok=True)
        path.unlink(missing_ok=True)

    def set_aside(self, message: Waiting, why: str) -> Path:
        """Move what waits to ``refused``, where it stays; give its new place. Raises OSError."""
        path = self.keep(message)
        folder = self.folder / "refused"
        folder.mkdir(exist_ok=True, mode=0o700)
        self._write(folder / f"{path.stem}.why", f"{why}\n".encode())
        path.with_suffix(".json").unlink(missing_ok=True)
        return path.rename(folder / path.name)

    def _record(self, run_id: str) -> Path:
        return self.folder / "delivered" / f"{_file_name(run_id)}.json"

    def _content(self, name: str, channel: Channel) -> Path:
        return self.folder / "waiting" / f"{_file_name(name)}.{_ENDINGS[channel]}"

    def _write(self, path: Path, content: bytes) -> None:
        for folder in (self.folder, path.parent):  # not the output folder, which may be gone
            folder.mkdir(exist_ok=True, mode=0o700)
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
    return now - message.since > KEPT
