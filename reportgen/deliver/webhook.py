"""Posts the verdict of a run as JSON to a chat or a service."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from reportgen.config.deliver import WebhookBlock, is_local
from reportgen.config.secrets import WEBHOOK_URL
from reportgen.deliver.mail_view import Absent, MailedRun
from reportgen.deliver.secrets import read_secret, without_secrets
from reportgen.deliver.subject import MARKS, WORDS
from reportgen.deliver.transport import (
    DeliveryError,
    MessageFor,
    Receipt,
    RefusedError,
    TemporaryError,
    one_line,
    require_certificates,
    retry,
    within,
)
from reportgen.quality.checks.verdicts import count_checks
from reportgen.wording import clip

FORMAT = "reportgen-verdict/1"
MOST_LINES = 10
LONGEST_TEXT = 3500  # characters; Slack cuts at 4,000, Mattermost at 16,383
MOST_READ = 4000  # bytes of an answer
MOST_TIMEOUTS = 3  # of one answer: so long may a whole conversation take
LONGEST_ANSWER = 300  # characters of it in an error
_TEMPORARY = frozenset({408, 425, 429, 500, 502, 503, 504})
_OF_MESSAGE = frozenset({400, 413, 415, 422})


def verdict_message(block: WebhookBlock, subject: str, run: MailedRun) -> bytes:
    """Return the JSON on a run for a kind of receiver."""
    record, counts = run.summary.run, count_checks(run.summary)
    values = {
        "format": FORMAT,
        "subject": subject,
        "status": record.status,
        "sentence": run.view.verdict,
        "report": run.summary.report.model_dump(include={"id", "title", "field"}),
        "run": {
            "id": record.id,
            "started": record.started,
            "seconds": record.seconds,
            "partial": bool(record.only),
            "synthetic": bool(record.synthetic),
        },
        "checks": {**vars(counts), "made": counts.made},
        "attention": [
            {key: getattr(line, key) for key in ("status", "title", "text", "target")}
            for line in run.view.attention
        ],
        "changes": [
            change.model_dump(include={"text", "status", "section"})
            for since in run.view.since
            for change in (*since.first, *since.rest)
        ],
        "links": run.links.known,
    }
    notes = [f"Synthetic data. {' '.join(record.synthetic)}"] * bool(record.synthetic)
    return _message(block, values, notes)


def notice_message(block: WebhookBlock, subject: str, name: str, absent: Sequence[Absent]) -> bytes:
    """Return the JSON that says that there is no report. name: of the report, or of all of them."""
    values = {
        "format": FORMAT,
        "subject": subject,
        "status": "error",
        "sentence": "There is no report.",
        "report": {"id": name},
        "attention": [{"status": "error", "title": one.name, "text": one.why} for one in absent],
        "links": {},
    }
    return _message(block, values)


def _message(block: WebhookBlock, values: Mapping[str, Any], notes: Sequence[str] = ()) -> bytes:
    """Return the JSON for a service, or for a chat the text that says the same."""
    if block.kind != "generic":
        values = {"text": _text(values, notes, _MARKUP[block.kind])}
    return json.dumps(values, ensure_ascii=False).encode()


@dataclass(frozen=True)
class _Markup:
    """How a chat writes what must not be taken for markup, bold text, and links."""

    escapes: Mapping[str, str]
    bold: str
    link: str

    def escape(self, text: str) -> str:
        return "".join(self.escapes.get(sign, sign) for sign in " ".join(text.split()))


_MARKDOWN = {sign: f"\\{sign}" for sign in "\\`*_{}[]<>()#+-.!|~"}
_MARKUP: Mapping[str, _Markup] = {
    # https://docs.slack.dev/messaging/formatting-message-text
    "slack": _Markup({"&": "&amp;", "<": "&lt;", ">": "&gt;"}, "*{}*", "<{address}|{text}>"),
    # A space of no width: a title must not call the whole channel.
    "mattermost": _Markup({**_MARKDOWN, "@": "@\u200b"}, "**{}**", "[{text}]({address})"),
}


def _text(values: Mapping[str, Any], notes: Sequence[str], markup: _Markup) -> str:
    lines = [f"{MARKS[values['status']]} {markup.bold.format(markup.escape(values['subject']))}"]
    lines += [markup.escape(line) for line in (values["sentence"], *notes)]
    attention = values["attention"]
    for line in attention[:MOST_LINES]:
        said = markup.escape(f"{line['title']}: {line['text']}")
        lines.append(f"• {MARKS[line['status']]} {WORDS[line['status']]} {said}")
    if len(attention) > MOST_LINES:
        lines.append(f"• {len(attention) - MOST_LINES} more in the report")
    end = ""
    if address := values["links"].get("report"):
        end = "\n" + markup.link.format(address=address, text="Open the full report")
    return clip("\n".join(lines), LONGEST_TEXT - len(end)) + end


@dataclass(frozen=True)
class Webhook:
    """Where verdicts go. environment: where the address is, which is a secret."""

    settings: WebhookBlock
    environment: Mapping[str, str] = field(repr=False)

    def send(self, message_for: MessageFor, sender: str, recipients: Sequence[str]) -> Receipt:
        """Post a message; recipients: what the receiver is called."""
        variable = self.settings.variable or WEBHOOK_URL
        address = read_secret(variable, self.environment)
        host, content = _host(address, variable), message_for(None)
        retry(
            lambda: self._post(address, host, content), self.settings.attempts, self.settings.wait
        )
        return Receipt(accepted=[*recipients])

    def _post(self, address: str, host: str, content: bytes) -> None:
        seconds = MOST_TIMEOUTS * self.settings.timeout
        try:
            within(seconds, lambda: self._converse(address, host, content))
        except TimeoutError:  # a timeout of the connection is of each piece that arrives
            said = f"{host}: it did not come to an end within {seconds:g} s"
            raise TemporaryError(said) from None

    def _converse(self, address: str, host: str, content: bytes) -> None:
        import urllib3

        try:
            with _pool(self.settings, address) as pool:
                response = pool.request(
                    "POST",
                    address,
                    body=content,
                    headers={"Content-Type": "application/json", "User-Agent": "reportgen"},
                    redirect=False,
                    retries=False,
                    timeout=self.settings.timeout,
                    preload_content=False,  # it may be endless
                )
                is_fine = 200 <= response.status < 300
                answer = b"" if is_fine else response.read(MOST_READ)
                response.close()
        except urllib3.exceptions.SSLError as error:
            hint = "check the address; for an authority of your own give deliver.webhook.ca_file"
            said = without_secrets(f"{host}: no trust: {error}", [address])
            raise DeliveryError(said, hint) from None
        except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
            said = without_secrets(f"{host}: no connection: {error}", [address])
            raise TemporaryError(said) from None
        if not is_fine:
            words = one_line(answer.decode("utf-8", "replace"))
            answer_text = without_secrets(words, [address])[:LONGEST_ANSWER]
            kind = _error_kind(response.status)
            raise kind(f"{host} answered {response.status} {answer_text}".rstrip())


def _host(address: str, variable: str) -> str:
    """Return the host of an address; DeliveryError, without the address, if it will not do."""
    try:
        parts = urlsplit(address)
        host = parts.hostname or ""
    except ValueError:
        host = ""
    hint = "it should start with https://"
    if not host or parts.scheme not in {"https", "http"}:
        raise DeliveryError(f"{variable} holds no web address", hint)
    if parts.scheme == "http" and not is_local(host):
        raise DeliveryError(f"{variable} holds an address without encryption", hint)
    return host


def _error_kind(status: int) -> type[DeliveryError]:
    if status in _TEMPORARY:
        return TemporaryError
    return RefusedError if status in _OF_MESSAGE else DeliveryError


def _pool(settings: WebhookBlock, address: str) -> Any:
    """Return what connects to an address, through the proxy of the environment if there is one."""
    import urllib3

    options: dict[str, Any] = {"cert_reqs": "CERT_REQUIRED"}
    if settings.ca_file is not None:
        require_certificates(settings.ca_file, "deliver.webhook.ca_file")
        options["ca_certs"] = str(settings.ca_file)
    parts = urlsplit(address)
    proxy = None if proxy_bypass(str(parts.hostname)) else getproxies().get(parts.scheme)
    return urllib3.ProxyManager(proxy, **options) if proxy else urllib3.PoolManager(**options)
