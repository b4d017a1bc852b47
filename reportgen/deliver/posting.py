"""Sends messages and keeps what could not be sent; says what became of each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
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
_KEPT = "it is kept, and the next run or `reportgen mail --flush` sends it"


@dataclass
class Log:
    """What is to be said of a delivery. told: what was done. troubles: what went wrong."""

    told: list[str] = field(default_factory=list)
    troubles: list[ReportgenError] = field(default_factory=list)


@dataclass(frozen=True)
class Letterbox:
    """Where messages of an output folder go out.

    environment: where the secrets are. now: the time, UTC.
    """

    outbox: Outbox
    environment: Mapping[str, str] = field(repr=False)
    now: datetime
    log: Log

    def mail(
        self,
        block: MailBlock,
        message_for: MessageFor,
        envelope: Envelope,
        *,
        name: str,
        runs: Sequence[Path],
        facts: Mapping[str, Any],
    ) -> None:
        """Send a mail on some runs; keep it when that fails.

        name: of the files of one that is kept. facts: to remember of it.
        """
        waiting = Waiting(
            name=name,
            channel="mail",
            content=b"",
            sender=envelope.sender,
            addressed=envelope.recipients,
            since=f"{self.now:%FT%TZ}",
            why="",
            settings=_of_mail(block),
            runs=tuple(str(run) for run in runs),
        )
        try:
            receipt = transport_of(block, self.environment).send(message_for, envelope)
        except RefusedError as error:
            self._set_aside(replace(waiting, content=message_for(None)), error)
        except DeliveryError as error:
            self._keep(replace(waiting, content=message_for(None)), error)
        else:
            self._forget(name, "mail")
            self._received(replace(waiting, content=message_for(None)), receipt, facts)

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
        self, block: WebhookBlock, content: bytes, run: Path, facts: Mapping[str, Any]
    ) -> None:
        """Post a message on a run; keep it when that fails."""
        waiting = Waiting(
            name=run.name,
            channel="webhook",
            content=content,
            sender="",
            addressed=(),
            since=f"{self.now:%FT%TZ}",
            why="",
            settings=block.model_dump(mode="json", exclude_defaults=True),
            runs=(str(run),),
        )
        try:
            Webhook(block, self.environment).post(content)
        except RefusedError as error:
            self._set_aside(waiting, error)
        except DeliveryError as error:
            self._keep(waiting, error)
        else:
            self._forget(run.name, "webhook")
            self._remember([run], "webhook", facts)
            self.log.told.append(f"The webhook ({block.kind}) has the verdict.")

    def flush(self, block: DeliverBlock) -> None:
        """Send what waits, once each; what cannot be sent waits on.

        block: the settings to send by, where it has them.
        When one cannot be sent, the others on its way are not tried.
        """
        closed: set[Channel] = set()
        for message in self.outbox.waiting():
            if message.channel in closed:
                continue
            if is_too_old(message, self.now):
                why = f"it has waited since {message.since}: {message.why}"
                self._set_aside(message, RefusedError(why))
            elif not self._again(message, block):
                closed.add(message.channel)

    def _again(self, message: Waiting, block: DeliverBlock) -> bool:
        """Try once to send what waits; say whether its way is open."""
        try:
            if message.channel == "webhook":
                self._post_again(message, block.webhook)
            else:
                self._mail_again(message, block.mail)
        except RefusedError as error:
            self._set_aside(message, error)
        except DeliveryError as error:
            self._keep(message, error)
            return False
        return True

    def _post_again(self, message: Waiting, block: WebhookBlock | None) -> None:
        chosen = block or _read(WebhookBlock, message.settings)
        Webhook(chosen.model_copy(update={"attempts": 1}), self.environment).post(message.content)
        self._forget(message.name, "webhook")
        self._remember(_folders(message), "webhook", self._facts())
        self.log.told.append(f"The webhook has the verdict of {message.name}, which had waited.")

    def _mail_again(self, message: Waiting, block: MailBlock | None) -> None:
        settings = message.settings if block is None else _of_mail(block)
        transport: Transport
        if "smtp" in settings:
            smtp = _read(SmtpBlock, settings["smtp"])
            transport = Smtp(smtp.model_copy(update={"attempts": 1}), self.environment)
        else:
            transport = Sendmail(self.environment)

        def fitting(limit: int | None) -> bytes:
            if limit is not None and len(message.content) > limit:
                raise RefusedError(f"the server takes {limit:,} bytes at most")
            return message.content

        receipt = transport.send(fitting, Envelope(message.sender, message.addressed))
        self._forget(message.name, "mail")
        self._received(message, receipt, self._facts(), had_waited=True)

    def _received(
        self,
        message: Waiting,
        receipt: Receipt,
        facts: Mapping[str, Any],
        *,
        had_waited: bool = False,
    ) -> None:
        """Remember and say who got a mail, who will not, and who must wait."""
        which = f"The mail of {message.name}"
        if receipt.accepted:
            got = {"recipients": list(receipt.accepted), "refused": dict(receipt.refused)}
            self._remember(_folders(message), "mail", {**facts, **got})
            late = f"{which}, which had waited, went" if had_waited else "Mailed"
            self.log.told.append(f"{late} to {', '.join(receipt.accepted)}.")
        if receipt.refused:
            said = ", ".join(f"{who} ({why})" for who, why in receipt.refused.items())
            rest = "the others have it" if receipt.accepted else "nobody has it"
            error = RefusedError(
                f"{which} was refused for {said}; {rest}", "check deliver.mail.to and cc"
            )
            self.log.troubles.append(error)
            if not receipt.accepted and not receipt.postponed:
                self._put_by(message, error)
        if receipt.postponed:
            said = ", ".join(f"{who} ({why})" for who, why in receipt.postponed.items())
            left = replace(message, addressed=tuple(receipt.postponed))
            self._keep(left, DeliveryError(f"not yet to {said}"))

    def _keep(self, message: Waiting, error: DeliveryError) -> None:
        what = "mail" if message.channel == "mail" else "message for the webhook"
        said = f"the {what} of {message.name} could not be sent: {error.message}"
        try:
            self.outbox.keep(replace(message, why=error.message))
        except OSError as trouble:
            said += f"; nor could it be kept in {self.outbox.folder}: {trouble.strerror}"
            self.log.troubles.append(DeliveryError(said, error.hint))
        else:
            hint = f"{error.hint}; {_KEPT}" if error.hint else _KEPT
            self.log.troubles.append(type(error)(said, hint))

    def _set_aside(self, message: Waiting, error: DeliveryError) -> None:
        what = "mail" if message.channel == "mail" else "message for the webhook"
        self.log.troubles.append(
            DeliveryError(f"the {what} of {message.name} was refused: {error.message}", error.hint)
        )
        self._put_by(message, error)

    def _put_by(self, message: Waiting, error: DeliveryError) -> None:
        try:
            self.log.told.append(f"It lies in {self.outbox.set_aside(message, error.message)}.")
        except OSError as trouble:
            self.log.troubles.append(
                DeliveryError(f"{self.outbox.folder}: cannot be written: {trouble.strerror}")
            )

    def _remember(self, runs: Sequence[Path], channel: Channel, facts: Mapping[str, Any]) -> None:
        for run in runs:
            outbox = self.outbox if run.parent == self.outbox.folder.parent else Outbox(run.parent)
            try:
                outbox.remember(run.name, channel, {"at": f"{self.now:%FT%TZ}", **facts})
            except OSError as error:
                self.log.troubles.append(
                    DeliveryError(
                        f"{outbox.folder}: cannot be written: {error.strerror}; the same run may "
                        "be sent twice"
                    )
                )

    def _forget(self, name: str, channel: Channel) -> None:
        try:
            self.outbox.forget(name, channel)
        except OSError as error:
            self.log.troubles.append(
                DeliveryError(f"{self.outbox.folder}: cannot be written: {error.strerror}")
            )

    def _facts(self) -> dict[str, Any]:
        return {"number": 1}


def _folders(message: Waiting) -> list[Path]:
    return [Path(run) for run in message.runs]


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
