"""A mail of one run or several: its parts and its headers, the same bytes for the same run."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage, MIMEPart
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from hashlib import sha256
from html import escape

from reportgen.config.deliver import MailBlock
from reportgen.deliver.contents import Told
from reportgen.deliver.letter import Letter
from reportgen.deliver.wording import one_line

LONGEST_NAME = 120  # characters of a title in a header


@dataclass(frozen=True)
class Attachment:
    """A PDF, under the name that a reader saves it by."""

    name: str
    content: bytes


@dataclass(frozen=True)
class Headers:
    """What stands above a mail.

    name: of the report, or of what the reports are of; threads and filters go by it. title: the
    same for people. ids: of the runs. number: of the mail on them, more than 1 when sent again.
    trial: what tells a mail apart that somebody only wants to look at.
    """

    name: str
    title: str
    ids: tuple[str, ...]
    sent: datetime
    to: tuple[str, ...]
    cc: tuple[str, ...] = ()
    number: int = 1
    trial: str = ""


def plain_address(address: str) -> str:
    """Give ``jo@example.org`` of ``Jo Doe <jo@example.org>``."""
    return parseaddr(address)[1]


def make_mail(
    block: MailBlock,
    headers: Headers,
    letter: Letter,
    reports: Sequence[Told],
    attached: Sequence[Attachment],
) -> EmailMessage:
    """Put a mail together: mixed(related(alternative(plain, HTML), figures), PDFs).

    Figures that the HTML does not show are left out: mail programs would list them as files.
    """
    mail = EmailMessage(policy=SMTP)
    for name, value in _headers(block, headers, letter.subject):
        mail[name] = value
    body = _multipart("alternative", _text(letter.text, "plain"), _text(letter.html, "html"))
    pictures = [
        _file(one.png, "image/png", f"{one.section}-{one.record.id}.png", told.cid(one))
        for told in reports
        for one in told.pictures
        if f'"cid:{escape(told.cid(one))}"' in letter.html
    ]
    if pictures:
        body = _multipart("related", body, *pictures)
        body.set_param("type", "multipart/alternative")
    mail["MIME-Version"] = "1.0"
    mail["Content-Type"] = "multipart/mixed"
    mail.set_payload([body, *(_file(f.content, "application/pdf", f.name) for f in attached)])
    _set_boundaries(mail)
    return mail


def _headers(block: MailBlock, headers: Headers, subject: str) -> Iterator[tuple[str, str]]:
    domain = plain_address(block.from_).rpartition("@")[2]
    thread = f"<{headers.name}.nights@{_host(headers.name, domain)}>"
    seed = "\n".join((headers.name, *headers.ids, str(headers.number), headers.trial))
    own = f"<{headers.ids[0]}.{sha256(seed.encode()).hexdigest()[:16]}@{_host('', domain)}>"
    yield "From", block.from_
    if headers.to:
        yield "To", ", ".join(headers.to)
    if headers.cc:
        yield "Cc", ", ".join(headers.cc)
    if block.reply_to:
        yield "Reply-To", block.reply_to
    yield "Subject", one_line(subject)
    yield "Date", format_datetime(headers.sent)
    yield "Message-ID", own
    # All mails of a report answer one that never was: so programs show them as one thread.
    yield "In-Reply-To", thread
    yield "References", thread
    list_id = block.list_id or f"{headers.name}.{domain}"
    yield "List-Id", f"{_phrase(headers.title)} <{list_id}>".lstrip()
    yield "Auto-Submitted", "auto-generated"  # RFC 3834, section 5
    yield "X-Auto-Response-Suppress", "All"  # Exchange does not know RFC 3834
    yield "X-Mailer", "reportgen"


def _host(name: str, domain: str) -> str:
    return ".".join(part for part in ("reportgen", name, domain) if part)


def _phrase(title: str) -> str:
    """Give a title as the phrase of a header, without what would have to stand in quotes."""
    plain = re.sub(r"""[()<>@,;:\\".\[\]]+""", " ", one_line(title)[:LONGEST_NAME])
    return " ".join(plain.split())


def _multipart(kind: str, *parts: MIMEPart) -> MIMEPart:
    part = MIMEPart(policy=SMTP)
    part["Content-Type"] = f"multipart/{kind}"
    part.set_payload(list(parts))
    return part


def _text(text: str, kind: str) -> MIMEPart:
    part = MIMEPart(policy=SMTP)
    # Not every server on the way takes 8-bit text.
    part.set_content(text, subtype=kind, charset="utf-8", cte="quoted-printable")
    return part


def _file(content: bytes, kind: str, name: str, cid: str = "") -> MIMEPart:
    part = MIMEPart(policy=SMTP)
    main, _, sub = kind.partition("/")
    if cid:
        part.set_content(content, main, sub, disposition="inline", filename=name, cid=f"<{cid}>")
    else:
        part.set_content(content, main, sub, disposition="attachment", filename=name)
    return part


def _set_boundaries(mail: EmailMessage) -> None:
    """Give boundaries that are the same every time, and in no text."""
    seed = str(mail["Message-ID"])
    for place, part in enumerate(mail.walk()):
        if part.is_multipart():
            digest = sha256(f"{seed}{place}".encode()).hexdigest()[:32]
            part.set_boundary(f"=_{digest}")  # =_ is in no quoted-printable or base64 text
