"""Sends mail through an SMTP server: encrypted, verified, patient, and exact about who got it."""

import smtplib
import socket
import ssl
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from reportgen.config.deliver import LoginBlock, SmtpBlock
from reportgen.config.secrets import SMTP_PASSWORD, SMTP_TOKEN_COMMAND, SMTP_USER
from reportgen.deliver.secrets import read_secret, read_token, without_secrets
from reportgen.deliver.transport import (
    DeliveryError,
    MessageFor,
    Receipt,
    RefusedError,
    TemporaryError,
    one_line,
    require_certificates,
    retry,
)

PORTS = {"starttls": 587, "tls": 465, "none": 25}
TOO_LARGE = 552  # RFC 1870, section 6.2
MOST_REPLIES = 50_000  # bytes of all that a server says
MOST_TIMEOUTS = 20  # how many times the timeout of one answer all of them may take

_LOST = "the connection was lost; the server may have taken the mail all the same"


@dataclass(frozen=True)
class Smtp:
    """A mail server. environment: where the secrets are."""

    settings: SmtpBlock
    environment: Mapping[str, str] = field(repr=False)

    @property
    def name(self) -> str:
        """The server, for messages."""
        return f"{self.settings.host}:{self._port}"

    @property
    def _port(self) -> int:
        return self.settings.port or PORTS[self.settings.security]

    def send(self, message_for: MessageFor, sender: str, recipients: Sequence[str]) -> Receipt:
        """Send a mail; those whom the server puts off are tried again, refused ones are not."""
        receipt = Receipt(postponed=dict.fromkeys(recipients, ""))

        def attempt() -> None:
            self._send_once(message_for, sender, receipt)
            if receipt.postponed:
                raise TemporaryError(f"{self.name}: {', '.join(receipt.postponed.values())}")

        try:
            retry(attempt, self.settings.attempts, self.settings.wait)
        except DeliveryError as error:
            if not (receipt.accepted or receipt.refused):
                raise
            left = {each: said or error.message for each, said in receipt.postponed.items()}
            if isinstance(error, RefusedError):  # the others have the mail already
                receipt.refused |= dict.fromkeys(left, error.message)
                left = {}
            receipt.postponed = left
        return receipt

    def _send_once(self, message_for: MessageFor, sender: str, receipt: Receipt) -> None:
        login = self._login()
        recipients = [*receipt.postponed]
        with self._explained(login), self._connected() as server:
            if login is not None:
                login.log_in(server)
            failed = _transmit(server, message_for, sender, recipients)
        receipt.accepted += [each for each in recipients if each not in failed]
        receipt.postponed = {}
        for each, (code, text) in failed.items():
            kind = receipt.refused if code >= 500 else receipt.postponed
            kind[each] = without_secrets(_answer(code, text), login.forms if login else ())

    def _login(self) -> "_Login | None":
        block = self.settings.login
        if block is None:
            return None
        user = block.user or read_secret(SMTP_USER, self.environment)
        return _Login(user, self._secret(block), block.method)

    def _secret(self, block: LoginBlock) -> str:
        if block.method == "xoauth2":
            return read_token(block.variable or SMTP_TOKEN_COMMAND, self.environment)
        return read_secret(block.variable or SMTP_PASSWORD, self.environment)

    @contextmanager
    def _connected(self) -> Iterator[smtplib.SMTP]:
        """Open a connection, encrypted as the settings say, and close it at the end."""
        settings = self.settings
        host, port, timeout = settings.host, self._port, settings.timeout
        server: smtplib.SMTP
        if settings.security == "tls":
            server = _TlsConnection(host, port, timeout=timeout, context=self._trust())
        else:
            server = _Connection(host, port, timeout=timeout)
        try:
            if settings.security == "starttls":
                server.starttls(context=self._trust())
            server.ehlo_or_helo_if_needed()
            yield server
            with suppress(smtplib.SMTPException, OSError):
                server.quit()
        finally:
            server.close()

    def _trust(self) -> ssl.SSLContext:
        settings = self.settings
        if settings.ca_file is not None:
            require_certificates(settings.ca_file, "deliver.mail.smtp.ca_file")
        try:
            context = ssl.create_default_context(cafile=settings.ca_file)
        except (OSError, ssl.SSLError) as error:
            raise DeliveryError(
                f"{settings.ca_file}: the certificates cannot be read: {error.strerror}",
                "deliver.mail.smtp.ca_file is a file of certificates in PEM",
            ) from None
        if not settings.verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context

    @contextmanager
    def _explained(self, login: "_Login | None") -> Iterator[None]:
        """Turn what a server or the network does into our errors, without secrets."""
        try:
            yield
        except DeliveryError:
            raise
        except Exception as error:
            kind, said, hint = _explain(error, self.settings.timeout)
            message = f"{self.name}: {said}"
            raise kind(without_secrets(message, login.forms if login else ()), hint) from None


@dataclass(frozen=True)
class _Login:
    """Who logs in, and how: auto, plain, login or xoauth2. secret: password or token."""

    user: str
    secret: str = field(repr=False)
    method: str

    @property
    def forms(self) -> tuple[str, ...]:
        """The secret, as it is sent by each method."""
        return (self.secret, f"\0{self.user}\0{self.secret}", self._xoauth2)

    @property
    def _xoauth2(self) -> str:
        # As Google and Microsoft describe it; there is no RFC.
        return f"user={self.user}\1auth=Bearer {self.secret}\1\1"

    def log_in(self, server: smtplib.SMTP) -> None:
        if not (self.user.isascii() and self.secret.isascii()):
            raise DeliveryError("user and password for the mail server must be ASCII")
        if self.method != "auto":
            mechanism = self.method.upper()
            if mechanism not in server.esmtp_features.get("auth", "").upper().split():
                raise smtplib.SMTPNotSupportedError(f"it does not offer to log in with {mechanism}")
            server.esmtp_features["auth"] = mechanism  # of which login takes the best that it knows
        if self.method == "xoauth2":
            # Once it has refused, the server explains why, and wants an empty answer.
            server.auth("XOAUTH2", lambda given=None: self._xoauth2 if given is None else "")
        else:
            server.login(self.user, self.secret)


class _Replies:
    """The lines that a server says, up to so many bytes and until a deadline.

    The timeout of a socket is of each piece that arrives: a server that greets without end, or a
    letter at a time, would never run into it.
    """

    def __init__(self, connection: socket.socket, timeout: float) -> None:
        self._connection, self._timeout = connection, timeout
        self._end = time.monotonic() + MOST_TIMEOUTS * timeout
        self._bytes = 0

    def readline(self, most: int) -> bytes:
        line = b""
        while len(line) < most and not line.endswith(b"\n"):
            left = self._end - time.monotonic()
            self._bytes += 1
            if left <= 0 or self._bytes > MOST_REPLIES:
                raise TimeoutError("it did not come to an end")
            self._connection.settimeout(min(left, self._timeout))
            letter = self._connection.recv(1)
            if not letter:
                break
            line += letter
        self._connection.settimeout(self._timeout)
        return line

    def close(self) -> None:
        """Do nothing: the connection is closed by whoever opened it."""


class _Connection(smtplib.SMTP):
    """A connection on which a server cannot talk for ever."""

    def getreply(self) -> tuple[int, bytes]:
        if self.file is None and self.sock is not None:
            self.file = _Replies(self.sock, self.timeout)
        return super().getreply()


class _TlsConnection(_Connection, smtplib.SMTP_SSL):
    """The same, encrypted from the first byte."""


def _transmit(
    server: smtplib.SMTP, message_for: MessageFor, sender: str, recipients: Sequence[str]
) -> Mapping[str, tuple[int, bytes]]:
    """Send a mail over a connection; return what the server said of those who did not get it."""
    size = server.esmtp_features.get("size", "")
    message = message_for(int(size) or None if size.isascii() and size.isdigit() else None)
    while True:
        try:
            return server.sendmail(sender, recipients, message)
        except smtplib.SMTPRecipientsRefused as error:
            # Nobody got it, not even those that were taken before the server hung up.
            return dict.fromkeys(recipients, (421, b"the server hung up")) | error.recipients
        except (smtplib.SMTPSenderRefused, smtplib.SMTPDataError) as error:
            if error.smtp_code != TOO_LARGE:
                raise
            try:
                message = message_for(len(message) - 1)
            except RefusedError:
                raise error from None


def _explain(error: Exception, timeout: float) -> tuple[type[DeliveryError], str, str]:
    kind: type[DeliveryError] = TemporaryError
    late = f"it did not answer in time, {timeout:g} s for each answer"
    late += f" and {MOST_TIMEOUTS * timeout:g} s for all"
    hint = ""
    match error:
        case smtplib.SMTPResponseException(smtp_code=code, smtp_error=text):
            said = _answer(code, text)
            if code >= 500:
                kind = DeliveryError
                if isinstance(error, smtplib.SMTPAuthenticationError):
                    said = f"the login was refused: {said}"
                    hint = f"check the user and {SMTP_PASSWORD}, or the token"
                elif isinstance(error, smtplib.SMTPDataError):
                    kind, said = RefusedError, f"the message was refused: {said}"
        case smtplib.SMTPServerDisconnected():
            said = late if isinstance(error.__context__, TimeoutError) else _LOST
        case smtplib.SMTPException():
            kind, said = DeliveryError, str(error).rstrip(".")
            hint = "deliver.mail.smtp.security and login.method say what the server must offer"
        case ssl.SSLCertVerificationError():
            kind, said = (
                DeliveryError,
                f"its certificate is not to be trusted: {error.verify_message}",
            )
            hint = "check the name of the host; for an authority of your own give ca_file"
        case TimeoutError():
            said = late
        case socket.gaierror():
            said = f"its address cannot be found: {error.strerror}"
        case ssl.SSLError():
            said = f"the connection could not be encrypted: {error.reason or error}"
            hint = "is security right: starttls for port 587, tls for port 465?"
        case OSError():
            said = f"no connection: {error.strerror or error}"
        case _:  # an answer that smtplib cannot read: the mail is to be kept all the same
            kind, said = DeliveryError, f"it was not understood: {type(error).__name__}: {error}"
    return kind, said, hint


def _answer(code: int, text: bytes | str) -> str:
    words = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    return one_line(f"{code} {words}")
