import socket
import time

import pytest
from mail_servers import PASSWORD, USER, Certificates, Faults, raw_server, smtp_server

from reportgen.config.deliver import SmtpBlock
from reportgen.deliver.errors import DeliveryError, RefusedError, TemporaryError
from reportgen.deliver.smtp import Smtp
from reportgen.deliver.transport import Envelope

A, B, C = "a@example.org", "b@example.org", "c@example.org"
MESSAGE = b"From: r@example.org\r\nSubject: x\r\n\r\n.A line with a dot\r\n"
ENVIRONMENT = {"REPORTGEN_SMTP_PASSWORD": PASSWORD}


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    return Certificates(tmp_path_factory.mktemp("certificates"))


def transport(server, environment=ENVIRONMENT, **keys):
    port = server if isinstance(server, int) else server.port
    given = {"host": "localhost", "security": "none", "attempts": 1, "wait": 0.01, "timeout": 5.0}
    return Smtp(SmtpBlock(**{**given, "port": port, **keys}), environment)


def send(server, *recipients, message=MESSAGE, **keys):
    envelope = Envelope("r@example.org", recipients or (A,))
    return transport(server, **keys).send(lambda limit: message, envelope)


def test_a_plain_relay_takes_the_mail_without_a_login():
    with smtp_server() as server:
        receipt = send(server, A, B)
    assert receipt.accepted == (A, B)
    assert not receipt.refused
    assert not receipt.postponed
    assert server.only.content == MESSAGE
    assert (server.only.sender, server.only.recipients) == ("r@example.org", [A, B])


@pytest.mark.parametrize("security", ["starttls", "tls"])
@pytest.mark.parametrize("method", ["auto", "plain", "login"])
def test_a_login_goes_over_an_encrypted_connection(certificates, security, method):
    with smtp_server(
        certificates=certificates, security=security, login=(USER, PASSWORD)
    ) as server:
        send(
            server,
            security=security,
            ca_file=certificates.authority,
            login={"user": USER, "method": method},
        )
    assert server.only.user == USER
    assert server.handler.logins[0] == ("PLAIN" if method == "auto" else method.upper())


def test_a_token_from_a_command_logs_in_with_xoauth2(certificates, tmp_path):
    command = tmp_path / "token"
    command.write_text(f"#!/bin/sh\necho {PASSWORD}-token-$1\n")
    command.chmod(0o700)
    environment = {
        "REPORTGEN_SMTP_TOKEN_COMMAND": f"{command} 'of a day'",
        "REPORTGEN_SMTP_USER": USER,
    }
    with smtp_server(
        certificates=certificates,
        security="starttls",
        login=(USER, f"{PASSWORD}-token-of a day"),
    ) as server:
        send(
            server,
            environment=environment,
            security="starttls",
            ca_file=certificates.authority,
            login={"method": "xoauth2"},
        )
    assert server.only.user == USER
    assert server.handler.logins == ["XOAUTH2"]


@pytest.mark.parametrize("method", ["auto", "plain", "login", "xoauth2"])
def test_a_refused_login_is_said_at_once_without_the_secret(certificates, method):
    wrong = "wrong-horse-battery"
    environment = {
        "REPORTGEN_SMTP_PASSWORD": wrong,
        "REPORTGEN_SMTP_TOKEN_COMMAND": f"echo {wrong}",
    }
    with (
        smtp_server(
            certificates=certificates, security="starttls", login=(USER, PASSWORD)
        ) as server,
        pytest.raises(DeliveryError) as caught,
    ):
        send(
            server,
            environment=environment,
            security="starttls",
            ca_file=certificates.authority,
            login={"user": USER, "method": method},
            attempts=3,
        )
    error = caught.value
    assert not isinstance(error, TemporaryError)
    assert error.message.startswith(f"localhost:{server.port}: the login was refused: 535")
    assert wrong not in str(error)
    assert len(server.connections) == 1
    assert not server.received


def test_a_certificate_of_an_unknown_authority_is_refused(certificates):
    with (
        smtp_server(certificates=certificates, security="starttls") as server,
        pytest.raises(DeliveryError, match="its certificate is not to be trusted") as caught,
    ):
        send(server, security="starttls", attempts=3)
    assert not isinstance(caught.value, TemporaryError)
    assert len(server.connections) == 1
    assert not server.received


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_a_certificate_of_another_host_is_refused(tmp_path, security):
    other = Certificates(tmp_path, "mail.example.org")
    with (
        smtp_server(certificates=other, security=security) as server,
        pytest.raises(DeliveryError, match="Hostname mismatch"),
    ):
        send(server, security=security, ca_file=other.authority)
    assert not server.received


def test_a_certificate_may_be_left_unverified_when_the_yaml_says_so(certificates):
    with smtp_server(certificates=certificates, security="starttls") as server:
        send(server, security="starttls", verify=False)
    assert len(server.received) == 1


def test_a_server_without_starttls_gets_neither_login_nor_mail():
    with (
        smtp_server() as server,
        pytest.raises(DeliveryError, match="STARTTLS extension not supported"),
    ):
        send(server, security="starttls", login={"user": USER})
    assert server.handler.logins == []
    assert not server.received


def test_a_method_that_the_server_does_not_offer_is_named(certificates):
    with (
        smtp_server(
            certificates=certificates,
            security="starttls",
            login=(USER, PASSWORD),
            mechanisms=["PLAIN"],
        ) as server,
        pytest.raises(DeliveryError, match="does not offer to log in with LOGIN"),
    ):
        send(
            server,
            security="starttls",
            ca_file=certificates.authority,
            login={"user": USER, "method": "login"},
        )


def test_certificates_that_are_no_file_are_named(certificates, tmp_path):
    file = tmp_path / "none.pem"
    with smtp_server(certificates=certificates, security="starttls") as server:
        with pytest.raises(DeliveryError, match=r"none\.pem: the certificates cannot be read"):
            send(server, security="starttls", ca_file=file)
        file.write_text("no certificate")
        with pytest.raises(DeliveryError, match=r"none\.pem: the certificates cannot be read"):
            send(server, security="starttls", ca_file=file)


def test_what_fails_for_now_is_tried_again():
    faults = Faults(data=["451 busy", "421 later", "250"])
    with smtp_server(faults=faults) as server:
        receipt = send(server, attempts=3)
    assert receipt.accepted == (A,)
    assert len(server.connections) == 3
    assert len(server.received) == 1


def test_patience_ends(monkeypatch):
    waits = []
    monkeypatch.setattr(time, "sleep", waits.append)
    with smtp_server(faults=Faults(data=["451 busy"] * 9)) as server:
        with pytest.raises(TemporaryError, match="451 busy"):
            send(server, attempts=4, wait=2.0)
        assert len(server.connections) == 4
    assert [wait for wait in waits if wait >= 2] == [2, 6, 18]


@pytest.mark.parametrize("answer", ["550 no", "554 policy"])
def test_a_refused_message_is_not_tried_again(answer):
    with smtp_server(faults=Faults(data=[answer] * 3)) as server:
        with pytest.raises(RefusedError, match=f"the message was refused: {answer}"):
            send(server, attempts=3)
        assert len(server.connections) == 1


def test_a_refused_sender_is_said_at_once():
    with smtp_server(faults=Faults(sender=["553 not yours"] * 3)) as server:
        with pytest.raises(DeliveryError, match="553 not yours") as caught:
            send(server, attempts=3)
        assert not isinstance(caught.value, TemporaryError | RefusedError)
        assert len(server.connections) == 1


def test_refused_recipients_do_not_keep_the_others_from_getting_it():
    with smtp_server(faults=Faults(recipients={B: "550 5.1.1 who?"})) as server:
        receipt = send(server, A, B, C, attempts=3)
    assert receipt.accepted == (A, C)
    assert dict(receipt.refused) == {B: "550 5.1.1 who?"}
    assert not receipt.postponed
    assert server.only.recipients == [A, C]


def test_recipients_that_are_put_off_are_tried_again_alone():
    with smtp_server(faults=Faults(recipients={B: ["450 greylisted", "250"]})) as server:
        receipt = send(server, A, B, attempts=3)
    assert receipt.accepted == (A, B)
    assert [mail.recipients for mail in server.received] == [[A], [B]]


def test_recipients_that_stay_put_off_are_given_back():
    with smtp_server(faults=Faults(recipients={B: ["450 greylisted"] * 9})) as server:
        receipt = send(server, A, B, attempts=2)
    assert receipt.accepted == (A,)
    assert dict(receipt.postponed) == {B: "450 greylisted"}
    assert len(server.received) == 1


def test_when_all_are_refused_nobody_is_said_to_have_it():
    with smtp_server(faults=Faults(recipients={A: "550 who?", B: "450 later"})) as server:
        receipt = send(server, A, B, attempts=2)
    assert not receipt.accepted
    assert dict(receipt.refused) == {A: "550 who?"}
    assert dict(receipt.postponed) == {B: "450 later"}
    assert not server.received


def test_a_server_that_hangs_up_among_the_recipients_has_given_it_to_nobody():
    with smtp_server(faults=Faults(recipients={B: ["421 closing", "250"]})) as server:
        receipt = send(server, A, B, C, attempts=2)
    assert receipt.accepted == (A, B, C)
    assert [mail.recipients for mail in server.received] == [[A, B, C]]


def speaks_until_data(connection, ending):
    """Talk SMTP up to the first bytes of a message, then do as told."""
    connection.sendall(b"220 here\r\n")
    lines = connection.makefile("rb")
    for line in lines:
        if line.upper().startswith(b"DATA"):
            connection.sendall(b"354 go on\r\n")
            lines.readline()
            ending(connection)
            return
        connection.sendall(b"250 fine\r\n")


def test_a_connection_that_drops_within_the_data_is_tried_again():
    with raw_server(lambda c: speaks_until_data(c, lambda _: None)) as (port, count):
        with pytest.raises(TemporaryError, match=f"localhost:{port}: "):
            send(port, message=MESSAGE + b"text\r\n" * 100_000, attempts=3)
        assert len(count) == 3


def test_a_server_that_falls_silent_within_the_data_is_given_up():
    def fall_silent(connection):
        while connection.recv(65536):
            pass

    with (
        raw_server(lambda c: speaks_until_data(c, fall_silent)) as (port, _),
        pytest.raises(TemporaryError, match="it did not answer in time"),
    ):
        send(port, timeout=0.3)


def test_a_connection_that_drops_after_the_data_is_tried_again():
    with smtp_server(faults=Faults(data=["drop", "250"])) as server:
        receipt = send(server, attempts=2)
    assert receipt.accepted == (A,)
    assert len(server.connections) == 2
    assert len(server.received) == 1


@pytest.mark.parametrize("answer", [b"334 abc\r\n", b"334 \xff\r\n", b"9x\r\n"])
def test_answers_that_nobody_understands_are_errors_and_no_crash(answer):
    def odd(connection):
        connection.sendall(b"220 here\r\n")
        for line in connection.makefile("rb"):
            word = line.upper()
            is_login = word.startswith(b"AUTH")
            hello = b"250-here\r\n250-SIZE \xb2\r\n250 AUTH LOGIN PLAIN\r\n"
            connection.sendall(answer if is_login else hello if b"EHLO" in word else b"250 ok\r\n")

    with raw_server(odd) as (port, _), pytest.raises(DeliveryError):
        send(port, login={"user": USER, "method": "login"})


def test_a_connection_that_always_drops_says_that_the_mail_may_have_arrived():
    with smtp_server(faults=Faults(data=["drop"] * 3)) as server:
        with pytest.raises(TemporaryError, match="the server may have taken the mail"):
            send(server, attempts=2)
        assert len(server.connections) == 2


def test_a_server_that_never_answers_is_given_up_in_time():
    def silent(connection):
        connection.recv(1)  # until the client hangs up

    with raw_server(silent) as (port, count):
        begun = time.monotonic()
        with pytest.raises(TemporaryError, match=f"localhost:{port}: it did not answer in time"):
            send(port, attempts=2, timeout=0.3)
        assert time.monotonic() - begun < 5
        assert len(count) == 2


def test_a_server_that_speaks_no_smtp_is_an_error():
    def web(connection):
        connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    with raw_server(web) as (port, _), pytest.raises(DeliveryError):
        send(port)


def test_a_port_where_nobody_listens_is_tried_again():
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(TemporaryError, match=f"localhost:{port}: no connection: "):
        send(port, attempts=2)


def test_a_host_that_has_no_address_is_tried_again():
    with pytest.raises(TemporaryError, match="its address cannot be found"):
        send(25, host="mail.invalid", attempts=2)


def test_the_size_that_the_server_takes_is_respected():
    limits = []

    def message_for(limit):
        limits.append(limit)
        return MESSAGE

    with smtp_server(size=5000) as server:
        transport(server).send(message_for, Envelope("r@example.org", (A,)))
    assert limits == [5000]


def test_a_message_that_is_too_large_without_warning_is_tried_smaller():
    limits = []
    large = MESSAGE + b"text\r\n" * 500

    def message_for(limit):
        limits.append(limit)
        if limit is not None and limit < len(MESSAGE):
            raise RefusedError("no smaller one")
        return large if limit is None or limit >= len(large) else MESSAGE

    with smtp_server(size=0, faults=Faults(data=["552 too large", "250"])) as server:
        server.faults.data[:] = ["552 too large"] * 2
        with pytest.raises(RefusedError, match="552 too large"):
            transport(server).send(message_for, Envelope("r@example.org", (A,)))
        assert limits == [None, len(large) - 1, len(MESSAGE) - 1]
        server.faults.data[:] = ["552 too large", "250"]
        transport(server).send(message_for, Envelope("r@example.org", (A,)))
    assert server.only.content == MESSAGE


def test_a_missing_password_is_said_before_anybody_connects():
    with smtp_server() as server, pytest.raises(DeliveryError) as caught:
        send(server, environment={}, login={"user": USER}, host="localhost")
    assert caught.value.message == "the environment variable REPORTGEN_SMTP_PASSWORD is not set"
    assert not server.connections


def test_a_secret_that_the_server_repeats_is_hidden(certificates):
    import base64

    plain = base64.b64encode(f"\0{USER}\0{PASSWORD}".encode()).decode()
    said = f"550 I got {PASSWORD} and {plain}"
    with (
        smtp_server(
            certificates=certificates,
            security="starttls",
            login=(USER, PASSWORD),
            faults=Faults(data=[said], recipients={B: said}),
        ) as server,
        pytest.raises(RefusedError) as caught,
    ):
        send(
            server,
            A,
            security="starttls",
            ca_file=certificates.authority,
            login={"user": USER},
        )
    assert PASSWORD not in str(caught.value)
    assert plain not in str(caught.value)
    assert "••• and •••" in str(caught.value)
