import base64
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reportgen.config.secrets import is_secret
from reportgen.deliver.errors import DeliveryError, TemporaryError
from reportgen.deliver.secrets import HIDDEN, read_secret, read_token, without_secrets

NAME = "REPORTGEN_SMTP_PASSWORD"


def test_a_secret_is_read_from_its_variable():
    assert read_secret(NAME, {NAME: " a b \n"}) == " a b "


def test_a_secret_is_read_from_the_file_that_its_variable_names(tmp_path):
    file = tmp_path / "password"
    file.write_text("pässword\n")
    assert read_secret(NAME, {f"{NAME}_FILE": str(file)}) == "pässword"


def test_the_variable_comes_before_the_file(tmp_path):
    assert read_secret(NAME, {NAME: "one", f"{NAME}_FILE": str(tmp_path / "none")}) == "one"


def test_a_missing_secret_is_said_with_what_to_set():
    with pytest.raises(DeliveryError) as caught:
        read_secret(NAME, {})
    assert caught.value.message == f"the environment variable {NAME} is not set"
    assert f"{NAME}_FILE" in caught.value.hint


def test_a_file_that_cannot_be_read_is_named(tmp_path):
    file = tmp_path / "password"
    with pytest.raises(DeliveryError, match=f"{file} cannot be read: No such file"):
        read_secret(NAME, {f"{NAME}_FILE": str(file)})
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(DeliveryError, match="it is not UTF-8 text"):
        read_secret(NAME, {f"{NAME}_FILE": str(file)})
    file.write_text("\n")
    with pytest.raises(DeliveryError, match=f"{file} is empty"):
        read_secret(NAME, {f"{NAME}_FILE": str(file)})


def test_a_token_is_what_a_command_prints_without_a_shell():
    assert read_token(NAME, {NAME: "echo 'a  b' ; exit 1"}) == "a  b ; exit 1"


@pytest.mark.parametrize(
    ("command", "said"), [("false", "ended with 1"), ("true", "printed nothing")]
)
def test_a_command_that_gives_no_token_may_do_so_later(command, said):
    with pytest.raises(TemporaryError, match=said):
        read_token(NAME, {NAME: command})


@pytest.mark.parametrize("command", ["/no/such/program", "echo 'open"])
def test_a_command_that_cannot_be_run_is_said_without_repeating_it(command):
    with pytest.raises(DeliveryError, match=f"the command of {NAME} cannot be run") as caught:
        read_token(NAME, {NAME: command})
    assert command not in str(caught.value)


@given(st.text(min_size=4), st.text(), st.text())
def test_no_form_of_a_secret_is_left_in_a_text(secret, before, after):
    encoded = base64.b64encode(secret.encode("utf-8", "surrogatepass")).decode()
    for form in (secret, encoded, quote(secret.encode("utf-8", "surrogatepass"), safe="")):
        text = without_secrets(f"{before}{form}{after}", [secret])
        assert form not in text.replace(HIDDEN, "\0") or form in before + after


def test_the_path_of_a_webhook_is_its_secret():
    address = "https://hooks.example.org/services/T0/B0/abcdef?token=xyz"
    text = f"Max retries for /services/T0/B0/abcdef?token=xyz at {address}"
    assert without_secrets(text, [address]) == f"Max retries for {HIDDEN} at {HIDDEN}"


@pytest.mark.parametrize(
    "name",
    [
        "REPORTGEN_SMTP_PASSWORD",
        "REPORTGEN_SMTP_PASSWORD_FILE",
        "REPORTGEN_SMTP_TOKEN_COMMAND",
        "REPORTGEN_WEBHOOK_URL",
        "REPORTGEN_SMTP_PASSWORD_OF_ELAIS",
        "REPORTGEN_HISTORY",
    ],
)
def test_names_of_secrets_are_known(name):
    assert is_secret(name)


@pytest.mark.parametrize("name", ["CDFS_DATA", "SMTP_PASSWORD"])
def test_other_names_are_no_secrets_of_ours(name):
    assert not is_secret(name)


@pytest.mark.parametrize(
    "said", ["abcdef", "xyzzy%20z", "xyzzy z", "T0AB", "hunter22", "/services/T0AB/abcdef"]
)
def test_no_part_of_the_address_of_a_webhook_is_told(said):
    address = "https://user:hunter22@hooks.example.org/services/T0AB/abcdef?token=xyzzy%20z"
    assert said not in without_secrets(f"invalid {said}.", [address])


@pytest.mark.parametrize("secret", ["a://[hunter", "http://[::1/x", "://"])
def test_a_secret_that_looks_like_an_address_is_hidden_too(secret):
    assert without_secrets(f"no {secret}!", [secret]) in {f"no {HIDDEN}!", "no ://!"}
