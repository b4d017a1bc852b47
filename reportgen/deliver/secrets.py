"""Reads secrets from the environment, and takes them out of whatever is said."""

import base64
import os
import shlex
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from reportgen.config.secrets import FILE_SUFFIX
from reportgen.deliver.transport import DeliveryError, TemporaryError
from reportgen.record import read_regular

HIDDEN = "•••"
TOKEN_SECONDS = 60.0  # for a command that asks a service for a token
_SHORTEST = 4  # characters; what is shorter stands in too many words to be taken out


def read_secret(variable: str, environment: Mapping[str, str] = os.environ) -> str:
    """Return the secret of an environment variable, or of the file that VARIABLE_FILE names.

    Line ends after it are not part of it. Raises DeliveryError when there is none.
    """
    if value := environment.get(variable, "").strip("\r\n"):
        return value
    file = environment.get(f"{variable}{FILE_SUFFIX}", "")
    if not file:
        raise DeliveryError(
            f"the environment variable {variable} is not set",
            f"set it, or set {variable}{FILE_SUFFIX} to a file that holds the secret",
        )
    try:
        value = read_regular(Path(file)).decode().strip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        said = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise DeliveryError(f"{variable}{FILE_SUFFIX}: {file} cannot be read: {said}") from None
    if not value:
        raise DeliveryError(f"{variable}{FILE_SUFFIX}: {file} is empty")
    return value


def read_token(variable: str, environment: Mapping[str, str] = os.environ) -> str:
    """Return what the command of an environment variable prints.

    The command is split as a shell does, but no shell runs it. Raises DeliveryError when it cannot
    be run, and TemporaryError when it fails; what it printed is not repeated.
    """
    command = read_secret(variable, environment)
    try:
        done = subprocess.run(  # noqa: S603 - the user's own command
            shlex.split(command),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=TOKEN_SECONDS,
            check=False,
        )
    except (OSError, ValueError, IndexError) as error:
        said = getattr(error, "strerror", None) or "it has an open quote, or is empty"
        raise DeliveryError(f"the command of {variable} cannot be run: {said}") from None
    except subprocess.TimeoutExpired:
        said = f"the command of {variable} did not end within {TOKEN_SECONDS:.0f} seconds"
        raise TemporaryError(said) from None
    token = done.stdout.decode("utf-8", "replace").strip()
    if done.returncode or not token:
        why = f"ended with {done.returncode}" if done.returncode else "printed nothing"
        raise TemporaryError(f"the command of {variable} {why}", "run it by hand to see why")
    return token


def without_secrets(text: str, secrets: Iterable[str]) -> str:
    """Return a text without secrets, also as servers might repeat them: in base64 or quoted."""
    for secret in sorted({form for one in secrets for form in _forms(one)}, key=len, reverse=True):
        text = text.replace(secret, HIDDEN)
    return text


def _forms(secret: str) -> list[str]:
    if len(secret) < _SHORTEST:
        return []
    encoded = base64.b64encode(secret.encode()).decode()
    forms = [secret, encoded, encoded.rstrip("="), quote(secret, safe=""), repr(secret)[1:-1]]
    forms += _parts_of_address(secret)
    forms += [unquote(form) for form in forms]
    return [form for form in forms if len(form) >= _SHORTEST]


def _parts_of_address(text: str) -> list[str]:
    """Return what in the address of a webhook is secret: everything but the host."""
    try:
        parts = urlsplit(text)
    except ValueError:
        return []
    if not parts.scheme or not parts.netloc:
        return []
    values = [value for _, value in parse_qsl(parts.query)]
    values += [each.partition("=")[2] for each in parts.query.split("&")]
    login = [parts.username or "", parts.password or ""]
    whole = f"{parts.path}?{parts.query}"
    return [whole, parts.path, parts.query, *parts.path.split("/"), *values, *login]
