"""The subject of a mail and the links in it: the verdict of a run in a few words."""

import math
from collections.abc import Sequence
from urllib.parse import quote

from reportgen.config.columns import Column
from reportgen.config.deliver import LinksBlock
from reportgen.deliver.errors import DeliveryError
from reportgen.numbers import counted, number
from reportgen.quality.checks.verdicts import count_checks, verdict_sentence, worst_check
from reportgen.summary import STATUSES, CheckRecord, MetricRecord, SectionRecord, Status, Summary

WORDS: dict[Status, str] = {"ok": "OK", "warn": "WARN", "fail": "FAIL", "error": "ERROR"}
MARKS: dict[Status, str] = {"ok": "✓", "warn": "▲", "fail": "✗", "error": "■"}

SUBJECT = (
    "[{{ report.id }}] {{ verdict }}{% if highlight %} · {{ highlight }}{% endif %}"
    "{% if run.synthetic %} · synthetic data{% endif %}"
    "{% if run.only %} · partial{% endif %} · {{ night }}"
)
LONGEST_SUBJECT = 200  # characters; a phone shows forty
LONGEST_HIGHLIGHT = 60
_JOINERS = "\u200c\u200d"  # within Persian words, and within one emoji of several
_SMALLEST_CHANGE = 0.005  # a change that would read as 0 %
_LARGEST_CHANGE = 10.0  # beyond it, per cent say little


def night_of(summary: Summary) -> str:
    """Give the date of a run, UTC, ISO 8601."""
    return summary.run.started[:10]


def verdict_words(summary: Summary) -> str:
    """Give the verdict as a subject has it: ``FAIL 2 of 31 checks``."""
    status, total = summary.run.status, len(summary.sections)
    word, counts = WORDS[status], count_checks(summary)
    if status == "ok":
        return f"{word} {counted(counts.made, 'checks') if counts.made else _sections(total)}"
    affected = sum(section.status == status for section in summary.sections)
    if status == "error" and affected:
        return f"{word} {affected} of {_sections(total)}"
    if status == "error":
        missing = [form.upper() for form, document in summary.documents.items() if document.error]
        unread = sum(bool(record.error) for record in summary.inputs)
        what = (
            f"{counted(unread, 'sources')} unreadable" if unread else f"no {' and '.join(missing)}"
        )
        return f"{word} {what}"
    concerned = counts.fail if status == "fail" else counts.warn
    if not concerned and not affected:
        concerned = counts.error  # of the whole run, whose budgets could not be checked
    if concerned:
        return f"{word} {concerned} of {counted(counts.made, 'checks')}"
    return f"{word} {affected} of {_sections(total)}"


def _sections(n: int) -> str:
    return counted(n, "sections")


def highlight(summary: Summary) -> str:
    """Give what matters most in a few words: ``median 24 μm flux +18 %``; empty when all is ok."""
    broken = [section for section in summary.sections if section.status == "error"]
    found = worst_check(summary)
    if broken:
        return _cut(broken[0].title, LONGEST_HIGHLIGHT)
    return "" if found is None else _of_check(summary, *found)


def _of_check(summary: Summary, section: SectionRecord | None, check: CheckRecord) -> str:
    if section is None:
        return _cut(check.label, LONGEST_HIGHLIGHT)
    metric = section.metrics.get(check.metric)
    if metric is None:
        return _cut(f"{section.title}: {check.label}", LONGEST_HIGHLIGHT)
    said = _value(metric, check)
    # What it is may be cut short; how much it is must not.
    return f"{_cut(full_label(summary, section, metric), LONGEST_HIGHLIGHT - len(said) - 1)} {said}"


def _value(metric: MetricRecord, check: CheckRecord) -> str:
    if metric.value is None:
        return "missing"
    change = _change(metric, check)
    if change is not None and _SMALLEST_CHANGE <= abs(change) <= _LARGEST_CHANGE:
        return f"{100 * change:+.0f}\u00a0%".replace("-", "−")
    return Column("", unit=metric.unit).quantity(number(metric.value, metric.digits))


def full_label(summary: Summary, section: SectionRecord, metric: MetricRecord) -> str:
    """Give the label of a number, behind its section's title where it does not say enough alone.

    The median of a section on one column is called "median", whatever column that is.
    """
    of_sections = sum(
        any(other.label == metric.label for other in each.metrics.values())
        for each in summary.sections
    )
    if of_sections == 1 and " " in metric.label:
        return metric.label
    return f"{section.title}: {metric.label}"


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: max(most, 1) - 1].rstrip()}…"


def _change(metric: MetricRecord, check: CheckRecord) -> float | None:
    """Give the change as a fraction: from what the check compares with, else from last night."""
    past = metric.past[-1].value if metric.past else None
    base = check.target if check.target is not None else past
    if base is None or base == 0 or metric.value is None or (base < 0) != (metric.value < 0):
        return None
    change = (metric.value - base) / abs(base)
    return change if math.isfinite(change) else None


def fill_template(template: str, summary: Summary) -> str:
    """Fill a template of the configuration; give one line.

    Raises DeliveryError when it asks for what is not there. It runs in Jinja2's sandbox, as it
    comes with the run folder.
    """
    from jinja2 import StrictUndefined
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    # A header is no HTML: what is put into a page is escaped there.
    environment = ImmutableSandboxedEnvironment(autoescape=False, undefined=StrictUndefined)
    counts = count_checks(summary)
    # Plain values: the objects of a record have methods that read files.
    values = {
        "report": summary.report.model_dump(),
        "run": summary.run.model_dump(),
        "night": night_of(summary),
        "status": summary.run.status,
        "verdict": verdict_words(summary),
        "sentence": verdict_sentence(summary),
        "highlight": highlight(summary),
        "checks": {**vars(counts), "made": counts.made},
        "sections": [{"id": s.id, "title": s.title, "status": s.status} for s in summary.sections],
    }
    try:
        text = environment.from_string(template).render(values)
    except Exception as error:  # whatever a template does wrong
        said = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        raise DeliveryError(f"the template {template!r} cannot be filled: {said}") from None
    return one_line(text)


def one_line(text: str) -> str:
    """Give a text without line breaks and other control characters, which could end a header."""
    text = text.replace("\u00a0", " ")
    plain = "".join(sign if sign.isprintable() or sign in _JOINERS else " " for sign in text)
    return " ".join(plain.split())


def subject_of(summary: Summary, template: str | None) -> str:
    """Give the subject of the mail of one run. Raises DeliveryError for the template."""
    text = fill_template(template or SUBJECT, summary)
    return _cut(text, LONGEST_SUBJECT)


def digest_subject(summaries: Sequence[Summary], name: str, absent: int = 0) -> str:
    """Give the subject of the mail of several runs: ``[fields] FAIL 1 of 3 reports · …``.

    absent: how many reports could not be made at all.
    """
    worst = max(summaries, key=lambda summary: STATUSES.index(summary.run.status))
    status = worst.run.status
    alike = sum(summary.run.status == status for summary in summaries)
    many = counted(len(summaries) + absent, "reports")
    if absent:
        said = [f"[{name}] {WORDS['error']} {absent} of {many} not made"]
    else:
        said = [f"[{name}] {WORDS[status]} {many if status == 'ok' else f'{alike} of {many}'}"]
    if status != "ok":
        said.append(f"{worst.report.id}: {verdict_words(worst)}")
    if any(summary.run.synthetic for summary in summaries):
        said.append("synthetic data")
    nights = sorted({night_of(summary) for summary in summaries})
    said.append(nights[0] if len(nights) == 1 else f"{nights[0]} to {nights[-1]}")
    text = one_line(" · ".join(said))
    return _cut(text, LONGEST_SUBJECT)


class Links:
    """Addresses of the documents of a run; empty where none is known.

    problems: what is wrong with the templates of those that could not be made.
    """

    def __init__(self, block: LinksBlock | None, summary: Summary) -> None:
        self.problems: list[DeliveryError] = []
        self.report = self.pdf = self.index = ""
        if block is None:
            return
        self.report = self._filled("report", block.report, summary)
        self.pdf = self._filled("pdf", block.pdf, summary)
        self.index = self._filled("index", block.index, summary)
        if not self.pdf and self.report.endswith("report.html"):
            self.pdf = f"{self.report.removesuffix('html')}pdf"

    @property
    def known(self) -> dict[str, str]:
        """Give those addresses that are known, by what they lead to."""
        named = {"report": self.report, "pdf": self.pdf, "index": self.index}
        return {key: address for key, address in named.items() if address}

    def _filled(self, key: str, template: str | None, summary: Summary) -> str:
        if template is None:
            return ""
        try:
            return web_address(fill_template(template, summary))
        except DeliveryError as error:
            said = f"deliver.links.{key}: {error.message}"
            self.problems.append(DeliveryError(said, error.hint))
            return ""


def web_address(text: str) -> str:
    """Check that a link is one for a browser. Raises DeliveryError: a mail must not hold others."""
    if not text.startswith(("https://", "http://")) or " " in text:
        raise DeliveryError(f"{text!r} is no web address", "it should start with https://")
    return quote(text, safe="%:/?#[]@!$&'*+,;=~-._")  # what chats take for markup is not
