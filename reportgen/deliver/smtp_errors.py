"""Says in our words what a mail server or the network did."""

import smtplib
import socket
import ssl

from reportgen.config.secrets import SMTP_PASSWORD
from reportgen.deliver.errors import DeliveryError, RefusedError, TemporaryError

Explained = tuple[type[DeliveryError], str, str]
"""Kind of error, what happened, what to do."""

_LOST = "the connection was lost; the server may have taken the mail all the same"
_LATE = "it did not answer in time"


def explain(error: Exception) -> Explained:
    """Say what kind of error it is, what happened and what to do."""
    if isinstance(error, smtplib.SMTPException):
        return _of_server(error)
    return _of_network(error)


def _of_server(error: smtplib.SMTPException) -> Explained:
    found: Explained
    match error:
        case smtplib.SMTPAuthenticationError() if error.smtp_code >= 500:
            said = f"the login was refused: {answer(error.smtp_code, error.smtp_error)}"
            found = DeliveryError, said, f"check the user and {SMTP_PASSWORD}, or the token"
        case smtplib.SMTPDataError() if error.smtp_code >= 500:
            said = f"the message was refused: {answer(error.smtp_code, error.smtp_error)}"
            found = RefusedError, said, ""
        case smtplib.SMTPResponseException():
            kind = DeliveryError if error.smtp_code >= 500 else TemporaryError
            found = kind, answer(error.smtp_code, error.smtp_error), ""
        case smtplib.SMTPServerDisconnected():
            late = isinstance(error.__context__, TimeoutError)
            found = TemporaryError, _LATE if late else _LOST, ""
        case smtplib.SMTPNotSupportedError():
            hint = "deliver.mail.smtp.security and login.method say what the server must offer"
            found = DeliveryError, _plain(error), hint
        case _:
            found = DeliveryError, _plain(error), ""
    return found


def _of_network(error: Exception) -> Explained:
    found: Explained
    match error:
        case ssl.SSLCertVerificationError():
            said = f"its certificate is not to be trusted: {error.verify_message}"
            hint = "check the name of the host; for an authority of your own give ca_file"
            found = DeliveryError, said, hint
        case TimeoutError():
            found = TemporaryError, _LATE, ""
        case socket.gaierror():
            found = TemporaryError, f"its address cannot be found: {error.strerror}", ""
        case ssl.SSLError():
            hint = "is security right: starttls for port 587, tls for port 465?"
            said = f"the connection could not be encrypted: {error.reason or error}"
            found = TemporaryError, said, hint
        case OSError():
            found = TemporaryError, f"no connection: {error.strerror or error}", ""
        case _:  # an answer that smtplib cannot read: the mail is to be kept all the same
            said = f"it was not understood: {type(error).__name__}: {error}"
            found = DeliveryError, said, ""
    return found


def _plain(error: Exception) -> str:
    text = str(error).rstrip(".")
    return text[:1].lower() + text[1:] if text[1:2].islower() else text


def answer(code: int, text: bytes | str) -> str:
    """Give an answer of a server in one line."""
    words = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    return f"{code} {' '.join(words.split())}".strip()
