"""Real servers that tests send mail to: whole ones with faults on order, ones that break off."""

import asyncio
import socket
import ssl
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.policy import default

import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult

USER, PASSWORD = "robot", "correct-horse-battery"


@dataclass
class Received:
    """A mail that a server took."""

    sender: str
    recipients: list
    content: bytes
    user: str | None

    @property
    def message(self):
        return message_from_bytes(self.content, policy=default)


@dataclass
class Faults:
    """What a server does wrong: answers by address, answers to each DATA in turn."""

    recipients: dict = field(default_factory=dict)
    data: list = field(default_factory=list)
    sender: list = field(default_factory=list)


class _Handler:
    def __init__(self, faults):
        self.faults = faults
        self.received = []
        self.logins = []
        self.refusal = ""

    async def handle_MAIL(self, server, session, envelope, address, options):  # noqa: N802
        if self.faults.sender:
            return self.faults.sender.pop(0)
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(self, server, session, envelope, address, options):  # noqa: N802
        answers = self.faults.recipients.get(address)
        if answers:
            answer = answers.pop(0) if isinstance(answers, list) else answers
            if not answer.startswith("2"):
                return answer
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):  # noqa: N802
        if self.faults.data:
            answer = self.faults.data.pop(0)
            if answer == "drop":
                server.transport.close()
                await asyncio.sleep(0)
                return "451 gone"
            if not answer.startswith("2"):
                return answer
        user = session.auth_data if session.authenticated else None
        self.received.append(
            Received(envelope.mail_from, list(envelope.rcpt_tos), envelope.content, user)
        )
        return "250 taken"


@dataclass
class Server:
    """A server that runs. received: the mails it took."""

    port: int
    handler: _Handler
    connections: list

    @property
    def received(self):
        return self.handler.received

    @property
    def faults(self):
        return self.handler.faults

    @property
    def only(self):
        """The one mail."""
        (mail,) = self.received
        return mail


class Certificates:
    """An authority of our own, and a server's certificate that it signed."""

    def __init__(self, folder, name="localhost"):
        authority = trustme.CA()
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert(name).configure_cert(self.context)
        self.authority = folder / "authority.pem"
        authority.cert_pem.write_to_path(self.authority)


@contextmanager
def smtp_server(
    *,
    certificates=None,
    security="none",
    login=None,
    mechanisms=(),
    faults=None,
    size=None,
):
    """Run a mail server.

    login: (user, password) that is wanted. mechanisms: those it offers. size: the largest mail.
    """
    handler = _Handler(faults or Faults())
    connections = []

    def authenticate(server, session, envelope, mechanism, data):
        handler.logins.append(mechanism)
        given = (data.login.decode(), data.password.decode())
        return AuthResult(success=given == login, handled=given == login, auth_data=given[0])

    class Mechanisms(SMTP):
        def connection_made(self, transport):
            peer = transport.get_extra_info("peername")
            if peer not in connections:  # STARTTLS makes one anew
                connections.append(peer)
            super().connection_made(transport)

        async def auth_XOAUTH2(self, server, args):  # noqa: N802
            import base64

            handler.logins.append("XOAUTH2")
            said = base64.b64decode(args[1]).decode()
            user, token = login
            if said == f"user={user}\x01auth=Bearer {token}\x01\x01":
                self.session.auth_data = user
                return AuthResult(success=True, auth_data=user)
            await self.challenge_auth(b'{"status":"401"}')
            if handler.refusal:
                await self.push(handler.refusal)
            return AuthResult(success=False, handled=bool(handler.refusal))

    left_out = {"PLAIN", "LOGIN", "XOAUTH2"} - set(mechanisms or ("PLAIN", "LOGIN", "XOAUTH2"))
    options = {
        "hostname": "localhost",
        "decode_data": False,
        "auth_exclude_mechanism": sorted(left_out),
    }
    if size is not None:
        options["data_size_limit"] = size
    if login is not None:
        options |= {
            "authenticator": authenticate,
            "auth_required": security == "starttls",
            "auth_require_tls": security == "starttls",
        }
    context = certificates.context if certificates else None
    if security == "starttls":
        options |= {"tls_context": context, "require_starttls": True}

    class Running(Controller):
        def factory(self):
            return Mechanisms(self.handler, **options)

    given = {"ssl_context": context} if security == "tls" else {}
    running = Running(handler, hostname="127.0.0.1", port=_free_port(), **given)
    running.start()
    connections.clear()  # the controller knocks at its own door
    try:
        yield Server(running.port, handler, connections)
    finally:
        running.stop()


def _free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


@contextmanager
def raw_server(talk):
    """Run a server that talks as it likes; talk: is called with each connection, in its thread."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(0.1)
        ended = threading.Event()
        count = []

        def serve():
            while not ended.is_set():
                try:
                    connection, _ = listening.accept()
                except TimeoutError:
                    continue
                count.append(1)
                with connection:
                    connection.settimeout(10)
                    talk(connection)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield listening.getsockname()[1], count
        finally:
            ended.set()
            thread.join(20)
