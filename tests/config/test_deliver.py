import re
from pathlib import Path

import pytest
import yaml
from documents import GOOD
from hypothesis import given
from hypothesis import strategies as st

from reportgen.config.deliver import DeliverBlock, MailBlock, SmtpBlock, read_address
from reportgen.errors import ConfigError

DOCS = (Path(__file__).parents[2] / "docs" / "mail.md").read_text("utf-8")
MAIL = {"from": "r@example.org", "to": ["a@example.org"], "smtp": {"host": "mail.example.org"}}


@pytest.fixture
def said(load):
    """Give what is wrong with a block, or nothing."""

    def said(deliver):
        try:
            load(GOOD + yaml.safe_dump({"deliver": deliver}, allow_unicode=True))
        except ConfigError as error:
            return error.message
        return ""

    return said


def test_a_block_is_recorded_so_that_it_reads_the_same(tmp_path):
    smtp = {"host": "localhost", "security": "none", "login": {}, "ca_file": "ca.pem"}
    block = DeliverBlock.model_validate(
        {
            "links": {"report": "https://x.org/{{ report.id }}/{{ run.id }}"},
            "mail": {**MAIL, "smtp": smtp, "most_attached": "2 MB", "figures": ["a.b"]},
            "webhook": {"kind": "slack"},
        },
        context={"folder": tmp_path},
    )
    assert DeliverBlock.model_validate(block.recorded()) == block
    assert block.recorded()["mail"]["smtp"]["ca_file"] == str(tmp_path / "ca.pem")
    assert DeliverBlock().recorded() == {}


def test_every_yaml_block_of_the_documentation_is_right(said):
    found = re.findall(r"^```yaml\n(.*?)^```$", DOCS, re.DOTALL | re.MULTILINE)
    assert len(found) >= 3
    for text in found:
        assert said(yaml.safe_load(text)["deliver"]) == ""


@pytest.mark.parametrize("block", [MailBlock, SmtpBlock])
def test_every_key_of_a_mail_is_documented(block):
    for name, field in block.model_fields.items():
        key = field.alias or name
        assert re.search(rf"`{key}\b|^ *{key}:", DOCS, re.MULTILINE), key


@pytest.mark.parametrize(
    ("mail", "expected"),
    [
        ({"to": ["nobody"]}, "deliver.mail.to[0]: 'nobody' is not one address"),
        ({"to": ["a@b.org, c@d.org"]}, "is not one address"),
        ({"to": ["(" * 2000]}, "is not one address"),
        ({"to": ["a@b.org\nBcc: c@d.org"]}, "holds a line break"),
        ({"to": ["jürgen@b.org"]}, "before the @ stand ASCII"),
        ({"to": []}, "deliver.mail.to: names nobody"),
        ({"smtp": None}, "give smtp: {host: …}, or"),
        ({"sendmail": True}, "not both"),
        ({"subject": "{{ repot.id }}"}, "did you mean 'report'"),
        ({"smtp": {"host": "h.org", "security": "none", "login": {}}}, "needs starttls or tls"),
        ({"smtp": {"host": "smtp.b.org:587"}}, "the name of a host alone"),
        ({"smtp": {"host": "smtp://u:p@b.org"}}, "the name of a host alone"),
        ({"smtp": {"host": "h", "port": 70000}}, "port: should be less than or equal to 65535"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_is_wrong_with_a_mail_is_said(said, mail, expected):
    assert expected in said({"mail": {**MAIL, **mail}})


def test_what_is_wrong_with_links_and_webhooks_is_said(said):
    assert "should be a web address" in said({"links": {"report": "javascript:alert(1)"}})
    assert "can have no **" in said({"links": {"report": "https://x.org/{{ 2 ** 3 }}"}})
    assert "starts with REPORTGEN_" in said({"webhook": {"variable": "HOME"}})


@pytest.mark.parametrize(
    ("deliver", "variable"),
    [
        ({"mail": {**MAIL, "smtp": {"host": "h", "password": "hunter2"}}}, "SMTP_PASSWORD"),
        ({"mail": {**MAIL, "smtp": {"host": "h", "login": {"token": "hunter2"}}}}, "TOKEN_COMMAND"),
        ({"webhook": {"url": "https://hunter2"}}, "WEBHOOK_URL"),
        ({"mail": {**MAIL, "smtp": {"host": "h", "login": "hunter2"}}}, ""),
        ({"mail": {**MAIL, "smtp": {"host": "h", "login": {"variable": "hunter2"}}}}, ""),
        ({"mail": {**MAIL, "subject": "${REPORTGEN_SMTP_PASSWORD:-x}"}}, "may hold a secret"),
    ],
)
def test_a_secret_in_the_yaml_is_refused_and_not_repeated(load, deliver, variable):
    text = GOOD + yaml.safe_dump({"deliver": deliver})
    with pytest.raises(ConfigError) as caught:
        load(text, environment={"REPORTGEN_SMTP_PASSWORD": "hunter2"})
    assert variable in caught.value.message
    assert "hunter2" not in caught.value.message


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


def test_recipients_are_those_of_the_verdict_or_of_the_next_better_one():
    block = MailBlock.model_validate({**MAIL, "to": "a@b.org"})
    assert block.recipients("fail") == ("a@b.org",)
    block = MailBlock.model_validate({**MAIL, "to": {"warn": ["a@b.org"], "error": ["c@d.org"]}})
    assert [block.recipients(s) for s in ("ok", "fail", "error")] == [
        (),
        ("a@b.org",),
        ("c@d.org",),
    ]
