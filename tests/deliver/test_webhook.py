import json
import socket
from contextlib import suppress

import pytest
from mail_servers import Certificates, raw_server
from told_runs import budget, change, change_section, check, told_run
from web_servers import web_server

from reportgen.config.deliver import LinksBlock, WebhookBlock
from reportgen.deliver.contents import Paper, tell
from reportgen.deliver.errors import DeliveryError, RefusedError, TemporaryError
from reportgen.deliver.webhook import LONGEST_TEXT, MOST_SAID, Webhook, message
from reportgen.summary import read_summary

SUBJECT = "[cdfs] FAIL 1 of 2 checks"
LINKS = LinksBlock(report="https://x.org/{{ run.id }}/report.html")


@pytest.fixture
def run(tmp_path):
    return told_run(tmp_path, status="fail")


def told(run):
    return tell(run, read_summary(run), LINKS, Paper(), 0)


def body(run, kind):
    return json.loads(message(WebhookBlock(kind=kind), SUBJECT, told(run)))


def post(address, content=b"{}", **keys):
    settings = WebhookBlock(**{"attempts": 1, "wait": 0.01, "timeout": 5.0, **keys})
    Webhook(settings, {"REPORTGEN_WEBHOOK_URL": address}).post(content)


def test_a_service_gets_the_verdict_as_values(run):
    found = body(run, "generic")
    assert found["format"] == "reportgen-verdict/1"
    assert (found["subject"], found["status"]) == (SUBJECT, "fail")
    assert found["report"] == {"id": "cdfs", "title": "Deep Field", "field": "CDFS"}
    assert found["run"]["id"] == "20260901T020000Z"
    assert (found["checks"]["fail"], found["checks"]["made"]) == (1, 2)
    assert found["attention"] == [
        {
            "status": "fail",
            "title": "Fluxes",
            "text": "Median flux is 118 mag, above the limit of 110 mag.",
            "target": "section-fluxes",
        }
    ]
    assert found["changes"][0]["text"] == "Median flux moved from 100 to 118 mag."
    assert found["links"] == {
        "report": "https://x.org/20260901T020000Z/report.html",
        "pdf": "https://x.org/20260901T020000Z/report.pdf",
    }


def test_a_budget_of_the_report_is_among_the_checks(run):
    change(run, checks=(budget(),))
    found = body(run, "generic")
    assert (found["checks"]["warn"], found["checks"]["made"]) == (1, 3)
    assert found["attention"][1] == {
        "status": "warn",
        "title": "Budgets",
        "text": budget().message,
        "target": "budgets",
    }


def test_slack_gets_its_markup_and_no_mention_of_ours(run):
    change_section(run, title="<!channel> & <b>")
    found = body(run, "slack")["text"]
    assert found.startswith(f"✗ *{SUBJECT}*\n1 check failed")
    assert "&lt;!channel&gt; &amp; &lt;b&gt;" in found
    assert "<!" not in found
    assert found.endswith("<https://x.org/20260901T020000Z/report.html|Open the full report>")


def test_mattermost_gets_markdown_and_calls_nobody(run):
    change_section(run, title="@channel [x](http://evil.org) **b**")
    found = body(run, "mattermost")["text"]
    assert found.startswith("✗ **\\[cdfs\\] FAIL 1 of 2 checks**")
    assert "@channel" not in found
    assert "](http://evil.org)" not in found
    assert found.endswith("[Open the full report](https://x.org/20260901T020000Z/report.html)")


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


def test_synthetic_data_are_said(run):
    record = read_summary(run).run.model_copy(update={"synthetic": ("made up",)})
    change(run, run=record)
    assert "Synthetic data" in body(run, "slack")["text"]
    assert body(run, "generic")["run"]["synthetic"] is True


def test_a_message_is_posted_as_json():
    with web_server() as site:
        post(site.address, '{"text": "µ"}'.encode())
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
        with pytest.raises(DeliveryError) as caught:
            post(site.address, attempts=3)
        assert len(site.requests) == 1
    assert type(caught.value) is kind
    assert caught.value.message == f"localhost answered {status} no •••"


def test_an_answer_without_an_end_is_read_no_further_than_it_is_told():
    def endless(connection):
        connection.recv(10_000)
        connection.sendall(b"HTTP/1.1 404 no\r\n\r\n")
        with suppress(OSError):
            while True:
                connection.sendall(b"x" * 1000)

    with raw_server(endless) as (port, count):
        with pytest.raises(DeliveryError) as caught:
            post(f"http://localhost:{port}/x", attempts=3)
        assert caught.value.message == f"localhost answered 404 {'x' * MOST_SAID}"
        assert len(count) == 1


def test_no_part_of_a_secret_is_left_where_a_long_answer_is_cut():
    echo = f"{'-' * (MOST_SAID - 15)} /hooks/secret-path"
    with web_server((404, echo)) as site, pytest.raises(DeliveryError) as caught:
        post(site.address)
    assert caught.value.message.endswith("- •••")


def test_nobody_there_is_temporary_and_the_address_stays_secret():
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(TemporaryError, match="localhost: no connection") as caught:
        post(f"http://localhost:{port}/hooks/secret-path", attempts=2)
    assert "secret-path" not in str(caught.value)


def test_a_server_that_never_answers_is_given_up():
    with raw_server(lambda connection: connection.recv(1)) as (port, _):
        silent = pytest.raises(TemporaryError, match="localhost: no connection")
        with silent:
            post(f"http://localhost:{port}/x", timeout=0.3)


def test_certificates_are_verified(tmp_path):
    certificates = Certificates(tmp_path)
    with web_server(certificates=certificates) as site:
        with pytest.raises(DeliveryError, match="localhost: no trust: ") as caught:
            post(site.address, attempts=3)
        assert not isinstance(caught.value, TemporaryError)
        assert "secret-path" not in str(caught.value)
        assert not site.requests
        post(site.address, ca_file=certificates.authority)
        assert len(site.requests) == 1


@pytest.mark.parametrize(
    "address",
    [
        "file:///etc/passwd",
        "hooks.example.org/x",
        "https://",
        "https://[::1/x",
        "https://ex℀mple.org",
    ],
)
def test_what_is_no_web_address_is_refused_without_repeating_it(address):
    with pytest.raises(DeliveryError) as caught:
        post(address)
    assert caught.value.message == "REPORTGEN_WEBHOOK_URL holds no web address"


def test_an_address_without_encryption_is_for_this_machine_only():
    with pytest.raises(DeliveryError, match="holds an address without encryption"):
        post("http://hooks.example.org/secret-path")
