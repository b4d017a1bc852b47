import base64
import os
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reportgen.deliver.secrets import HIDDEN, read_secret, read_token, without_secrets
from reportgen.deliver.transport import DeliveryError, TemporaryError

NAME = "REPORTGEN_SMTP_PASSWORD"


def test_a_secret_is_read_from_its_variable_or_else_from_the_file_that_another_names(tmp_path):
    file = tmp_path / "password"
    file.write_text("pässword\n")
    assert read_secret(NAME, {f"{NAME}_FILE": str(file)}) == "pässword"
    assert read_secret(NAME, {NAME: " a b \n", f"{NAME}_FILE": str(file)}) == " a b "


def test_a_missing_secret_is_said_with_what_to_set():
    with pytest.raises(DeliveryError, match=f"^the environment variable {NAME} is not") as caught:
        read_secret(NAME, {})
    assert f"{NAME}_FILE" in caught.value.hint


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "cannot be read: No such file"),
        (b"\xff\xfe", "it is not UTF-8 text"),
        (b"\n", "is empty"),
    ],
)
def test_a_file_that_holds_no_secret_is_named(tmp_path, content, said):
    file = tmp_path / "password"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(DeliveryError, match=f"{file} .*{said}"):
        read_secret(NAME, {f"{NAME}_FILE": str(file)})


def test_a_pipe_or_a_device_holds_no_secret(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for file in (tmp_path / "pipe", "/dev/zero"):
        with pytest.raises(DeliveryError, match="cannot be read: it is not a regular file"):
            read_secret("A", {"A_FILE": str(file)})


def test_a_token_is_what_a_command_prints_without_a_shell():
    assert read_token(NAME, {NAME: "echo 'a  b' ; exit 1"}) == "a  b ; exit 1"


@pytest.mark.parametrize(
    ("command", "kind", "said"),
    [
        ("false", TemporaryError, "ended with 1"),
        ("true", TemporaryError, "printed nothing"),
        ("/no/such/program", DeliveryError, "cannot be run: No such file"),
        ("echo 'open", DeliveryError, "cannot be run: it has an open quote"),
    ],
)
def test_a_command_that_gives_no_token_is_not_repeated(command, kind, said):
    with pytest.raises(DeliveryError, match=f"^the command of {NAME} {said}") as caught:
        read_token(NAME, {NAME: command})
    assert type(caught.value) is kind
    assert command not in caught.value.message.replace(f"command of {NAME} ", "")


@given(st.text(min_size=4), st.text(), st.text())
def test_no_form_of_a_secret_is_left_in_a_text(secret, before, after):
    encoded = base64.b64encode(secret.encode()).decode()
    for form in (secret, encoded, quote(secret.encode(), safe="")):
        text = without_secrets(f"{before}{form}{after}", [secret])
        assert form not in text.replace(HIDDEN, "\0") or form in before + after


@pytest.mark.parametrize("said", ["xyzzy%20z", "xyzzy z", "hunter22", "/services/T0AB/abcdef"])
def test_no_part_of_the_address_of_a_webhook_is_told(said):
    address = "https://user:hunter22@hooks.example.org/services/T0AB/abcdef?token=xyzzy%20z"
    assert said not in without_secrets(f"invalid {said}.", [address])
