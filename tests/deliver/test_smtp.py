import base64
import time
from contextlib import suppress

import pytest
from mail_servers import PASSWORD, USER, free_port, raw_server, smtp_server

from reportgen.config.deliver import SmtpBlock
from reportgen.deliver import transport
from reportgen.deliver.smtp import MOST_REPLIES, Smtp
from reportgen.deliver.transport import DeliveryError, RefusedError, TemporaryError

A, B, C = "a@example.org", "b@example.org", "c@example.org"
SENDER = "r@example.org"
MESSAGE = b"From: r@example.org\r\nSubject: x\r\n\r\n.A line with a dot\r\n"
ENVIRONMENT = {"REPORTGEN_SMTP_PASSWORD": PASSWORD}


def smtp(server, environment=ENVIRONMENT, **keys):
    port = server if isinstance(server, int) else server.port
    given = {"host": "localhost", "security": "none", "attempts": 1, "wait": 0.001, "timeout": 5.0}
    return Smtp(SmtpBlock(**{**given, "port": port, **keys}), environment)


def send(server, *recipients, message=MESSAGE, **keys):
    return smtp(server, **keys).send(lambda _: message, SENDER, recipients or (A,))


def send_encrypted(server, *recipients, method="auto", **keys):
    given = {"security": "starttls", "ca_file": server.authority}
    login = {"user": USER, "method": method}
    return send(server, *recipients, **{**given, "login": login, **keys})


def test_a_plain_relay_takes_the_mail_without_a_login(server):
    receipt = send(server, A, B)
    assert (receipt.accepted, receipt.refused, receipt.postponed) == ([A, B], {}, {})
    assert server.only.content == MESSAGE
    assert (server.only.sender, server.only.recipients) == (SENDER, [A, B])


@pytest.mark.parametrize("method", ["auto", "plain", "login"])
def test_a_login_goes_over_starttls(login_server, method):
    send_encrypted(login_server, method=method)
    assert login_server.only.user == USER
    assert login_server.logins[0] == ("PLAIN" if method == "auto" else method.upper())


def test_a_login_goes_over_tls(certificates):
    with smtp_server(certificates=certificates, security="tls", login=(USER, PASSWORD)) as server:
        send_encrypted(server, security="tls")
    assert server.only.user == USER


def test_a_token_from_a_command_logs_in_with_xoauth2(login_server, tmp_path):
    command = tmp_path / "token"
    command.write_text(f"#!/bin/sh\necho {PASSWORD.removesuffix('-battery')}-$1\n")
    command.chmod(0o700)
    environment = {
        "REPORTGEN_SMTP_TOKEN_COMMAND": f"{command} 'battery'",
        "REPORTGEN_SMTP_USER": USER,
    }
    login = {"method": "xoauth2"}
    send_encrypted(login_server, environment=environment, login=login)
    assert login_server.only.user == USER
    assert login_server.logins == ["XOAUTH2"]


@pytest.mark.parametrize("method", ["auto", "plain", "login", "xoauth2"])
def test_a_refused_login_is_said_at_once_without_the_secret(login_server, method):
    wrong = "wrong-horse-battery"
    environment = {
        "REPORTGEN_SMTP_PASSWORD": wrong,
        "REPORTGEN_SMTP_TOKEN_COMMAND": f"echo {wrong}",
    }
    with pytest.raises(DeliveryError) as caught:
        send_encrypted(login_server, method=method, environment=environment, attempts=3)
    said = f"localhost:{login_server.port}: the login was refused: 535"
    assert type(caught.value) is DeliveryError
    assert caught.value.message.startswith(said)
    assert wrong not in str(caught.value)
    assert len(login_server.connections) == 1
    assert not login_server.received


def test_a_secret_that_the_server_repeats_is_hidden(login_server):
    plain = base64.b64encode(f"\0{USER}\0{PASSWORD}".encode()).decode()
    login_server.refusals[B] = login_server.data[:] = [f"550 I got {PASSWORD} and {plain}"]
    with pytest.raises(RefusedError, match=r"refused: 550 I got ••• and •••$"):
        send_encrypted(login_server)
    assert send_encrypted(login_server, A, B).refused == {B: "550 I got ••• and •••"}


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"ca_file": None}, "its certificate is not to be trusted: "),
        ({"ca_file": "/none.pem"}, r"none\.pem: the certificates cannot be read"),
        ({"ca_file": "/dev/zero"}, "/dev/zero: the certificates cannot be read: it is not a"),
        ({"ca_file": "/etc/hostname"}, "hostname: the certificates cannot be read"),
    ],
)
def test_without_trust_nothing_is_sent(login_server, keys, said):
    with pytest.raises(DeliveryError, match=said) as caught:
        send_encrypted(login_server, attempts=3, **keys)
    assert type(caught.value) is DeliveryError
    assert len(login_server.connections) == 1
    assert not login_server.received


def test_a_certificate_may_be_left_unverified_when_the_yaml_says_so(login_server):
    send_encrypted(login_server, ca_file=None, verify=False)
    assert len(login_server.received) == 1


def test_a_server_without_starttls_gets_neither_login_nor_mail(server):
    with pytest.raises(DeliveryError, match="STARTTLS extension not supported"):
        send(server, security="starttls", login={"user": USER})
    assert server.logins == server.received == []


def test_what_fails_for_now_is_tried_again_ever_later(server, monkeypatch):
    waits = []
    monkeypatch.setattr(transport.time, "sleep", waits.append)
    server.data[:] = ["451 busy", "421 later", "drop", "250"]
    assert send(server, attempts=4, wait=2.0).accepted == [A]
    assert len(server.connections) == 4
    assert len(server.received) == 1
    server.data[:] = ["451 busy"] * 9
    with pytest.raises(TemporaryError, match="451 busy"):
        send(server, attempts=4, wait=200.0)
    assert len(server.connections) == 8
    assert [wait for wait in waits if wait >= 2] == [2, 6, 18, 200, 600, 600]


@pytest.mark.parametrize(
    ("faults", "kind", "said"),
    [
        ({"data": ["550 no"]}, RefusedError, "the message was refused: 550 no"),
        ({"data": ["554 policy"]}, RefusedError, "the message was refused: 554 policy"),
        ({"senders": ["553 not yours"]}, DeliveryError, "553 not yours"),
    ],
)
def test_what_is_refused_is_not_tried_again(server, faults, kind, said):
    vars(server).update(faults)
    with pytest.raises(DeliveryError, match=said) as caught:
        send(server, attempts=3)
    assert type(caught.value) is kind
    assert len(server.connections) == 1


def test_a_server_that_hangs_up_among_the_recipients_has_given_it_to_nobody(server):
    server.refusals[B] = ["421 closing", "250"]
    assert send(server, A, B, C, attempts=2).accepted == [A, B, C]
    assert [mail.recipients for mail in server.received] == [[A, B, C]]


def test_a_connection_that_always_drops_says_that_the_mail_may_have_arrived(server):
    server.data[:] = ["drop"] * 3
    with pytest.raises(TemporaryError, match="the server may have taken the mail"):
        send(server, attempts=2)
    assert len(server.connections) == 2


def speak_until_data(connection):
    """Talk SMTP up to the first bytes of a message."""
    connection.sendall(b"220 here\r\n")
    lines = connection.makefile("rb")
    for line in lines:
        if line.upper().startswith(b"DATA"):
            connection.sendall(b"354 go on\r\n")
            lines.readline()
            return
        connection.sendall(b"250 fine\r\n")


def fall_silent_within_data(connection):
    speak_until_data(connection)
    while connection.recv(65536):
        pass


def greet_without_end(connection):
    for _ in range(100 * MOST_REPLIES):
        connection.sendall(b"220-welcome, welcome, welcome, welcome, welcome\r\n")


def greet_letter_by_letter(connection):
    connection.settimeout(0.01)
    for _ in range(10_000):
        connection.sendall(b"2")
        with suppress(TimeoutError):
            if not connection.recv(1):
                return


@pytest.mark.parametrize(
    ("talk", "timeout", "said"),
    [
        (speak_until_data, 20, "the connection was lost"),
        (lambda connection: connection.sendall(b"HTTP/1.1 400 no\r\n\r\n"), 20, ""),
        (greet_without_end, 20, "it did not answer in time"),
        (greet_letter_by_letter, 0.05, "it did not answer in time"),
        (lambda connection: connection.recv(1), 0.05, "it did not answer in time"),
        (fall_silent_within_data, 0.5, "it did not answer in time"),
    ],
)
def test_a_server_that_breaks_off_or_never_ends_is_given_up(talk, timeout, said):
    message = MESSAGE + b"text\r\n" * 100_000
    with raw_server(talk) as (port, connections):
        with pytest.raises(TemporaryError, match=f"localhost:{port}: {said}"):
            send(port, message=message, timeout=float(timeout), attempts=2)
        begun = time.monotonic()
        while len(connections) < 2 and time.monotonic() < begun + 10:
            time.sleep(0.01)  # the server may have been too busy to see the second one yet
        assert len(connections) == 2


@pytest.mark.parametrize("answer", [b"334 abc\r\n", b"334 \xff\r\n", b"9x\r\n"])
def test_answers_that_nobody_understands_are_errors_and_no_crash(answer):
    def talk(connection):
        connection.sendall(b"220 here\r\n")
        for line in connection.makefile("rb"):
            word = line.upper()
            hello = b"250-here\r\n250-SIZE \xb2\r\n250 AUTH LOGIN PLAIN\r\n"
            reply = (
                answer if word.startswith(b"AUTH") else hello if b"EHLO" in word else b"250 ok\r\n"
            )
            connection.sendall(reply)

    with raw_server(talk) as (port, _), pytest.raises(DeliveryError):
        send(port, login={"user": USER, "method": "login"})


@pytest.mark.parametrize(
    ("host", "said"),
    [("localhost", "no connection: "), ("mail.invalid", "its address cannot be found")],
)
def test_where_nobody_listens_it_is_tried_again(host, said):
    port = free_port()
    with pytest.raises(TemporaryError, match=f"{host}:{port}: {said}"):
        send(port, host=host, attempts=2)


def test_a_message_that_is_too_large_without_warning_is_tried_smaller(server):
    limits = []
    large = MESSAGE + b"text\r\n" * 500

    def message_for(limit):
        limits.append(limit)
        if limit is not None and limit < len(MESSAGE):
            raise RefusedError("no smaller one")
        return large if limit is None or limit >= len(large) else MESSAGE

    server.data[:] = ["552 too large"] * 2
    with pytest.raises(RefusedError, match="552 too large"):
        smtp(server).send(message_for, SENDER, [A])
    assert limits == [None, len(large) - 1, len(MESSAGE) - 1]
    server.data[:] = ["552 too large", "250"]
    smtp(server).send(message_for, SENDER, [A])
    assert server.only.content == MESSAGE
