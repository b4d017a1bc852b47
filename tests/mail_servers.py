"""Real servers that tests send mail to: whole ones with faults on order, ones that break off."""

import asyncio
import base64
import socket
import ssl
import threading
from contextlib import contextmanager, suppress
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
class Server:
    """A server that runs.

    refusals: answers to recipients, one or in turn. data, senders: answers to each DATA and MAIL in
    turn. secret: how it explains that it refuses a token. received: the mails that it took.
    """

    port: int = 0
    authority: str | None = None
    refusals: dict = field(default_factory=dict)
    data: list = field(default_factory=list)
    senders: list = field(default_factory=list)
    secret: str = ""
    received: list = field(default_factory=list)
    logins: list = field(default_factory=list)
    connections: list = field(default_factory=list)
    on_data: object = None

    def reset(self):
        """Make it as new."""
        self.__init__(self.port, self.authority)

    @property
    def only(self):
        """The one mail."""
        (mail,) = self.received
        return mail


class _Handler:
    """Answers for a server."""

    def __init__(self, state):
        self.state = state

    async def handle_MAIL(self, server, session, envelope, address, options):  # noqa: N802
        if self.state.senders:
            return self.state.senders.pop(0)
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(self, server, session, envelope, address, options):  # noqa: N802
        answer = self.state.refusals.get(address) or "250 OK"
        if isinstance(answer, list):
            answer = answer.pop(0)
        if answer.startswith("2"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(self, server, session, envelope):  # noqa: N802
        if self.state.on_data is not None:
            self.state.on_data()
        answer = self.state.data.pop(0) if self.state.data else "250 taken"
        if answer == "drop":
            server.transport.close()
            await asyncio.sleep(0)
            return "451 gone"
        if answer.startswith("2"):
            user = session.auth_data if session.authenticated else None
            recipients = list(envelope.rcpt_tos)
            self.state.received.append(
                Received(envelope.mail_from, recipients, envelope.content, user)
            )
        return answer


class Certificates:
    """An authority of our own, and a server's certificate that it signed."""

    def __init__(self, folder, name="localhost"):
        authority = trustme.CA()
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert(name).configure_cert(self.context)
        self.authority = folder / "authority.pem"
        authority.cert_pem.write_to_path(self.authority)


@contextmanager
def smtp_server(*, certificates=None, security="none", login=None, size=None):
    """Run a mail server.

    login: (user, password) that is wanted. size: the largest mail that it takes.
    """
    state = Server(authority=certificates and str(certificates.authority))

    def authenticate(server, session, envelope, mechanism, data):
        state.logins.append(mechanism)
        given = (data.login.decode(), data.password.decode())
        return AuthResult(success=given == login, handled=given == login, auth_data=given[0])

    class Protocol(SMTP):
        def connection_made(self, transport):
            peer = transport.get_extra_info("peername")
            if peer not in state.connections:  # STARTTLS makes one anew
                state.connections.append(peer)
            super().connection_made(transport)

        async def auth_XOAUTH2(self, server, args):  # noqa: N802
            state.logins.append("XOAUTH2")
            user, token = login
            if args[1].encode() == base64.b64encode(
                f"user={user}\1auth=Bearer {token}\1\1".encode()
            ):
                self.session.auth_data = user
                return AuthResult(success=True, auth_data=user)
            await self.challenge_auth(b'{"status":"401"}')
            if state.secret:
                await self.push(state.secret)
            return AuthResult(success=False, handled=bool(state.secret))

    options = {"hostname": "localhost", "decode_data": False, "data_size_limit": size}
    if login is not None:
        encrypted = security == "starttls"
        options |= {"auth_required": encrypted, "auth_require_tls": encrypted}
        options["authenticator"] = authenticate
    context = certificates.context if certificates else None
    if security == "starttls":
        options |= {"tls_context": context, "require_starttls": True}

    class Running(Controller):
        def factory(self):
            return Protocol(self.handler, **options)

    given = {"ssl_context": context} if security == "tls" else {}
    running = Running(_Handler(state), hostname="127.0.0.1", port=free_port(), **given)
    running.start()
    state.port = running.port
    state.connections.clear()  # the controller knocks at its own door
    try:
        yield state
    finally:
        running.stop()


def free_port():
    """Return a port where nobody listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


@contextmanager
def raw_server(talk):
    """Run a server that talks as it likes; give its port, and a list that grows by each connection.

    talk: is called with each connection, in its thread.
    """
    with socket.create_server(("127.0.0.1", 0)) as listening:
        count = []

        def serve():
            while True:
                try:
                    connection, _ = listening.accept()
                except OSError:  # it talked until the test had ended
                    return
                with connection:
                    if ended.is_set():
                        return
                    count.append(1)
                    connection.settimeout(10)
                    with suppress(OSError):  # who listens may have heard enough
                        talk(connection)

        ended = threading.Event()
        port = listening.getsockname()[1]
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield port, count
        finally:
            ended.set()
            socket.create_connection(("127.0.0.1", port)).close()  # so that it sees the end
            thread.join(20)
