"""The names under which secrets stand in the environment: nowhere else is one read from."""

import re
from types import MappingProxyType

PREFIX = "REPORTGEN_"
FILE_SUFFIX = "_FILE"
"""NAME_FILE names a file that holds the secret, as services and containers give it."""

SMTP_USER = "REPORTGEN_SMTP_USER"
SMTP_PASSWORD = "REPORTGEN_SMTP_PASSWORD"  # noqa: S105 - the name of a variable
SMTP_TOKEN_COMMAND = "REPORTGEN_SMTP_TOKEN_COMMAND"  # noqa: S105 - the name of a variable
SENDMAIL = "REPORTGEN_SENDMAIL"
WEBHOOK_URL = "REPORTGEN_WEBHOOK_URL"

NAME = re.compile(rf"^{PREFIX}[A-Z0-9_]+$")
"""Which variables a configuration may name. A run folder keeps the configuration of its delivery,
so without a prefix a run folder from elsewhere could ask for any variable of whoever mails it."""

ADVICE = MappingProxyType(
    {
        "password": f"set the environment variable {SMTP_PASSWORD}, "
        f"or {SMTP_PASSWORD}{FILE_SUFFIX} to a file that holds it",
        "token": f"set the environment variable {SMTP_TOKEN_COMMAND} to the command that prints it",
        "token_command": f"set the environment variable {SMTP_TOKEN_COMMAND} to it",
        "url": f"set the environment variable {WEBHOOK_URL}, "
        f"or {WEBHOOK_URL}{FILE_SUFFIX} to a file that holds it",
    }
)
"""What to do instead of writing a secret into the YAML, by the key where people would put it."""


def is_secret(name: str) -> bool:
    """Return whether an environment variable may hold a secret, by its name: any of ours may."""
    return name.startswith(PREFIX)
