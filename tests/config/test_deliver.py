import re
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from reportgen.config.deliver import DeliverBlock, LinksBlock, MailBlock, SmtpBlock, read_address
from reportgen.config.loading import load_report
from reportgen.errors import ConfigError

DOCS = Path(__file__).parents[2] / "docs" / "mail.md"
MAIL = {"from": "r@example.org", "to": ["a@example.org"], "smtp": {"host": "mail.example.org"}}


def problems(folder, deliver):
    """Give what is wrong with a block, a line each, without its place."""
    from reportgen.analyses.base import installed_analyses

    settings = {
        "report": {"id": "x", "title": "X"},
        "sections": {"t": {"analysis": "trend", "title": "T", "metrics": ["a.b"]}},
        "deliver": deliver,
    }
    path = folder / "report.yaml"
    path.write_text(yaml.safe_dump(settings, allow_unicode=True), encoding="utf-8")
    try:
        load_report(path, installed_analyses().types)
    except ConfigError as error:
        found = [line.partition(": deliver")[2] for line in error.message.splitlines()]
        return [line for line in found if line]
    return []


def test_a_block_is_recorded_so_that_it_reads_the_same(tmp_path):
    block = DeliverBlock.model_validate(
        {
            "links": {"report": "https://x.org/{{ run.id }}"},
            "mail": {
                **MAIL,
                "smtp": {"host": "h", "ca_file": "ca.pem", "login": {"user": "robot"}},
                "most_attached": "2 MB",
                "when": "change",
                "figures": ["a.b"],
            },
            "webhook": {"kind": "slack"},
        },
        context={"folder": tmp_path},
    )
    assert DeliverBlock.model_validate(block.recorded()) == block
    assert block.recorded()["mail"]["smtp"]["ca_file"] == str(tmp_path / "ca.pem")


def test_nothing_is_recorded_of_a_report_that_tells_nobody():
    assert DeliverBlock().recorded() == {}


def test_every_yaml_block_of_the_documentation_is_right(tmp_path):
    found = re.findall(r"^```yaml\n(.*?)^```$", DOCS.read_text("utf-8"), re.DOTALL | re.MULTILINE)
    assert len(found) >= 3
    for text in found:
        assert problems(tmp_path, yaml.safe_load(text)["deliver"]) == []


def test_every_key_of_a_mail_is_documented():
    text = DOCS.read_text("utf-8")
    for block in (MailBlock, SmtpBlock):
        for name, field in block.model_fields.items():
            key = field.alias or name
            assert re.search(rf"`{key}\b|^ *{key}:", text, re.MULTILINE), key


@pytest.mark.parametrize(
    ("deliver", "said"),
    [
        ({"mail": {**MAIL, "to": ["nobody"]}}, "'nobody' is not one address"),
        ({"mail": {**MAIL, "to": ["a@b.org, c@d.org"]}}, "is not one address"),
        ({"mail": {**MAIL, "to": ["a@b.org\nBcc: c@d.org"]}}, "holds a line break"),
        ({"mail": {**MAIL, "to": ["jürgen@b.org"]}}, "before the @ stand ASCII"),
        ({"mail": {**MAIL, "to": []}}, "names nobody"),
        ({"mail": {**MAIL, "to": {"bad": ["a@b.org"]}}}, "bad"),
        ({"mail": {k: v for k, v in MAIL.items() if k != "smtp"}}, "give smtp: {host: …}, or"),
        ({"mail": {**MAIL, "sendmail": True}}, "not both"),
        ({"mail": {**MAIL, "subject": "{{ repot.id }}"}}, "did you mean 'report'"),
        ({"mail": {**MAIL, "subject": "{{ report.id"}}, "the template cannot be read"),
        ({"mail": {**MAIL, "list_id": "a b"}}, "list_id"),
        ({"mail": {**MAIL, "when": "sometimes"}}, "when"),
        (
            {"mail": {**MAIL, "smtp": {"host": "h.org", "security": "none", "login": {}}}},
            "a login needs starttls or tls",
        ),
        ({"mail": {**MAIL, "smtp": {"host": "h", "verfy": False}}}, "did you mean 'verify'"),
        ({"mail": {**MAIL, "subject": "{{ night | datum }}"}}, "No filter named 'datum'"),
        ({"mail": {**MAIL, "to": ["A\u2028B <a@b.org>"]}}, "holds a line break"),
        ({"mail": {**MAIL, "smtp": {"host": "smtp.b.org:587"}}}, "the name of a host alone"),
        ({"mail": {**MAIL, "smtp": {"host": "smtp://u:p@b.org"}}}, "the name of a host alone"),
        ({"mail": {**MAIL, "smtp": {"host": "smtp..b.org"}}}, "the name of a host alone"),
        ({"mail": {**MAIL, "smtp": {"host": "h", "port": 70000}}}, "port"),
        ({"mail": {**MAIL, "smtp": {"host": "h", "timeout": 1e12}}}, "timeout"),
        ({"links": {"report": "javascript:alert(1)"}}, "should be a web address"),
        ({"links": {"report": "/srv/www"}}, "should be a web address"),
        ({"webhook": {"kind": "teams"}}, "kind"),
        ({"webhook": {"variable": "HOME"}}, "starts with REPORTGEN_"),
    ],
)
def test_what_is_wrong_is_said(tmp_path, deliver, said):
    assert said in "\n".join(problems(tmp_path, deliver))


@pytest.mark.parametrize(
    ("deliver", "variable"),
    [
        ({"mail": {**MAIL, "smtp": {"host": "h", "password": "hunter2"}}}, "SMTP_PASSWORD"),
        ({"mail": {**MAIL, "password": "hunter2"}}, "SMTP_PASSWORD"),
        (
            {"mail": {**MAIL, "smtp": {"host": "h", "login": {"token": "hunter2"}}}},
            "SMTP_TOKEN_COMMAND",
        ),
        ({"webhook": {"url": "https://hunter2"}}, "WEBHOOK_URL"),
        ({"mail": {**MAIL, "smtp": {"host": "h", "login": "hunter2"}}}, ""),
        ({"webhook": "https://hunter2"}, ""),
        ({"mail": {**MAIL, "smtp": {"host": "h", "login": {"variable": "hunter2"}}}}, ""),
    ],
)
def test_a_secret_in_the_yaml_is_refused_and_not_repeated(tmp_path, deliver, variable):
    found = "\n".join(problems(tmp_path, deliver))
    assert found
    assert variable in found
    assert "hunter2" not in found


def test_a_secret_cannot_be_filled_into_the_yaml(tmp_path, monkeypatch):
    monkeypatch.setenv("REPORTGEN_SMTP_PASSWORD", "hunter2")
    mail = {**MAIL, "subject": "${REPORTGEN_SMTP_PASSWORD:-x}"}
    (said,) = problems(tmp_path, {"mail": mail})
    assert "REPORTGEN_SMTP_PASSWORD may hold a secret" in said
    assert "hunter2" not in said


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_a_login_in_clear_text_is_allowed_within_the_machine(host):
    assert SmtpBlock(host=host, security="none", login={"user": "x"}).login


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("jo@example.org", "jo@example.org"),
        ("Jo Doe <jo@example.org>", "Jo Doe <jo@example.org>"),
        ("Jürgen <j@bücher.example>", "Jürgen <j@xn--bcher-kva.example>"),
        ('"Doe, Jo" <jo@example.org>', '"Doe, Jo" <jo@example.org>'),
        ("root@localhost", "root@localhost"),
    ],
)
def test_addresses_are_read_as_people_write_them(text, address):
    assert read_address(text) == address


@given(st.text())
def test_no_text_is_read_as_more_than_one_address_or_line(text):
    try:
        address = read_address(text)
    except ValueError:
        return
    assert address.count("@") >= 1
    assert len(address.splitlines()) == 1


def test_an_address_alone_is_a_list_of_one():
    assert MailBlock.model_validate({**MAIL, "to": "a@example.org"}).recipients("fail") == (
        "a@example.org",
    )


def test_a_template_may_be_of_several_names():
    assert LinksBlock(report="https://x.org/{{ report.id }}/{{ run.id }}/{{ night }}")
