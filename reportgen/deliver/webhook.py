"""The verdict of a run as JSON, for a chat or a service."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from reportgen.config.deliver import WebhookBlock, is_local
from reportgen.config.secrets import WEBHOOK_URL
from reportgen.deliver.contents import Absent, Told
from reportgen.deliver.errors import DeliveryError, RefusedError, TemporaryError
from reportgen.deliver.secrets import read_secret, without_secrets
from reportgen.deliver.transport import Patience
from reportgen.deliver.wording import MARKS, WORDS

FORMAT = "reportgen-verdict/1"
MOST_LINES = 10
LONGEST_TEXT = 3500  # characters; Slack cuts at 4,000, Mattermost at 16,383
MOST_READ = 4000  # bytes of an answer
MOST_SAID = 300  # characters of it in an error
_LATER = frozenset({408, 425, 429, 500, 502, 503, 504})
_OF_MESSAGE = frozenset({400, 413, 415, 422})


def message(block: WebhookBlock, subject: str, told: Told) -> bytes:
    """Give the JSON for a kind of receiver."""
    if block.kind == "generic":
        values = verdict(subject, told)
    else:
        values = {"text": _text(subject, told, _SIGNS[block.kind])}
    return json.dumps(values, ensure_ascii=False).encode()


def notice(block: WebhookBlock, subject: str, name: str, absent: Sequence[Absent]) -> bytes:
    """Give the JSON that says that there is no report. name: of the report, or of all of them."""
    if block.kind == "generic":
        values: dict[str, Any] = {
            "format": FORMAT,
            "subject": subject,
            "status": "error",
            "sentence": "There is no report.",
            "report": {"id": name},
            "attention": [
                {"status": "error", "title": one.name, "text": one.said} for one in absent
            ],
        }
    else:
        signs = _SIGNS[block.kind]
        lines = [f"{MARKS['error']} {signs.bold.format(signs.plain(subject))}"]
        lines += [signs.plain(f"{one.name}: {one.said}") for one in absent[:MOST_LINES]]
        values = {"text": "\n".join(lines)[:LONGEST_TEXT]}
    return json.dumps(values, ensure_ascii=False).encode()


def verdict(subject: str, told: Told) -> dict[str, Any]:
    """Give the verdict as plain values, for whoever has a service of their own."""
    from reportgen.quality.checks.verdicts import count_checks

    summary, counts = told.summary, count_checks(told.summary)
    return {
        "format": FORMAT,
        "subject": subject,
        "status": summary.run.status,
        "sentence": told.view.verdict,
        "report": {key: getattr(summary.report, key) for key in ("id", "title", "field")},
        "run": {
            "id": summary.run.id,
            "started": summary.run.started,
            "seconds": summary.run.seconds,
            "partial": bool(summary.run.only),
            "synthetic": bool(summary.run.synthetic),
        },
        "checks": {**vars(counts), "made": counts.made},
        "attention": [
            {"status": line.status, "title": line.title, "text": line.text, "target": line.target}
            for line in told.view.attention
        ],
        "changes": [
            {"text": change.text, "status": change.status, "section": change.section}
            for since in told.view.since
            for change in (*since.first, *since.rest)
        ],
        "links": told.links.known,
    }


@dataclass(frozen=True)
class _Signs:
    """How a chat writes what must not be taken for markup, bold text, and links."""

    escaped: Mapping[str, str]
    bold: str
    link: str

    def plain(self, text: str) -> str:
        return "".join(self.escaped.get(sign, sign) for sign in " ".join(text.split()))


_MARKDOWN = {sign: f"\\{sign}" for sign in "\\`*_{}[]<>()#+-.!|~"}
_SIGNS: Mapping[str, _Signs] = {
    # https://docs.slack.dev/messaging/formatting-message-text
    "slack": _Signs({"&": "&amp;", "<": "&lt;", ">": "&gt;"}, "*{}*", "<{address}|{text}>"),
    # A space of no width: a title must not call the whole channel.
    "mattermost": _Signs({**_MARKDOWN, "@": "@\u200b"}, "**{}**", "[{text}]({address})"),
}


def _text(subject: str, told: Told, signs: _Signs) -> str:
    summary = told.summary
    lines = [f"{told.mark} {signs.bold.format(signs.plain(subject))}"]
    lines.append(signs.plain(told.view.verdict))
    if summary.run.synthetic:
        lines.append(signs.plain(f"Synthetic data. {' '.join(summary.run.synthetic)}"))
    attention = [
        f"• {MARKS[line.status]} {WORDS[line.status]} {signs.plain(f'{line.title}: {line.text}')}"
        for line in told.view.attention
    ]
    lines += attention[:MOST_LINES]
    if len(attention) > MOST_LINES:
        lines.append(f"• {len(attention) - MOST_LINES} more in the report")
    end = ""
    if told.links.report:
        end = "\n" + signs.link.format(address=told.links.report, text="Open the full report")
    said = "\n".join(lines)
    if len(said) + len(end) > LONGEST_TEXT:
        said = f"{said[: LONGEST_TEXT - len(end) - 1].rstrip()}…"
    return said + end


@dataclass(frozen=True)
class Webhook:
    """Where verdicts go. environment: where the address is, which is a secret."""

    settings: WebhookBlock
    environment: Mapping[str, str] = field(repr=False)

    def post(self, content: bytes) -> None:
        """Post a message.

        Raises TemporaryError, RefusedError for a message that is not taken, and DeliveryError.
        """
        settings = self.settings
        variable = settings.variable or WEBHOOK_URL
        address = read_secret(variable, self.environment)
        host = _host(address, variable)
        patience = Patience(settings.attempts, settings.wait)
        patience.try_again(lambda: self._once(address, host, content))

    def _once(self, address: str, host: str, content: bytes) -> None:
        import urllib3

        try:
            with _pool(self.settings, address) as pool:
                answer = pool.request(
                    "POST",
                    address,
                    body=content,
                    headers={"Content-Type": "application/json", "User-Agent": "reportgen"},
                    redirect=False,
                    retries=False,
                    timeout=self.settings.timeout,
                    preload_content=False,  # it may be endless
                )
                said = _beginning(answer)
        except urllib3.exceptions.SSLError as error:
            hint = "check the address; for an authority of your own give deliver.webhook.ca_file"
            said = without_secrets(f"{host}: no trust: {error}", [address])
            raise DeliveryError(said, hint) from None
        except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
            said = without_secrets(f"{host}: no connection: {error}", [address])
            raise TemporaryError(said) from None
        if 200 <= answer.status < 300:
            return
        told = without_secrets(said, [address])[:MOST_SAID]
        raise _kind(answer.status)(f"{host} answered {answer.status} {told}".rstrip())


def _beginning(answer: Any) -> str:
    """Give what an answer begins with, in one line; empty when it is fine."""
    try:
        read = b"" if 200 <= answer.status < 300 else answer.read(MOST_READ)
    finally:
        answer.close()
    return " ".join(read.decode("utf-8", "replace").split())


def _host(address: str, variable: str) -> str:
    """Give the host of an address; DeliveryError, without the address, for one that will not do."""
    try:
        parts = urlsplit(address)
        host = parts.hostname or ""
    except ValueError:
        host = ""
    if not host or parts.scheme not in {"https", "http"}:
        raise DeliveryError(f"{variable} holds no web address", "it should start with https://")
    if parts.scheme == "http" and not is_local(host):
        raise DeliveryError(
            f"{variable} holds an address without encryption", "it should start with https://"
        )
    return host


def _kind(status: int) -> type[DeliveryError]:
    if status in _LATER:
        return TemporaryError
    return RefusedError if status in _OF_MESSAGE else DeliveryError


def _pool(settings: WebhookBlock, address: str) -> Any:
    """Give what connects to an address, through the proxy of the environment if there is one."""
    from urllib.request import getproxies, proxy_bypass

    import urllib3

    given: dict[str, Any] = {"cert_reqs": "CERT_REQUIRED"}
    if settings.ca_file is not None:
        given["ca_certs"] = str(settings.ca_file)
    parts = urlsplit(address)
    proxy = None if proxy_bypass(str(parts.hostname)) else getproxies().get(parts.scheme)
    return urllib3.ProxyManager(proxy, **given) if proxy else urllib3.PoolManager(**given)
