"""What the YAML says of the mail and of the webhook: to whom, how, and when to keep quiet."""

import re
from collections.abc import Iterable, Mapping
from email import policy
from email.errors import HeaderParseError
from email.headerregistry import Address
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    ByteSize,
    Field,
    WithJsonSchema,
    model_validator,
)

from reportgen.config.problems import shortened
from reportgen.config.secrets import ADVICE, NAME, PREFIX
from reportgen.config.templates import check_template
from reportgen.config.types import Block, BlockError, Count, FilePath, Index, Number, Size, Text
from reportgen.record import STATUSES, ReportRecord, RunRecord, Status

When = Literal["always", "change", "warn"]
Security = Literal["starttls", "tls", "none"]

TEMPLATE_NAMES: Mapping[str, Iterable[str]] = {
    "report": ReportRecord.model_fields,
    "run": RunRecord.model_fields,
    **dict.fromkeys(("night", "status", "verdict", "sentence", "highlight", "checks"), ()),
    "sections": (),
}
"""What a template of a subject or a link may use."""

_LOCAL = re.compile(r"localhost(\.localdomain)?|127(\.\d+){3}|::1")


def is_local(host: str) -> bool:
    """Return whether what is sent to a host stays within the machine."""
    return _LOCAL.fullmatch(host) is not None


def read_address(text: object) -> str:
    """Check ``Name <local@domain>``; return it with the domain as mail servers write it."""
    if not isinstance(text, str) or not text.strip():
        raise ValueError("should be an address, such as Jo Doe <jo@example.org>")
    shown = repr(shortened(text))
    said = f"{shown} is not one address, such as jo@example.org or Jo Doe <jo@example.org>"
    if not text.strip().isprintable():
        raise ValueError(f"{said}: it holds a line break or another control character")
    try:
        header = policy.SMTP.header_factory("to", text.strip())
    except (HeaderParseError, IndexError, ValueError, RecursionError):
        raise ValueError(said) from None
    found: tuple[Address, ...] = getattr(header, "addresses", ())
    address = found[0] if len(found) == 1 else Address()
    if address.username and not address.username.isascii():
        raise ValueError(f"{said}: before the @ stand ASCII characters only")
    if not (address.username and address.domain) or header.defects:
        raise ValueError(said)
    try:
        domain = address.domain.encode("idna").decode("ascii")
    except UnicodeError:
        raise ValueError(f"{said}: {address.domain!r} is no domain") from None
    return str(Address(address.display_name, address.username, domain))


MailAddress = Annotated[
    str,
    BeforeValidator(read_address),
    WithJsonSchema({"type": "string", "examples": ["Jo Doe <jo@example.org>"]}),
]


def _template(text: str) -> str:
    return check_template(text, TEMPLATE_NAMES)


def _address_template(text: str) -> str:
    if not text.startswith(("https://", "http://", "{{")):
        raise ValueError("should be a web address, which starts with https://")
    return _template(text)


def _host(text: str) -> str:
    """Check the name or the number of a host, without a port or a login."""
    try:
        return str(ip_address(text))
    except ValueError:
        pass
    try:
        name = text.encode("idna").decode("ascii")
    except UnicodeError:
        name = ""
    if not re.fullmatch(r"[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?", name):
        raise ValueError("should be the name of a host alone, such as smtp.example.org")
    return name


def _variable(name: str) -> str:
    if not NAME.fullmatch(name):
        said = f"should be the name of an environment variable that starts with {PREFIX}"
        raise ValueError(f"{said}, such as {PREFIX}SMTP_PASSWORD_OF_CDFS")
    return name


Host = Annotated[Text, AfterValidator(_host)]
Port = Annotated[int, Field(strict=True, ge=1, le=65535), Number]
Seconds = Annotated[float, Field(strict=True, gt=0, le=3600), Number]
Template = Annotated[Text, AfterValidator(_template)]
WebAddress = Annotated[Text, AfterValidator(_address_template)]
Variable = Annotated[Text, AfterValidator(_variable)]


class _NoSecrets(Block):
    """A block in which people would look for a place to write a secret."""

    @model_validator(mode="before")
    @classmethod
    def _secrets_stay_outside(cls, values: Any) -> Any:
        if isinstance(values, Mapping):
            secrets = [key for key in ADVICE if key in values and key not in cls.model_fields]
            if secrets:
                said = "a secret has no place here"
                raise BlockError({(key,): f"{said}: {ADVICE[key]}" for key in secrets})
        elif not isinstance(values, cls):  # the value is not repeated: it may be a secret
            raise ValueError(f"should be keys and values: {', '.join(sorted(cls.model_fields))}")
        return values


class _ServerBlock(_NoSecrets):
    """Something that is sent to, and how often it is tried."""

    ca_file: FilePath | None = None
    """Certificates to trust, in PEM; those of the system when not given."""
    timeout: Seconds = 30.0
    """Seconds to wait for any answer."""
    attempts: Count = 4
    """How often to try when there is no answer, or it is to come again later."""
    wait: Seconds = 5.0
    """Seconds before the second attempt; before each further one three times as long."""


class LinksBlock(Block):
    """Where the documents can be opened; each a Jinja2 template."""

    report: WebAddress
    """Address of the report, such as https://reports.example.org/cdfs/{{ run.id }}/report.html."""
    pdf: WebAddress | None = None
    """Address of the PDF; beside the report when not given."""
    index: WebAddress | None = None
    """Address of the page of all nights."""


class LoginBlock(_NoSecrets):
    """Who logs in to the mail server; the password or token comes from the environment."""

    user: Text | None = None
    """Name of the user; REPORTGEN_SMTP_USER in the environment when not given."""
    method: Literal["auto", "plain", "login", "xoauth2"] = "auto"
    """How to log in; auto takes what the server offers."""
    variable: Variable | None = None
    """Environment variable of the password, or for xoauth2 of the command that prints a token."""


class SmtpBlock(_ServerBlock):
    """The mail server."""

    host: Host
    """Name of the server."""
    port: Port | None = None
    """Its port; 587 for starttls, 465 for tls, 25 for none when not given."""
    security: Security = "starttls"
    """starttls, tls from the first byte, or none for a relay within reach."""
    login: LoginBlock | None = None
    """Who logs in; nobody when not given."""
    verify: bool = True
    """Whether the server must prove who it is. Without it anybody in between can read the mail."""

    @model_validator(mode="after")
    def _login_is_encrypted(self) -> "SmtpBlock":
        if self.login and self.security == "none" and not is_local(self.host):
            said = "a login needs starttls or tls: without, anybody in between can read it"
            raise BlockError({("login",): said})
        return self


def _recipients(value: object) -> object:
    """Take a list, or an address alone, for recipients whatever the verdict."""
    if isinstance(value, str):
        value = [value]
    if isinstance(value, list | tuple):
        return {STATUSES[0]: value}
    return value


Recipients = Annotated[
    dict[Status, tuple[MailAddress, ...]],
    BeforeValidator(
        _recipients,
        json_schema_input_type=str | tuple[str, ...] | dict[Status, tuple[str, ...]],
    ),
]
"""Recipients by verdict; one that is not named has those of the next better one that is."""


class MailBlock(_NoSecrets):
    """The mail after each run."""

    from_: Annotated[MailAddress, Field(alias="from")]
    """Sender, such as CDFS reports <reports@example.org>."""
    to: Recipients
    """Recipients: a list, or lists by verdict: {ok: [a], fail: [a, b]}."""
    cc: tuple[MailAddress, ...] = ()
    """Who gets a copy of every mail that is sent."""
    reply_to: MailAddress | None = None
    """Where answers go."""
    when: When = "always"
    """always; change: when a verdict or a number moved; warn: when something is not ok."""
    subject: Template | None = None
    """Jinja2 template of the subject; with report, run, night, verdict, highlight and others."""
    figures: Annotated[Index | tuple[Text, ...], Field(union_mode="left_to_right")] = 3
    """How many figures at most, of what needs attention or moved, or which, whatever happened:
    [section.figure, section]."""
    attach_pdf: bool = True
    """Whether the PDF is attached."""
    most_attached: Size = ByteSize(18_000_000)
    """Largest attachment; beyond it a smaller PDF, then a link takes its place."""
    list_id: (
        Annotated[Text, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*(\.[A-Za-z0-9_-]+)+$")] | None
    ) = None
    """Name for filters, such as cdfs.reports.example.org; made of id and sender when not given."""
    digest: bool = False
    """Whether the reports of a matrix are mailed together, once all are built."""
    smtp: SmtpBlock | None = None
    """The mail server."""
    sendmail: bool = False
    """Whether to give the mail to the machine's own sendmail instead."""

    @model_validator(mode="after")
    def _one_way_out(self) -> "MailBlock":
        if (self.smtp is None) != self.sendmail:
            both = ", not both" if self.sendmail else ""
            raise ValueError(f"give smtp: {{host: …}}, or sendmail: true{both}")
        if not any(self.to.values()) and not self.cc:
            raise BlockError({("to",): "names nobody"})
        return self

    def recipients(self, status: Status) -> tuple[str, ...]:
        """Return who is told of a verdict, copies aside."""
        for verdict in reversed(STATUSES[: STATUSES.index(status) + 1]):
            if verdict in self.to:
                return self.to[verdict]
        return ()


class WebhookBlock(_ServerBlock):
    """A verdict in JSON, sent to the address that REPORTGEN_WEBHOOK_URL holds."""

    kind: Literal["slack", "mattermost", "generic"] = "generic"
    """What receives it."""
    when: When = "always"
    """always; change: when a verdict or a number moved; warn: when something is not ok."""
    variable: Variable | None = None
    """Environment variable of the address; REPORTGEN_WEBHOOK_URL when not given."""


class DeliverBlock(Block):
    """Who is told of a run, once it is published, and how."""

    links: LinksBlock | None = None
    """Where the documents can be opened."""
    mail: MailBlock | None = None
    """The mail."""
    webhook: WebhookBlock | None = None
    """The message to a chat or a service."""

    def recorded(self) -> dict[str, Any]:
        """Return it for the record of a run, which may be mailed from another folder later."""
        values = self.model_dump(mode="json", by_alias=True, exclude_defaults=True)
        for part in (values.get("mail", {}).get("smtp", {}), values.get("webhook", {})):
            if "ca_file" in part:
                part["ca_file"] = str(Path(part["ca_file"]).absolute())
        return values
