"""Says what a mail on some runs is to be of: to whom, under which subject, in which thread."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from pathlib import Path

from reportgen.config.deliver import LinksBlock, MailBlock
from reportgen.deliver.contents import Absent
from reportgen.deliver.errors import DeliveryError
from reportgen.deliver.mail import Headers, plain_address
from reportgen.deliver.runs import Run
from reportgen.deliver.transport import Envelope
from reportgen.deliver.wording import WORDS, digest_subject, subject_of
from reportgen.summary import Status, Summary


@dataclass(frozen=True)
class Wish:
    """How to deliver.

    again: also what was delivered before. to: recipients in place of those of the configuration;
    such a mail is not remembered. name: of the reports together, where there are several. absent:
    those that could not be made at all.
    """

    again: bool = False
    to: tuple[str, ...] = ()
    name: str = ""
    absent: tuple[Absent, ...] = ()
    outputs: tuple[Path, ...] = ()
    """Output folders in which messages may wait, besides those of the runs."""


@dataclass(frozen=True)
class Order:
    """What a mail is to be of. foot: its last line. problems: what was done without."""

    runs: tuple[Run, ...]
    absent: tuple[Absent, ...]
    links: LinksBlock | None
    mail: MailBlock
    headers: Headers
    subject: str
    foot: str
    problems: list[DeliveryError] = field(default_factory=list)

    @property
    def envelope(self) -> Envelope:
        """Who sends it to whom."""
        addresses = map(plain_address, (*self.headers.to, *self.headers.cc))
        return Envelope(plain_address(self.mail.from_), tuple(dict.fromkeys(addresses)))


@dataclass(frozen=True)
class Stamp:
    """When a mail is sent, and which it is of the mails on its runs.

    trial: what tells mails apart that somebody only wants to look at.
    """

    now: datetime
    number: int = 1
    trial: str = ""


def order_mail(
    runs: tuple[Run, ...], links: LinksBlock | None, mail: MailBlock, wish: Wish, stamp: Stamp
) -> Order:
    """Put together what a mail on one run or more is to be of."""
    first, several = runs[0].summary, len(runs) + len(wish.absent) > 1
    problems: list[DeliveryError] = []
    name = (_slug(wish.name) or _name(runs)) if several else first.report.id
    if several:
        subject = digest_subject([run.summary for run in runs], name, len(wish.absent))
    else:
        subject = _subject(first, mail, problems)
    to = wish.to or _recipients(mail, [run.summary.run.status for run in runs], wish.absent)
    headers = Headers(
        name=name,
        title=(wish.name or name) if several else first.report.title,
        ids=tuple(run.summary.run.id for run in runs),
        sent=stamp.now,
        to=to,
        cc=() if wish.to else tuple(address for address in mail.cc if address not in to),
        number=stamp.number,
        trial=stamp.trial,
    )
    version = first.environment.versions.get("reportgen", "")
    of = ", ".join(f"{run.summary.report.id} {run.summary.run.id}" for run in runs)
    foot = f"Sent by {f'reportgen {version}'.strip()}, of {of}."
    return Order(runs, wish.absent, links, mail, headers, subject, foot, problems)


def order_notice(
    mail: MailBlock, name: str, title: str, absent: Sequence[Absent], now: datetime
) -> Order:
    """Put together a mail that says that there is no report at all."""
    headers = Headers(
        name=_slug(name) or "reports",
        title=title,
        ids=(f"{now:%Y%m%dT%H%M%SZ}",),
        sent=now,
        to=mail.recipients("error"),
        cc=tuple(address for address in mail.cc if address not in mail.recipients("error")),
    )
    subject = f"[{name}] {WORDS['error']} no report · {now:%Y-%m-%d}"
    return Order((), tuple(absent), None, mail, headers, subject, "Sent by reportgen.")


def _slug(name: str) -> str:
    """Give a name as headers can hold it."""
    return re.sub(r"[^A-Za-z0-9_-]+", "-", name).strip("-")


def _name(runs: Sequence[Run]) -> str:
    """Give reports that are mailed together a name that is the same every night."""
    ids = "\n".join(sorted(run.summary.report.id for run in runs))
    return f"reports-{sha256(ids.encode()).hexdigest()[:8]}"


def _recipients(
    mail: MailBlock, statuses: Sequence[Status], absent: Sequence[Absent]
) -> tuple[str, ...]:
    all_statuses: list[Status] = [*statuses]
    all_statuses += ["error"] * bool(absent)
    return tuple(dict.fromkeys(each for status in all_statuses for each in mail.recipients(status)))


def _subject(summary: Summary, mail: MailBlock, problems: list[DeliveryError]) -> str:
    try:
        return subject_of(summary, mail.subject)
    except DeliveryError as error:  # a mail under our subject is better than none
        problems.append(DeliveryError(f"deliver.mail.subject: {error.message}", error.hint))
        return subject_of(summary, None)
