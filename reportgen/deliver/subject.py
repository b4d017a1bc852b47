"""The subject of a mail and the links in it: the verdict of a run in a few words."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import quote

from reportgen.config import templates
from reportgen.config.deliver import LinksBlock
from reportgen.deliver.transport import DeliveryError, one_line
from reportgen.quality.checks.verdicts import (
    count_checks,
    full_label,
    verdict_sentence,
    worst_check,
)
from reportgen.quality.quantities import quantity, relative_change, signed_change
from reportgen.record import STATUSES, CheckRecord, MetricRecord, Status, Summary
from reportgen.wording import clip, counted

WORDS: dict[Status, str] = {"ok": "OK", "warn": "WARN", "fail": "FAIL", "error": "ERROR"}
MARKS: dict[Status, str] = {"ok": "✓", "warn": "▲", "fail": "✗", "error": "■"}

SUBJECT = (
    "[{{ report.id }}] {{ verdict }}{% if highlight %} · {{ highlight }}{% endif %}"
    "{% if run.synthetic %} · synthetic data{% endif %}"
    "{% if run.only %} · partial{% endif %}{% if run.most_rows %} · draft{% endif %}"
    " · {{ night }}"
)
LONGEST_SUBJECT = 200  # characters; a phone shows forty
LONGEST_HIGHLIGHT = 60
_SMALLEST_CHANGE = 0.005  # a change that would read as 0 %
_LARGEST_CHANGE = 10.0  # beyond it, per cent say little


def subject_of(summary: Summary, template: str | None = None) -> str:
    """Return the subject of the mail of one run. Raises DeliveryError for the template."""
    return clip(fill_template(template or SUBJECT, summary), LONGEST_SUBJECT)


def digest_subject(summaries: Sequence[Summary], name: str, absent: int = 0) -> str:
    """Return the subject of the mail of several runs: ``[fields] FAIL 1 of 3 reports · …``.

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
    return clip(one_line(" · ".join(said)), LONGEST_SUBJECT)


def night_of(summary: Summary) -> str:
    """Return the date of a run, UTC, ISO 8601."""
    return summary.run.started[:10]


def verdict_words(summary: Summary) -> str:
    """Return the verdict as a subject has it: ``FAIL 2 of 31 checks``."""
    status, counts = summary.run.status, count_checks(summary)
    word, sections = WORDS[status], counted(len(summary.sections), "sections")
    affected = sum(section.status == status for section in summary.sections)
    if status == "ok":
        return f"{word} {counted(counts.made, 'checks') if counts.made else sections}"
    if status == "error" and not affected:
        if unread := sum(bool(record.error) for record in summary.inputs):
            return f"{word} {counted(unread, 'sources')} unreadable"
        missing = [form.upper() for form, document in summary.documents.items() if document.error]
        return f"{word} no {' and '.join(missing)}"
    concerned = {"error": 0, "fail": counts.fail, "warn": counts.warn}[status]
    if not concerned and not affected:
        concerned = counts.error  # of the whole run, whose budgets could not be checked
    if concerned:
        return f"{word} {concerned} of {counted(counts.made, 'checks')}"
    if not affected and any(document.notices for document in summary.documents.values()):
        return f"{word} characters missing in the PDF"
    return f"{word} {affected} of {sections}"


def highlight(summary: Summary) -> str:
    """Return what matters most: ``median 24 μm flux +18 %``; empty when all is ok."""
    broken = [section.title for section in summary.sections if section.status == "error"]
    if broken:
        return clip(broken[0], LONGEST_HIGHLIGHT)
    section, check = worst_check(summary) or (None, None)
    if check is None:
        return ""
    if section is None:
        return clip(check.label, LONGEST_HIGHLIGHT)
    metric = section.metrics.get(check.metric)
    if metric is None:
        return clip(f"{section.title}: {check.label}", LONGEST_HIGHLIGHT)
    said = _value(metric, check)
    # What it is may be cut short; how much it is must not.
    return f"{clip(full_label(summary, section, metric), LONGEST_HIGHLIGHT - len(said) - 1)} {said}"


def _value(metric: MetricRecord, check: CheckRecord) -> str:
    """Return a number as a change from what its check compares with, else from last night."""
    if metric.value is None:
        return "missing"
    base = check.target
    if base is None and metric.past:
        base = metric.past[-1].value
    change = None if base is None else relative_change(base, metric.value)
    if base is not None and change and _SMALLEST_CHANGE <= abs(change) <= _LARGEST_CHANGE:
        return signed_change(base, metric.value, metric.unit, metric.digits)
    return quantity(metric.value, metric.unit, metric.digits)


def fill_template(template: str, summary: Summary) -> str:
    """Fill a template of the configuration; return one line.

    Raises DeliveryError when it asks for what is not there.
    """
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
        text = templates.fill_template(template, values)
    except ValueError as error:
        raise DeliveryError(f"the template {template!r} cannot be filled: {error}") from None
    return one_line(text)


@dataclass(frozen=True)
class Links:
    """Addresses of the documents of a run; empty where none is known.

    problems: what is wrong with the templates of those that could not be made.
    """

    report: str = ""
    pdf: str = ""
    index: str = ""
    problems: list[DeliveryError] = field(default_factory=list)

    @property
    def known(self) -> dict[str, str]:
        """Those addresses that are known, by what they lead to."""
        named = {"report": self.report, "pdf": self.pdf, "index": self.index}
        return {key: address for key, address in named.items() if address}


def links_of(block: LinksBlock | None, summary: Summary) -> Links:
    """Return the links of a run; the PDF lies beside the report unless it is said where."""
    found: dict[str, str] = {}
    problems = []
    for key, template in block.model_dump(exclude_none=True).items() if block else ():
        try:
            found[key] = _web_address(fill_template(template, summary))
        except DeliveryError as error:
            problems.append(DeliveryError(f"deliver.links.{key}: {error.message}", error.hint))
    report = found.get("report", "")
    if not found.get("pdf") and report.endswith("report.html"):
        found["pdf"] = f"{report.removesuffix('html')}pdf"
    return Links(**found, problems=problems)


def _web_address(text: str) -> str:
    """Check that a link is one for a browser. Raises DeliveryError: a mail must not hold others."""
    if not text.startswith(("https://", "http://")) or " " in text:
        raise DeliveryError(f"{text!r} is no web address", "it should start with https://")
    return quote(text, safe="%:/?#[]@!$&'*+,;=~-._")  # what chats take for markup is not
