import json
import time
from contextlib import suppress

import pytest
from mail_servers import free_port, raw_server
from mailed_runs import budget, change, change_section, check, mailed_run
from web_servers import web_server

from reportgen.config.deliver import LinksBlock, WebhookBlock
from reportgen.deliver.mail_view import Absent, run_view
from reportgen.deliver.recipients import read_runs
from reportgen.deliver.transport import DeliveryError, RefusedError, TemporaryError
from reportgen.deliver.webhook import (
    LONGEST_ANSWER,
    LONGEST_TEXT,
    Webhook,
    notice_message,
    verdict_message,
)

SUBJECT = "[cdfs] FAIL 1 of 2 checks"
LINKS = LinksBlock(report="https://x.org/{{ run.id }}/report.html")
REPORT = "https://x.org/20260901T020000Z/report.html"


@pytest.fixture
def run(tmp_path):
    return mailed_run(tmp_path, status="fail")


def body(folder, kind):
    (run,) = read_runs([folder])
    return json.loads(verdict_message(WebhookBlock(kind=kind), SUBJECT, run_view(run, LINKS)))


def post(address, content=b"{}", **keys):
    settings = WebhookBlock(**{"attempts": 1, "wait": 0.001, "timeout": 5.0, **keys})
    hook = Webhook(settings, {"REPORTGEN_WEBHOOK_URL": address})
    return hook.send(lambda _: content, "", ["the webhook"])


def test_a_service_gets_the_verdict_as_values(run):
    change(run, checks=(budget(),))
    found = body(run, "generic")
    assert found["format"] == "reportgen-verdict/1"
    assert (found["subject"], found["status"]) == (SUBJECT, "fail")
    assert found["report"] == {"id": "cdfs", "title": "Deep Field", "field": "CDFS"}
    assert found["run"]["id"] == "20260901T020000Z"
    assert {key: found["checks"][key] for key in ("fail", "warn", "made")} == {
        "fail": 1,
        "warn": 1,
        "made": 3,
    }
    said = "Median flux is 118 mag, above the limit of 110 mag."
    assert [tuple(line.values()) for line in found["attention"]] == [
        ("fail", "Fluxes", said, "section-fluxes"),
        ("warn", "Budgets", budget().message, "budgets"),
    ]
    assert found["changes"][0]["text"] == "Median flux moved from 100 to 118 mag."
    assert found["links"] == {"report": REPORT, "pdf": REPORT.replace("html", "pdf")}


def test_slack_gets_its_markup_and_no_mention_of_ours(run):
    change_section(run, title="<!channel> & <b>")
    found = body(run, "slack")["text"]
    assert found.startswith(f"✗ *{SUBJECT}*\n1 check failed")
    assert "FAIL &lt;!channel&gt; &amp; &lt;b&gt;: Median" in found
    assert "<!" not in found
    assert found.endswith(f"<{REPORT}|Open the full report>")


def test_mattermost_gets_markdown_and_calls_nobody(run):
    change_section(run, title="@channel [x](http://evil.org) **b**")
    found = body(run, "mattermost")["text"]
    assert found.startswith("✗ **\\[cdfs\\] FAIL 1 of 2 checks**")
    assert "@\u200bchannel \\[x\\]\\(http://evil\\.org\\) \\*\\*b\\*\\*" in found
    assert found.endswith(f"[Open the full report]({REPORT})")


@pytest.mark.parametrize("kind", ["slack", "mattermost"])
def test_a_chat_gets_no_more_than_it_shows(run, kind):
    checks = tuple(check("fail", n=n, message=f"{n} {'is wrong ' * 60}") for n in range(40))
    change_section(run, checks=checks)
    found = body(run, kind)["text"]
    assert len(found) <= LONGEST_TEXT
    assert "report.html" in found
    short = tuple(check("fail", n=n, message=f"{n} is wrong") for n in range(40))
    change_section(run, checks=short)
    assert "30 more in the report" in body(run, kind)["text"]


def test_a_night_without_a_report_is_an_error():
    absent = [Absent("cdfs", "The disk is full.")]
    for kind in ("generic", "slack"):
        content = notice_message(WebhookBlock(kind=kind), "[cdfs] ERROR", "cdfs", absent)
        assert b"There is no report." in content
        assert b"The disk is full." in content


def test_a_message_is_posted_as_json():
    with web_server() as site:
        assert post(site.address, '{"text": "µ"}'.encode()).accepted == ["the webhook"]
    ((path, headers, content),) = site.requests
    assert path == "/hooks/secret-path"
    assert headers["Content-Type"] == "application/json"
    assert json.loads(content) == {"text": "µ"}


def test_an_answer_to_come_again_is_heeded():
    with web_server((503, "busy"), (429, "too many"), (204, "")) as site:
        post(site.address, attempts=3)
    assert len(site.requests) == 3


@pytest.mark.parametrize(
    ("status", "kind"), [(400, RefusedError), (404, DeliveryError), (302, DeliveryError)]
)
def test_other_answers_end_it_at_once_without_the_address(status, kind):
    with web_server((status, "no /hooks/secret-path", {"Location": "http://evil.org"})) as site:
        with pytest.raises(DeliveryError, match=f"^localhost answered {status} no •••$") as caught:
            post(site.address, attempts=3)
        assert len(site.requests) == 1
    assert type(caught.value) is kind


def test_an_answer_without_an_end_is_read_no_further_than_it_is_told():
    def endless(connection):
        connection.recv(10_000)
        connection.sendall(b"HTTP/1.1 404 no\r\n\r\n")
        with suppress(OSError):
            while True:
                connection.sendall(b"x" * 1000)

    with raw_server(endless) as (port, count):
        with pytest.raises(DeliveryError, match=f"answered 404 x{{{LONGEST_ANSWER}}}$"):
            post(f"http://localhost:{port}/x", attempts=3)
        assert len(count) == 1


def test_a_server_that_answers_a_letter_at_a_time_is_given_up():
    """Each letter comes in time, as a piece of a header that goes on for two seconds."""

    def drip(connection):
        connection.recv(10_000)
        connection.sendall(b"HTTP/1.1 200 fine\r\nX: ")
        with suppress(OSError):
            for _ in range(100):
                connection.sendall(b"x")
                time.sleep(0.02)

    with raw_server(drip) as (port, _):
        said = "^localhost: it did not come to an end within 0.6 s$"
        with pytest.raises(TemporaryError, match=said):
            post(f"http://localhost:{port}/x", attempts=1, timeout=0.2)


def test_a_server_that_is_not_there_or_never_answers_is_temporary_and_its_address_secret():
    with raw_server(lambda connection: connection.recv(1)) as (silent, _):
        for port in (silent, free_port()):
            with pytest.raises(TemporaryError, match="localhost: no connection") as caught:
                post(f"http://localhost:{port}/hooks/secret-path", attempts=2, timeout=0.3)
            assert "secret-path" not in str(caught.value)


def test_certificates_are_verified(certificates):
    with web_server(certificates=certificates) as site:
        with pytest.raises(DeliveryError, match="localhost: no trust: ") as caught:
            post(site.address, attempts=3)
        assert type(caught.value) is DeliveryError
        assert "secret-path" not in str(caught.value)
        assert not site.requests
        post(site.address, ca_file=certificates.authority)
        assert len(site.requests) == 1


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("file:///etc/passwd", "no web address"),
        ("hooks.example.org/x", "no web address"),
        ("https://", "no web address"),
        ("https://[::1/x", "no web address"),
        ("https://ex℀mple.org", "no web address"),
        ("http://hooks.example.org/secret-path", "an address without encryption"),
    ],
)
def test_an_address_that_will_not_do_is_refused_without_repeating_it(address, said):
    with pytest.raises(DeliveryError) as caught:
        post(address)
    assert caught.value.message == f"REPORTGEN_WEBHOOK_URL holds {said}"
