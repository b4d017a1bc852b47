"""Composes a mail of some runs that fits: PDFs whole, then smaller, then as a link."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from pathlib import Path

from reportgen.deliver.contents import Paper, Told, size_of, tell
from reportgen.deliver.errors import DeliveryError, RefusedError
from reportgen.deliver.files import read_own
from reportgen.deliver.letter import Letter, write_letter
from reportgen.deliver.mail import Attachment, make_mail
from reportgen.deliver.ordering import Order
from reportgen.deliver.runs import Run
from reportgen.deliver.wording import night_of
from reportgen.errors import ConfigError, ReportgenError
from reportgen.numbers import bytes_text
from reportgen.summary import STATUSES, Summary

Shrink = Callable[[Path, Summary], bytes]
"""Gives a smaller PDF of a run. Raises ReportgenError."""


def _rank(run: Run) -> int:
    return STATUSES.index(run.summary.run.status)


@dataclass(frozen=True)
class _Size:
    """How large a mail may be: which editions of PDFs are tried, and whether it has figures."""

    editions: tuple[str, ...]
    figures: bool


_SIZES = (
    _Size(("whole", "small"), True),
    _Size(("small",), True),
    _Size((), True),
    _Size((), False),
)


class Composer:
    """Composes one mail; the same bytes each time.

    shrink: makes a PDF smaller, which is done only when it must be. problems: what was wrong on
    the way and was done without.
    """

    def __init__(self, order: Order, shrink: Shrink) -> None:
        self._order = order
        self._shrink = shrink
        self._small: dict[Path, bytes] = {}
        self._made: list[bytes] = []
        self._rest = self._all()
        self.problems: dict[str, ReportgenError] = {
            problem.message: problem for problem in order.problems
        }

    def message(self, limit: int | None) -> bytes:
        """Give the best mail of so many bytes at most.

        Raises RefusedError when even the smallest is larger.
        """
        for content in self._each():
            if limit is None or len(content) <= limit:
                return content
        raise RefusedError(
            f"the server takes {bytes_text(limit or 0)} at most, and the smallest mail of this "
            f"report has {bytes_text(len(self._made[-1]))}",
        )

    def _each(self) -> Iterator[bytes]:
        yield from self._made
        for content in self._rest:
            self._made.append(content)
            yield content

    def _all(self) -> Iterator[bytes]:
        for size in _SIZES:
            yield self._compose(size)

    def _compose(self, size: _Size) -> bytes:
        order = self._order
        papers, attached = self._papers(size.editions)
        told = [self._tell(run, papers[run.folder], size.figures) for run in self._worst_first()]
        for problem in (each for one in told for each in one.links.problems):
            self._note(problem)
        letter = self._letter(told)
        return make_mail(order.mail, order.headers, letter, told, attached).as_bytes()

    def _letter(self, told: Sequence[Told]) -> Letter:
        order = self._order
        write = partial(write_letter, order.subject, told, order.absent, order.foot)
        if not order.runs:
            return write()
        first = order.runs[0].summary
        try:
            return write(templates=first.configuration.templates, language=first.report.language)
        except ConfigError as error:
            self._note(error)
        except (ValueError, OSError) as error:  # a template that is not UTF-8, for instance
            if not first.configuration.templates:
                raise
            self._note(ConfigError(f"{first.configuration.templates}: {error}"))
        return write(language=first.report.language)  # a mail in our words is better than none

    def _note(self, problem: ReportgenError) -> None:
        self.problems.setdefault(problem.message, problem)

    def _tell(self, run: Run, paper: Paper, figures: bool) -> Told:
        wanted: int | Sequence[str] = self._order.mail.figures if figures else 0
        if len(self._order.runs) > 1 and isinstance(wanted, int):
            wanted = min(wanted, 1)
        return tell(run.folder, run.summary, self._order.links, paper, wanted)

    def _worst_first(self) -> list[Run]:
        return sorted(self._order.runs, key=_rank, reverse=True)

    def _papers(self, editions: Sequence[str]) -> tuple[dict[Path, Paper], list[Attachment]]:
        """Give what becomes of each PDF, and those that are attached, of the worst run first."""
        attached: list[Attachment] = []
        papers = {}
        for run in self._worst_first():
            room = self._order.mail.most_attached - sum(len(file.content) for file in attached)
            name = f"{run.summary.report.id}-{night_of(run.summary)}.pdf"
            if any(file.name == name for file in attached):  # another run of the same night
                name = f"{run.summary.report.id}-{run.summary.run.id}.pdf"
            papers[run.folder], file = self._paper(run, editions, room, name)
            attached += [] if file is None else [file]
        return papers, attached

    def _paper(
        self, run: Run, editions: Sequence[str], room: int, name: str
    ) -> tuple[Paper, Attachment | None]:
        document = run.summary.documents.get("pdf")
        if document is None or not self._order.mail.attach_pdf:
            return Paper(), None
        if not document.file:
            why = document.error.message if document.error else "it is not there"
            return Paper(place=f"The PDF could not be made: {why}"), None
        path = run.folder / document.file
        try:
            whole = read_own(run.folder, document.file)
        except OSError as error:
            return Paper(place=f"The PDF could not be read: {error.strerror}."), None
        if not whole.startswith(b"%PDF-"):
            return Paper(place="The PDF could not be read: it is none."), None
        for edition in editions:
            content = whole if edition == "whole" else self._smaller(run, whole)
            if len(content) <= room:
                small = content is not whole
                return Paper(name, size_of(content), small), Attachment(name, content)
        digest = sha256(whole).hexdigest()
        return Paper(size=size_of(whole), sha256=digest, place=str(path)), None

    def _smaller(self, run: Run, whole: bytes) -> bytes:
        """Give a smaller PDF; the whole one when none can be made."""
        if run.folder not in self._small:
            try:
                self._small[run.folder] = self._shrink(run.folder, run.summary)
            except ReportgenError as error:
                self._note(DeliveryError(f"the PDF could not be made smaller: {error.message}"))
                self._small[run.folder] = whole
        return min(self._small[run.folder], whole, key=len)
