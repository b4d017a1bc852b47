"""What every way of sending a mail has in common: an envelope, a receipt, patience."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from reportgen.deliver.errors import TemporaryError

MAIL_FACTOR = 3.0  # each wait is so many times the one before

Given = TypeVar("Given")
MessageFor = Callable[[int | None], bytes]
"""Gives the message for a server that takes so many bytes, None for any; RefusedError if none."""


@dataclass(frozen=True)
class Envelope:
    """Who sends a mail to whom; plain addresses."""

    sender: str
    recipients: tuple[str, ...]


@dataclass(frozen=True)
class Receipt:
    """What became of a mail, by recipient.

    refused: those that the server will never take, with what it said. postponed: those that it
    did not take this time.
    """

    accepted: tuple[str, ...] = ()
    refused: Mapping[str, str] = field(default_factory=dict)
    postponed: Mapping[str, str] = field(default_factory=dict)


class Transport(Protocol):
    """A way to send a mail."""

    def send(self, message_for: MessageFor, envelope: Envelope) -> Receipt:
        """Send a mail; raises DeliveryError when no recipient got it and why is not theirs."""


@dataclass(frozen=True)
class Patience:
    """How often to try, and how many seconds to wait before the second attempt."""

    attempts: int
    wait: float

    def try_again(self, attempt: Callable[[], Given]) -> Given:
        """Give what an attempt gives; TemporaryError is met with another, after a while."""
        from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_exponential

        trying = Retrying(
            stop=stop_after_attempt(self.attempts),
            wait=wait_exponential(multiplier=self.wait, exp_base=MAIL_FACTOR, max=600),
            retry=retry_if_exception_type(TemporaryError),
            reraise=True,
        )
        return trying(attempt)
