"""Mail servers that the tests share; each test finds them as new."""

import pytest
from mail_servers import PASSWORD, USER, Certificates, smtp_server


@pytest.fixture(scope="session")
def certificates(tmp_path_factory):
    return Certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="session")
def _relay():
    with smtp_server() as running:
        yield running


@pytest.fixture
def server(_relay):
    """A server that takes mail from anybody, without encryption."""
    _relay.reset()
    return _relay


@pytest.fixture(scope="session")
def _login_server(certificates):
    login = (USER, PASSWORD)
    with smtp_server(certificates=certificates, security="starttls", login=login) as running:
        yield running


@pytest.fixture
def login_server(_login_server):
    """A server that wants a login over STARTTLS."""
    _login_server.reset()
    return _login_server
