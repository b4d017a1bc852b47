"""What all ways of sending have in common: errors, a receipt, and trying again."""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread
from typing import Protocol, TypeVar

from reportgen.errors import ExitCode, ReportgenError

WAIT_FACTOR = 3.0  # each wait is so many times the one before
LONGEST_WAIT = 600.0  # seconds
_JOINERS = "\u200c\u200d"  # within Persian words, and within one emoji of several

Result = TypeVar("Result")
MessageFor = Callable[[int | None], bytes]
"""Return the message for a server that takes so many bytes, None for any; RefusedError if none."""


class DeliveryError(ReportgenError):
    """A message could not be delivered, and trying again as it is would not help."""

    exit_code = ExitCode.DELIVERY


class TemporaryError(DeliveryError):
    """A message could not be delivered now; later it may be."""


class RefusedError(DeliveryError):
    """The message itself is not taken: sending it again would be refused again."""


@dataclass
class Receipt:
    """What became of a message, by recipient.

    refused: those that will never get it, with what the server said. postponed: those that the
    server did not take this time.
    """

    accepted: list[str] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)
    postponed: dict[str, str] = field(default_factory=dict)


class Transport(Protocol):
    """A way to send a message."""

    def send(self, message_for: MessageFor, sender: str, recipients: Sequence[str]) -> Receipt:
        """Send a message; raise DeliveryError when no recipient got it and why is not theirs."""


def require_certificates(path: Path, key: str) -> None:
    """Raise DeliveryError for certificates in what may have no end, such as a pipe."""
    if path.exists() and not path.is_file():
        said = f"{path}: the certificates cannot be read: it is not a regular file"
        raise DeliveryError(said, f"{key} is a file of certificates in PEM")


def retry(attempt: Callable[[], Result], attempts: int, wait: float) -> Result:
    """Return what an attempt returns; after a TemporaryError wait some seconds and try again."""
    for n in range(attempts - 1):
        try:
            return attempt()
        except TemporaryError:
            time.sleep(min(wait * WAIT_FACTOR**n, LONGEST_WAIT))
    return attempt()


def within(seconds: float, attempt: Callable[[], Result]) -> Result:
    """Return what an attempt returns; TimeoutError when it takes longer.

    It is then left to itself, in a thread for which the program does not wait at its end.
    """
    future: Future[Result] = Future()

    def work() -> None:
        try:
            future.set_result(attempt())
        except BaseException as error:  # it is raised where the result is waited for
            future.set_exception(error)

    Thread(target=work, daemon=True).start()
    return future.result(seconds)


def one_line(text: str) -> str:
    """Return a text without line breaks and other control characters.

    They could end a header, or command a terminal.
    """
    text = text.replace("\u00a0", " ")
    plain = "".join(sign if sign.isprintable() or sign in _JOINERS else " " for sign in text)
    return " ".join(plain.split())
