"""A mail on runs: its subject, headers and parts, and as much of it as a server takes.

The same mail has the same bytes each time.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from functools import cached_property
from hashlib import sha256
from html import escape
from pathlib import Path

from reportgen.config.deliver import LinksBlock, MailBlock
from reportgen.deliver.mail_view import (
    Absent,
    MailedRun,
    Pdf,
    fill_templates,
    run_view,
)
from reportgen.deliver.recipients import Run
from reportgen.deliver.subject import WORDS, digest_subject, night_of, subject_of
from reportgen.deliver.transport import DeliveryError, RefusedError, one_line
from reportgen.errors import ConfigError, ReportgenError
from reportgen.record import STATUSES, Summary, own_file
from reportgen.render.pdf import render_pdf
from reportgen.wording import bytes_text

LONGEST_NAME = 120  # characters of a title in a header


# Tried in turn until a server takes the mail: which editions of PDFs, and whether it has figures.
SMALLER = ((("whole", "small"), True), (("small",), True), ((), True), ((), False))


def small_pdf(folder: Path, summary: Summary) -> bytes:
    """Print the PDF of a run with smaller images. Raises ReportgenError."""
    try:
        return render_pdf(folder, summary, small=True)
    except (OSError, LookupError, ValueError) as error:  # a run folder that lacks something
        raise DeliveryError(f"{folder}: it cannot be printed again: {error}") from None


@dataclass(frozen=True)
class Mail:
    """A mail on some runs and on reports that could not be made; without a run, it is a notice.

    sent: the time in its header. name: of the reports together; threads and filters go by it. to:
    who gets it in place of those whom the block names, to have a look at it. number: of the mail on
    these runs, more than 1 when sent again. shrink: gives a smaller PDF, when one is needed.
    problems: what was wrong and was done without, by what is said of it.
    """

    block: MailBlock
    runs: tuple[Run, ...]
    sent: datetime
    links: LinksBlock | None = None
    absent: tuple[Absent, ...] = ()
    name: str = ""
    title: str = ""
    to: tuple[str, ...] = ()
    number: int = 1
    shrink: Callable[[Path, Summary], bytes] = small_pdf
    problems: dict[str, ReportgenError] = field(default_factory=dict)
    _small_pdfs: dict[Path, bytes] = field(default_factory=dict, init=False, repr=False)

    @property
    def sender(self) -> str:
        """The plain address that it comes from."""
        return parseaddr(self.block.from_)[1]

    @property
    def recipients(self) -> tuple[str, ...]:
        """The plain addresses that it goes to, each once."""
        addresses = (parseaddr(address)[1] for address in (*self._to, *self._cc))
        return tuple(dict.fromkeys(addresses))

    @property
    def _to(self) -> tuple[str, ...]:
        statuses = [run.summary.run.status for run in self.runs]
        named = [self.block.recipients(status) for status in statuses]
        named += [self.block.recipients("error")] * bool(self.absent)
        return self.to or tuple(dict.fromkeys(address for group in named for address in group))

    @property
    def _cc(self) -> tuple[str, ...]:
        return () if self.to else tuple(one for one in self.block.cc if one not in self._to)

    @cached_property
    def subject(self) -> str:
        """The verdict in one line."""
        if not self.runs:
            return one_line(f"[{self.name}] {WORDS['error']} no report · {self.sent:%F}")
        summaries = [run.summary for run in self.runs]
        if self._is_digest:
            return digest_subject(summaries, self._thread, len(self.absent))
        try:
            return subject_of(summaries[0], self.block.subject)
        except DeliveryError as error:  # a mail under our subject is better than none
            self._note(DeliveryError(f"deliver.mail.subject: {error.message}", error.hint))
            return subject_of(summaries[0])

    @property
    def _is_digest(self) -> bool:
        return len(self.runs) + len(self.absent) > 1

    @property
    def _thread(self) -> str:
        """What the mails of all nights have in common, as headers can hold it."""
        if self.runs and not self._is_digest:
            return self.runs[0].summary.report.id
        ids = "\n".join(sorted(run.summary.report.id for run in self.runs))
        name = re.sub(r"[^A-Za-z0-9_-]+", "-", self.name).strip("-")
        return name or f"reports-{sha256(ids.encode()).hexdigest()[:8]}"

    def message(self, limit: int | None = None) -> bytes:
        """Return the best message of so many bytes at most.

        Raises RefusedError when even the smallest is larger.
        """
        content = b""
        for editions, figures in SMALLER:
            content = self._message(editions, figures)
            if limit is None or len(content) <= limit:
                return content
        raise RefusedError(
            f"the server takes {bytes_text(limit or 0)} at most, and the smallest mail of this "
            f"report has {bytes_text(len(content))}",
        )

    def _message(self, editions: Sequence[str], figures: bool) -> bytes:
        worst_first = sorted(
            self.runs, key=lambda run: STATUSES.index(run.summary.run.status), reverse=True
        )
        pdfs = self._pdfs(worst_first, editions)
        wanted: int | Sequence[str] = self.block.figures if figures else 0
        if len(self.runs) > 1 and isinstance(wanted, int):
            wanted = min(wanted, 1)
        views = [
            run_view(run, self.links, wanted, pdf)
            for run, pdf in zip(worst_first, pdfs, strict=True)
        ]
        for problem in (each for view in views for each in view.links.problems):
            self._note(problem)
        text, page = self._texts(views)
        mail = EmailMessage(policy=SMTP)
        for name, value in self._headers():
            mail[name] = value
        # Not every server on the way takes 8-bit text.
        mail.set_content(text, cte="quoted-printable")
        mail.add_alternative(page, subtype="html", cte="quoted-printable")
        _add_figures(mail, page, views)
        for pdf in pdfs:
            if pdf.name:
                mail.add_attachment(pdf.content, "application", "pdf", filename=pdf.name)
        _set_boundaries(mail)
        return mail.as_bytes()

    def _headers(self) -> Iterator[tuple[str, str]]:
        ids = [run.summary.run.id for run in self.runs] or [f"{self.sent:%Y%m%dT%H%M%SZ}"]
        domain = self.sender.rpartition("@")[2]
        host = f"reportgen.{domain}".rstrip(".")
        trial = f"{self.sent} {self.to}" if self.to else ""
        seed = "\n".join((self._thread, *ids, str(self.number), trial))
        thread = f"<{self._thread}.nights@reportgen.{self._thread}.{domain}>"
        title = self.title or self.name or self._thread
        if self.runs and not self._is_digest:
            title = self.runs[0].summary.report.title
        yield "From", self.block.from_
        if self._to:
            yield "To", ", ".join(self._to)
        if self._cc:
            yield "Cc", ", ".join(self._cc)
        if self.block.reply_to:
            yield "Reply-To", self.block.reply_to
        yield "Subject", self.subject
        yield "Date", format_datetime(self.sent)
        yield "Message-ID", f"<{ids[0]}.{sha256(seed.encode()).hexdigest()[:16]}@{host}>"
        # All mails of a report answer one that never was: so programs show them as one thread.
        yield "In-Reply-To", thread
        yield "References", thread
        list_id = self.block.list_id or f"{self._thread}.{domain}"
        yield "List-Id", f"{_phrase(title)} <{list_id}>".lstrip()
        yield "Auto-Submitted", "auto-generated"  # RFC 3834, section 5
        yield "X-Auto-Response-Suppress", "All"  # Exchange does not know RFC 3834
        yield "X-Mailer", "reportgen"

    def _texts(self, views: Sequence[MailedRun]) -> tuple[str, str]:
        """Return the plain text and the HTML, by the user's templates if they can be filled."""
        first = self.runs[0].summary if self.runs else None
        templates = first.configuration.templates if first else ""
        values = {
            "subject": self.subject,
            "reports": views,
            "absent": self.absent,
            "language": first.report.language if first else "en",
            "foot": self._foot,
        }
        try:
            return fill_templates(templates, values)
        except ConfigError as error:
            self._note(error)
        except (ValueError, OSError) as error:  # a template that is not UTF-8, for instance
            if not templates:
                raise
            self._note(ConfigError(f"{templates}: {error}"))
        return fill_templates("", values)  # a mail in our words is better than none

    @property
    def _foot(self) -> str:
        if not self.runs:
            return "Sent by reportgen."
        version = self.runs[0].summary.environment.versions.get("reportgen", "")
        of = ", ".join(f"{run.summary.report.id} {run.summary.run.id}" for run in self.runs)
        return f"Sent by {f'reportgen {version}'.strip()}, of {of}."

    def _pdfs(self, runs: Sequence[Run], editions: Sequence[str]) -> list[Pdf]:
        """Say what becomes of the PDF of each run; the first ones have the first choice."""
        pdfs: list[Pdf] = []
        for run in runs:
            room = self.block.most_attached - sum(len(pdf.content) for pdf in pdfs)
            name = f"{run.summary.report.id}-{night_of(run.summary)}.pdf"
            if any(pdf.name == name for pdf in pdfs):  # another run of the same night
                name = f"{run.summary.report.id}-{run.summary.run.id}.pdf"
            pdfs.append(self._pdf(run, editions, room, name))
        return pdfs

    def _pdf(self, run: Run, editions: Sequence[str], room: int, name: str) -> Pdf:
        document = run.summary.documents.get("pdf")
        if document is None or not self.block.attach_pdf:
            return Pdf()
        if not document.file:
            why = document.error.message if document.error else "it is not there"
            return Pdf(place=f"The PDF could not be made: {why}")
        try:
            whole = own_file(run.folder, document.file).read_bytes()
        except OSError as error:
            return Pdf(place=f"The PDF could not be read: {error.strerror}.")
        if not whole.startswith(b"%PDF-"):
            return Pdf(place="The PDF could not be read: it is none.")
        for edition in editions:
            content = whole if edition == "whole" else self._smaller(run, whole)
            if len(content) <= room:
                small = content is not whole
                return Pdf(name, content, bytes_text(len(content)), small=small)
        digest, place = sha256(whole).hexdigest(), str(run.folder / document.file)
        return Pdf(size=bytes_text(len(whole)), sha256=digest, place=place)

    def _smaller(self, run: Run, whole: bytes) -> bytes:
        """Return a smaller PDF; the whole one when none can be made."""
        if run.folder not in self._small_pdfs:
            try:
                self._small_pdfs[run.folder] = self.shrink(run.folder, run.summary)
            except ReportgenError as error:
                self._note(DeliveryError(f"the PDF could not be made smaller: {error.message}"))
                self._small_pdfs[run.folder] = whole
        return min(self._small_pdfs[run.folder], whole, key=len)

    def _note(self, problem: ReportgenError) -> None:
        self.problems.setdefault(problem.message, problem)


def _phrase(title: str) -> str:
    """Return a title as the phrase of a header, without what would have to stand in quotes."""
    plain = re.sub(r"""[()<>@,;:\\".\[\]]+""", " ", one_line(title)[:LONGEST_NAME])
    return " ".join(plain.split())


def _add_figures(mail: EmailMessage, page: str, views: Sequence[MailedRun]) -> None:
    """Put the figures that the HTML shows beside it: programs would list others as files."""
    part = mail.get_body(("html",))
    figures = [(figure, view.cid(figure)) for view in views for figure in view.figures]
    for figure, cid in figures:
        if part is not None and f'"cid:{escape(cid)}"' in page:
            name = f"{figure.section}-{figure.record.id}.png"
            part.add_related(
                figure.png, "image", "png", disposition="inline", filename=name, cid=f"<{cid}>"
            )
            part.set_param("type", "text/html")  # RFC 2387, section 3.1


def _set_boundaries(mail: EmailMessage) -> None:
    """Set boundaries that are the same every time, and in no text."""
    for place, part in enumerate(mail.walk()):
        if part.is_multipart():
            digest = sha256(f"{mail['Message-ID']}{place}".encode()).hexdigest()[:32]
            part.set_boundary(f"=_{digest}")  # =_ is in no quoted-printable or base64 text
