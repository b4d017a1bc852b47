"""Sends mail through an SMTP server: encrypted, verified, patient, and exact about who got it."""

import smtplib
import ssl
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from reportgen.config.deliver import LoginBlock, SmtpBlock
from reportgen.config.secrets import SMTP_PASSWORD, SMTP_TOKEN_COMMAND, SMTP_USER
from reportgen.deliver.errors import DeliveryError, RefusedError, TemporaryError
from reportgen.deliver.secrets import read_secret, read_token, without_secrets
from reportgen.deliver.smtp_errors import answer, explain
from reportgen.deliver.transport import Envelope, MessageFor, Patience, Receipt

PORTS = {"starttls": 587, "tls": 465, "none": 25}
TOO_LARGE = 552  # RFC 1870, section 6.2
Answer = tuple[int, bytes | str]


@dataclass(frozen=True)
class Login:
    """Who logs in, and how: auto, plain, login or xoauth2. secret: password or token."""

    user: str
    secret: str = field(repr=False)
    method: str


@dataclass(frozen=True)
class Smtp:
    """A mail server. environment: where the secrets are."""

    settings: SmtpBlock
    environment: Mapping[str, str] = field(repr=False)

    def send(self, message_for: MessageFor, envelope: Envelope) -> Receipt:
        """Send a mail; those whom the server puts off are tried again, refused ones are not."""
        waiting = list(envelope.recipients)
        accepted: list[str] = []
        refused: dict[str, str] = {}
        postponed: dict[str, str] = {}

        def attempt() -> None:
            receipt = self._once(message_for, Envelope(envelope.sender, tuple(waiting)))
            accepted.extend(receipt.accepted)
            refused.update(receipt.refused)
            postponed.clear()
            postponed.update(receipt.postponed)
            waiting[:] = receipt.postponed
            if waiting:
                raise TemporaryError(f"{self.name}: {', '.join(receipt.postponed.values())}")

        try:
            Patience(self.settings.attempts, self.settings.wait).try_again(attempt)
        except DeliveryError as error:
            put_off = postponed and isinstance(error, TemporaryError)
            if not (accepted or refused or put_off):
                raise
            if isinstance(error, RefusedError):  # the others have the mail already
                refused.update(dict.fromkeys(waiting, error.message))
                postponed.clear()
            else:
                postponed = {each: postponed.get(each, error.message) for each in waiting}
        return Receipt(tuple(accepted), refused, postponed)

    @property
    def name(self) -> str:
        """The server, for messages."""
        return f"{self.settings.host}:{self._port}"

    @property
    def _port(self) -> int:
        return self.settings.port or PORTS[self.settings.security]

    def _once(self, message_for: MessageFor, envelope: Envelope) -> Receipt:
        login = self._login()
        with self._errors(login), self._connected() as server:
            if login is not None:
                _log_in(server, login)
            failed, taken = _send(server, message_for, envelope)
        said = {
            address: (code, without_secrets(answer(code, text), _secrets(login)))
            for address, (code, text) in failed.items()
        }
        return Receipt(
            taken,
            refused={address: text for address, (code, text) in said.items() if code >= 500},
            postponed={address: text for address, (code, text) in said.items() if code < 500},
        )

    def _login(self) -> Login | None:
        block = self.settings.login
        if block is None:
            return None
        user = block.user or read_secret(SMTP_USER, self.environment)
        return Login(user, self._secret(block), block.method)

    def _secret(self, block: LoginBlock) -> str:
        if block.method == "xoauth2":
            return read_token(block.variable or SMTP_TOKEN_COMMAND, self.environment)
        return read_secret(block.variable or SMTP_PASSWORD, self.environment)

    @contextmanager
    def _connected(self) -> Iterator[smtplib.SMTP]:
        """Give a connection, encrypted as the settings say; it is closed at the end."""
        settings = self.settings
        where = (settings.host, self._port)
        server: smtplib.SMTP
        if settings.security == "tls":
            server = smtplib.SMTP_SSL(*where, timeout=settings.timeout, context=self._trust())
        else:
            server = smtplib.SMTP(*where, timeout=settings.timeout)
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
    def _errors(self, login: Login | None) -> Iterator[None]:
        """Turn what a server or the network does into our errors, without secrets."""
        try:
            yield
        except DeliveryError:
            raise
        except Exception as error:
            kind, said, hint = explain(error)
            told = without_secrets(f"{self.name}: {said}", _secrets(login))
            raise kind(told, hint) from None


def _send(
    server: smtplib.SMTP, message_for: MessageFor, envelope: Envelope
) -> tuple[dict[str, Answer], tuple[str, ...]]:
    """Send a mail over a connection; give who did not get it and who did."""
    size = server.esmtp_features.get("size", "")
    limit = int(size) or None if size.isascii() and size.isdigit() else None
    message = message_for(limit)
    while True:
        try:
            failed = server.sendmail(envelope.sender, list(envelope.recipients), message)
            taken = tuple(each for each in envelope.recipients if each not in failed)
            return dict(failed), taken
        except smtplib.SMTPRecipientsRefused as error:
            # Nobody got it, not even those that were taken before the server hung up.
            lost: dict[str, Answer] = dict.fromkeys(
                envelope.recipients, (421, "the server hung up")
            )
            return {**lost, **error.recipients}, ()
        except (smtplib.SMTPSenderRefused, smtplib.SMTPDataError) as error:
            if error.smtp_code != TOO_LARGE:
                raise
            try:
                message = message_for(len(message) - 1)
            except RefusedError:
                raise error from None


def _secrets(login: Login | None) -> list[str]:
    if login is None:
        return []
    plain = f"\0{login.user}\0{login.secret}"
    return [login.secret, plain, _xoauth2(login)]


def _xoauth2(login: Login) -> str:
    """Give the answer of Google and Microsoft's XOAUTH2, which has no RFC."""
    return f"user={login.user}\1auth=Bearer {login.secret}\1\1"


def _log_in(server: smtplib.SMTP, login: Login) -> None:
    if not (login.user.isascii() and login.secret.isascii()):
        raise DeliveryError("user and password for the mail server must be ASCII")
    if login.method == "auto":
        server.login(login.user, login.secret)
        return
    server.user, server.password = login.user, login.secret
    answers: dict[str, Callable[..., str]] = {
        "plain": server.auth_plain,
        "login": server.auth_login,
        # Once it has refused, the server explains why, and wants an empty answer before it ends.
        "xoauth2": lambda challenge=None: _xoauth2(login) if challenge is None else "",
    }
    mechanism = login.method.upper()
    if mechanism not in server.esmtp_features.get("auth", "").upper().split():
        raise smtplib.SMTPNotSupportedError(f"it does not offer to log in with {mechanism}")
    server.auth(mechanism, answers[login.method])
