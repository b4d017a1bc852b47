"""Sends messages and keeps what could not be sent; says what became of each."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from reportgen.config.deliver import DeliverBlock, MailBlock, SmtpBlock, WebhookBlock
from reportgen.deliver.errors import DeliveryError, RefusedError
from reportgen.deliver.outbox import Channel, Outbox, Waiting, is_too_old
from reportgen.deliver.sendmail import Sendmail
from reportgen.deliver.smtp import Smtp
from reportgen.deliver.transport import Envelope, MessageFor, Receipt, Transport
from reportgen.deliver.webhook import Webhook
from reportgen.errors import ReportgenError

Settings = TypeVar("Settings", bound=BaseModel)
Recompose = Callable[[Waiting], MessageFor]
"""Composes a mail that waits again, for a server that takes less. Raises ReportgenError."""

_BEING_SENT = "it was being sent when reportgen was stopped"
_WORDS: Mapping[Channel, str] = {"mail": "mail", "webhook": "message for the webhook"}


@dataclass
class Log:
    """What is to be said of a delivery. told: what was done. troubles: what went wrong."""

    told: list[str] = field(default_factory=list)
    troubles: list[ReportgenError] = field(default_factory=list)

    def add(self, other: "Log") -> None:
        """Take over what another one has to say."""
        self.told += other.told
        self.troubles += other.troubles


@dataclass(frozen=True)
class Letterbox:
    """Where messages of an output folder go out.

    environment: where the secrets are. now: the time, UTC. recompose: see there. closed: ways on
    which something could not be sent just now.
    """

    outbox: Outbox
    environment: Mapping[str, str] = field(repr=False)
    now: datetime
    recompose: Recompose
    log: Log = field(default_factory=Log)
    closed: set[Channel] = field(default_factory=set)

    def mail(
        self,
        block: MailBlock,
        message_for: MessageFor,
        envelope: Envelope,
        *,
        name: str,
        runs: Mapping[str, str],
        facts: Mapping[str, Any],
    ) -> None:
        """Send a mail on some runs; keep it when that fails.

        name: of the files of one that is kept. runs: see `Waiting`. facts: to remember of it.
        """
        message = Waiting(
            name=name,
            channel="mail",
            content=message_for(None),
            sender=envelope.sender,
            addressed=envelope.recipients,
            since=self.now,
            why=_BEING_SENT,
            settings=_of_mail(block),
            runs=dict(runs),
            facts=dict(facts),
        )
        self._send(message, transport_of(block, self.environment), message_for)

    def try_mail(self, block: MailBlock, message_for: MessageFor, envelope: Envelope) -> None:
        """Send a mail that is neither remembered nor kept: somebody wants to see one."""
        try:
            receipt = transport_of(block, self.environment).send(message_for, envelope)
        except DeliveryError as error:
            self.log.troubles.append(error)
            return
        if receipt.accepted:
            self.log.told.append(f"Mailed to {', '.join(receipt.accepted)}.")
        for who, why in {**receipt.refused, **receipt.postponed}.items():
            self.log.troubles.append(DeliveryError(f"not taken for {who}: {why}"))

    def post(
        self,
        block: WebhookBlock,
        content: bytes,
        *,
        name: str,
        runs: Mapping[str, str],
        facts: Mapping[str, Any],
    ) -> None:
        """Post a message on a run; keep it when that fails."""
        message = Waiting(
            name=name,
            channel="webhook",
            content=content,
            sender="",
            addressed=(),
            since=self.now,
            why=_BEING_SENT,
            settings=block.model_dump(mode="json", exclude_defaults=True),
            runs=dict(runs),
            facts=dict(facts),
        )
        self._post(message, block)

    def flush(self, block: DeliverBlock) -> None:
        """Send what waits, once each; what cannot be sent waits on.

        block: the settings to send by, where it has them. When one cannot be sent, the others on
        its way are not tried.
        """
        messages, problems = self.outbox.waiting()
        self.log.troubles += problems
        for message in messages:
            if message.channel in self.closed:
                continue
            if is_too_old(message, self.now):
                why = f"it has waited since {message.since:%F %H:%M} UTC: {message.why}"
                self._set_aside(message, RefusedError(why))
            else:
                self._again(message, block)

    def _again(self, message: Waiting, block: DeliverBlock) -> None:
        """Try once to send what waits."""
        try:
            if message.channel == "webhook":
                hook = block.webhook or _read(WebhookBlock, message.settings)
                self._post(message, hook.model_copy(update={"attempts": 1}), had_waited=True)
                return
            transport = self._transport_again(message, block.mail)
        except RefusedError as error:
            self._set_aside(message, error)
            return
        recomposed: list[MessageFor] = []

        def fitting(limit: int | None) -> bytes:
            if limit is None or len(message.content) <= limit:
                return message.content
            if not recomposed:
                try:
                    recomposed.append(self.recompose(message))
                except ReportgenError as error:
                    raise RefusedError(
                        f"the server takes {limit:,} bytes at most, and it cannot be made "
                        f"smaller: {error.message}"
                    ) from None
            return recomposed[0](limit)

        self._send(message, transport, fitting, had_waited=True)

    def _transport_again(self, message: Waiting, block: MailBlock | None) -> Transport:
        settings = message.settings if block is None else _of_mail(block)
        if "smtp" not in settings:
            return Sendmail(self.environment)
        smtp = _read(SmtpBlock, settings["smtp"])
        return Smtp(smtp.model_copy(update={"attempts": 1}), self.environment)

    def _send(
        self,
        message: Waiting,
        transport: Transport,
        message_for: MessageFor,
        *,
        had_waited: bool = False,
    ) -> None:
        self._put_down(message)
        envelope = Envelope(message.sender, message.addressed)
        try:
            receipt = transport.send(message_for, envelope)
        except RefusedError as error:
            self._set_aside(message, error)
        except DeliveryError as error:
            self._keep(message, error)
        else:
            self._received(message, receipt, had_waited=had_waited)

    def _post(self, message: Waiting, block: WebhookBlock, *, had_waited: bool = False) -> None:
        self._put_down(message)
        try:
            Webhook(block, self.environment).post(message.content)
        except RefusedError as error:
            self._set_aside(message, error)
        except DeliveryError as error:
            self._keep(message, error)
        else:
            self._remember(message, message.facts)
            self._forget(message)
            late = f" of {message.name}, which had waited" if had_waited else ""
            self.log.told.append(f"The webhook ({block.kind}) has the verdict{late}.")

    def _put_down(self, message: Waiting) -> None:
        """Have the message on disk before it is sent: whatever stops us, it is not lost."""
        try:
            self.outbox.keep(message)
        except OSError as error:
            self._cannot_write(error)

    def _received(self, message: Waiting, receipt: Receipt, *, had_waited: bool) -> None:
        """Remember and say who got a mail, who will not, and who must wait."""
        which = f"The mail of {message.name}"
        if receipt.accepted:
            got = {"recipients": list(receipt.accepted), "refused": dict(receipt.refused)}
            self._remember(message, {**message.facts, **got})
            late = f"{which}, which had waited, went" if had_waited else "Mailed"
            self.log.told.append(f"{late} to {', '.join(receipt.accepted)}.")
        refused = _listed(receipt.refused)
        if receipt.refused and (receipt.accepted or receipt.postponed):
            said = f"{which} was refused for {refused}; the others have it, or will"
            self.log.troubles.append(RefusedError(said, "check deliver.mail.to and cc"))
        if receipt.postponed:
            left = message.replace(addressed=tuple(receipt.postponed))
            self._keep(left, DeliveryError(f"not yet to {_listed(receipt.postponed)}"))
        elif receipt.accepted:
            self._forget(message)
        else:
            hint = "check deliver.mail.to and cc"
            self._set_aside(message, RefusedError(f"for {refused}; nobody has it", hint))

    def _keep(self, message: Waiting, error: DeliveryError) -> None:
        self.closed.add(message.channel)
        said = f"the {_WORDS[message.channel]} of {message.name} could not be sent: {error.message}"
        kept = f"it is kept; the next run sends it, or: reportgen mail --flush {self.outbox.output}"
        try:
            self.outbox.keep(message.replace(why=error.message))
        except OSError as trouble:
            said += f"; nor could it be kept in {self.outbox.folder}: {trouble.strerror}"
            kept = ""
        hint = "; ".join(part for part in (error.hint, kept) if part)
        self.log.troubles.append(DeliveryError(said, hint))

    def _set_aside(self, message: Waiting, error: DeliveryError) -> None:
        said = f"the {_WORDS[message.channel]} of {message.name} was refused: {error.message}"
        self.log.troubles.append(DeliveryError(said, error.hint))
        try:
            self.log.told.append(f"It lies in {self.outbox.set_aside(message, error.message)}.")
        except OSError as trouble:
            self._cannot_write(trouble)

    def _remember(self, message: Waiting, facts: Mapping[str, Any]) -> None:
        for folder, run_id in message.runs.items():
            output = Path(folder).parent
            if not output.is_dir():  # moved or deleted meanwhile
                continue
            try:
                Outbox(output).remember(
                    run_id, message.channel, {"at": f"{self.now:%FT%TZ}", **facts}
                )
            except OSError as error:
                self._cannot_write(error)

    def _forget(self, message: Waiting) -> None:
        try:
            self.outbox.forget(message.name, message.channel)
        except OSError as error:
            self._cannot_write(error)

    def _cannot_write(self, error: OSError) -> None:
        said = f"{self.outbox.folder}: cannot be written: {error.strerror}"
        if not any(trouble.message == said for trouble in self.log.troubles):
            hint = "until it can, the same run may be sent twice, and nothing is kept"
            self.log.troubles.append(DeliveryError(said, hint))


def _listed(reasons: Mapping[str, str]) -> str:
    return ", ".join(f"{who} ({why})" for who, why in reasons.items())


def _of_mail(block: MailBlock) -> dict[str, Any]:
    """Give the settings by which a mail is sent, and no more."""
    return block.model_dump(mode="json", exclude_defaults=True, include={"smtp", "sendmail"})


def transport_of(block: MailBlock, environment: Mapping[str, str]) -> Transport:
    """Give the way on which a mail goes."""
    return Sendmail(environment) if block.smtp is None else Smtp(block.smtp, environment)


def _read(kind: type[Settings], values: Any) -> Settings:
    try:
        return kind.model_validate(values)
    except ValidationError:
        raise RefusedError("how it was to be sent cannot be read any more") from None
