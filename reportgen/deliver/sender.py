"""Sends messages and keeps what could not be sent; says what became of each."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path

from reportgen.config.deliver import DeliverBlock
from reportgen.deliver.outbox import MOST_AGE, Channel, Message, Outbox
from reportgen.deliver.recipients import HOW
from reportgen.deliver.sendmail import Sendmail
from reportgen.deliver.smtp import Smtp
from reportgen.deliver.transport import DeliveryError, MessageFor, Receipt, RefusedError, Transport
from reportgen.deliver.webhook import Webhook
from reportgen.errors import ReportgenError

_WORDS: Mapping[Channel, str] = {"mail": "mail", "webhook": "message for the webhook"}
_DONE: Mapping[Channel, str] = {"mail": "Mailed", "webhook": "Posted"}
_CHECK = "check deliver.mail.to and cc"


@dataclass
class Log:
    """What is to be said of a delivery. done: what was done. problems: what went wrong."""

    done: list[str] = field(default_factory=list)
    problems: list[ReportgenError] = field(default_factory=list)

    def add(self, other: "Log") -> None:
        """Take over what another one has to say."""
        self.done += other.done
        self.problems += other.problems


@dataclass(frozen=True)
class Sender:
    """Sends the messages of an output folder.

    settings: also of those that waited. environment: where the secrets are. now: the time, UTC.
    recompose: makes a mail that waited again, for a server that takes less; raises RefusedError.
    down: ways on which something could not be sent just now.
    """

    outbox: Outbox
    settings: DeliverBlock
    environment: Mapping[str, str] = field(repr=False)
    now: datetime
    recompose: Callable[[Message, int | None], bytes]
    log: Log = field(default_factory=Log)
    down: set[Channel] = field(default_factory=set)

    @contextmanager
    def locked(self) -> Iterator[bool]:
        """Keep other processes from delivering the same; yield whether the outbox can be used."""
        with ExitStack() as stack:
            is_usable = False
            with self._writing():
                stack.enter_context(self.outbox.locked())
                is_usable = True
            yield is_usable

    def send(
        self, message: Message, smaller: MessageFor | None = None, *, waited: bool = False
    ) -> None:
        """Send a message; keep it when that fails.

        smaller: makes it again for a server that takes less. waited: in the outbox since before.
        """
        with self._writing():
            self.outbox.keep(message)
        try:
            receipt, hint = self._transmit(message, smaller, once=waited), _CHECK
        except DeliveryError as error:
            receipt, hint = Receipt(), error.hint
            failed = receipt.refused if isinstance(error, RefusedError) else receipt.postponed
            failed |= dict.fromkeys(message.recipients, error.message)
        if receipt.accepted:
            self._remember(message, receipt)
            late = f"The {_WORDS[message.channel]} of {message.name}, which had waited, went"
            said = late if waited else _DONE[message.channel]
            self.log.done.append(f"{said} to {', '.join(receipt.accepted)}.")
        self._settle(message, receipt, hint)

    def send_trial(self, message: Message, smaller: MessageFor) -> None:
        """Send a message that is neither remembered nor kept: somebody wants to see one."""
        try:
            receipt = self._transmit(message, smaller)
        except DeliveryError as error:
            self.log.problems.append(error)
            return
        if receipt.accepted:
            self.log.done.append(f"Mailed to {', '.join(receipt.accepted)}.")
        for who, why in {**receipt.refused, **receipt.postponed}.items():
            self.log.problems.append(DeliveryError(f"not taken for {who}: {why}"))

    def flush(self) -> None:
        """Send what waits, once each; when one cannot be sent, no others on its way are tried."""
        messages, problems = self.outbox.waiting()
        self.log.problems += problems
        for message in messages:
            if message.channel in self.down:
                continue
            if self.now - message.since > MOST_AGE:  # it is no news any more
                why = f"it has waited since {message.since:%F %H:%M} UTC: {message.why}"
                self._settle(message, Receipt(refused=dict.fromkeys(message.recipients, why)), "")
            else:
                self.send(message, partial(self.recompose, message), waited=True)

    def _transmit(
        self, message: Message, smaller: MessageFor | None, *, once: bool = False
    ) -> Receipt:
        """Send a message by its settings. once: without trying again for a while."""

        def fitting(limit: int | None) -> bytes:
            if smaller is None or limit is None or len(message.content) <= limit:
                return message.content
            return smaller(limit)

        transport = self._transport(message.channel, {"attempts": 1} if once else {})
        return transport.send(fitting, message.sender, message.recipients)

    def _transport(self, channel: Channel, changes: Mapping[str, int]) -> Transport:
        """Return what sends messages. changes: of its settings."""
        mail, webhook = self.settings.mail, self.settings.webhook
        if channel == "webhook" and webhook is not None:
            return Webhook(webhook.model_copy(update=changes), self.environment)
        if channel == "mail" and mail is not None:
            if mail.smtp is None:
                return Sendmail(self.environment, **changes)
            return Smtp(mail.smtp.model_copy(update=changes), self.environment)
        raise DeliveryError(f"the newest report has no deliver.{channel}", HOW)

    def _remember(self, message: Message, receipt: Receipt) -> None:
        got = {"recipients": receipt.accepted, "refused": receipt.refused}
        facts = {"at": f"{self.now:%FT%TZ}", "number": message.number, **got}
        for folder, run_id in message.runs.items():
            output = Path(folder).parent
            if output.is_dir():  # else it was moved or deleted meanwhile
                with self._writing():
                    Outbox(output).remember(run_id, message.channel, facts)

    def _settle(self, message: Message, receipt: Receipt, hint: str) -> None:
        """Keep a message for those who must wait, or put it aside, or remove it; say why."""
        which = f"the {_WORDS[message.channel]} of {message.name}"
        if receipt.refused:
            others = (
                "; the others have it, or will" if receipt.accepted or receipt.postponed else ""
            )
            said = f"{which} was refused: {_listed(receipt.refused, message)}{others}"
            self.log.problems.append(RefusedError(said, hint))
        if receipt.postponed:
            self.down.add(message.channel)
            why = _listed(receipt.postponed, message)
            hints = [hint] * (hint != _CHECK)
            with self._writing():
                left = {"recipients": tuple(receipt.postponed), "why": why}
                self.outbox.keep(message.model_copy(update=left))
                flush = f"reportgen mail --flush {self.outbox.output}"
                hints.append(f"it is kept; the next run sends it, or: {flush}")
            said = f"{which} could not be sent: {why}"
            self.log.problems.append(DeliveryError(said, "; ".join(filter(None, hints))))
        with self._writing():
            if receipt.refused and not (receipt.accepted or receipt.postponed):
                why = _listed(receipt.refused, message)
                path = self.outbox.set_aside(message.model_copy(update={"why": why}))
                self.log.done.append(f"It lies in {path}.")
            elif not receipt.postponed:
                self.outbox.remove(message)

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Say once what the disk refuses, and go on: to be told twice is better than never."""
        try:
            yield
        except OSError as error:
            said = f"{self.outbox.folder}: cannot be written: {error.strerror or error}"
            if not any(problem.message == said for problem in self.log.problems):
                hint = "until it can, the same run may be sent twice, and nothing is kept"
                self.log.problems.append(DeliveryError(said, hint))


def _listed(reasons: Mapping[str, str], message: Message) -> str:
    """Return why recipients lack a message; once, when it is the same for all."""
    first = next(iter(reasons.values()))
    if reasons == dict.fromkeys(message.recipients, first):
        return first
    return ", ".join(f"{who} ({why})" for who, why in reasons.items())
