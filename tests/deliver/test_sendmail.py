import time

import pytest

from reportgen.deliver.sendmail import Sendmail
from reportgen.deliver.transport import DeliveryError, TemporaryError

SENDER, RECIPIENTS = "r@example.org", ["a@example.org", "-b@example.org"]


def send(folder, ending="exit 0"):
    """Send a mail by a program that is called as sendmail is, and keeps what it gets."""
    program = folder / "sendmail"
    program.write_text(f'#!/bin/sh\necho "$@" >> {folder}/words\ncat > {folder}/mail\n{ending}\n')
    program.chmod(0o700)
    sendmail = Sendmail({"REPORTGEN_SENDMAIL": str(program)}, attempts=3, wait=0.001)
    return sendmail.send(lambda _: b"Subject: x\r\n\r\n.\r\n", SENDER, RECIPIENTS)


def test_the_program_gets_the_mail_and_addresses_that_are_no_options(tmp_path):
    assert send(tmp_path).accepted == RECIPIENTS
    assert (tmp_path / "mail").read_bytes() == b"Subject: x\n\n.\n"
    assert (tmp_path / "words").read_text().split() == ["-i", "-f", SENDER, "--", *RECIPIENTS]


def test_what_the_program_leaves_running_is_not_waited_for(tmp_path):
    begun = time.monotonic()
    assert send(tmp_path, "sleep 60 & exit 0").accepted == RECIPIENTS
    assert time.monotonic() - begun < 50


@pytest.mark.parametrize(
    ("ending", "kind", "said", "calls"),
    [
        ("echo the queue is full >&2; exit 75", TemporaryError, "75: the queue is full", 3),
        ("exit 67", DeliveryError, "67: it did not say why", 1),
    ],
)
def test_a_program_that_cannot_now_is_called_again(tmp_path, ending, kind, said, calls):
    with pytest.raises(DeliveryError, match=f"ended with {said}") as caught:
        send(tmp_path, ending)
    assert type(caught.value) is kind
    assert len((tmp_path / "words").read_text().splitlines()) == calls


def test_a_machine_without_sendmail_is_told_what_to_install():
    with pytest.raises(DeliveryError, match="there is no program nosuchmail") as caught:
        Sendmail({"REPORTGEN_SENDMAIL": "nosuchmail"}).send(lambda _: b"", SENDER, RECIPIENTS)
    assert "install Postfix or msmtp-mta" in caught.value.hint
