import pytest

from reportgen.deliver import sendmail
from reportgen.deliver.errors import DeliveryError, TemporaryError
from reportgen.deliver.sendmail import Sendmail
from reportgen.deliver.transport import Envelope

ENVELOPE = Envelope("r@example.org", ("a@example.org", "-b@example.org"))


@pytest.fixture
def program(tmp_path):
    """Write a program that is called as sendmail is, and keeps what it gets."""

    def write(ending="exit 0"):
        path = tmp_path / "sendmail"
        path.write_text(
            f'#!/bin/sh\necho "$@" >> {tmp_path}/words\ncat > {tmp_path}/mail\n{ending}\n'
        )
        path.chmod(0o700)
        return Sendmail({"REPORTGEN_SENDMAIL": str(path)})

    return write


def test_the_program_gets_the_mail_and_addresses_that_are_no_options(program, tmp_path):
    receipt = program().send(lambda limit: b"Subject: x\r\n\r\n.\r\n", ENVELOPE)
    assert receipt.accepted == ENVELOPE.recipients
    assert (tmp_path / "mail").read_bytes() == b"Subject: x\n\n.\n"
    words = (tmp_path / "words").read_text().split()
    assert words == ["-i", "-f", "r@example.org", "--", *ENVELOPE.recipients]


def test_a_program_that_cannot_now_is_called_again(program, tmp_path, monkeypatch):
    monkeypatch.setattr(sendmail, "WAIT", 0.01)
    with pytest.raises(TemporaryError, match="ended with 75: the queue is full"):
        program("echo the queue is full >&2; exit 75").send(lambda limit: b"x", ENVELOPE)
    assert len((tmp_path / "words").read_text().splitlines()) == sendmail.ATTEMPTS


def test_a_program_that_refuses_is_called_once(program, tmp_path):
    with pytest.raises(DeliveryError, match="ended with 67: it did not say why") as caught:
        program("exit 67").send(lambda limit: b"x", ENVELOPE)
    assert not isinstance(caught.value, TemporaryError)
    assert len((tmp_path / "words").read_text().splitlines()) == 1


def test_a_machine_without_sendmail_is_told_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sendmail, "PLACES", ())
    with pytest.raises(DeliveryError, match="there is no program sendmail") as caught:
        Sendmail({}).send(lambda limit: b"x", ENVELOPE)
    assert "install Postfix or msmtp-mta" in caught.value.hint
