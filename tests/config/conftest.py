import pytest
from documents import ANALYSES, GOOD

from reportgen.config.document import Source
from reportgen.config.loader import load_report
from reportgen.errors import ConfigError, ExitCode


@pytest.fixture
def path(tmp_path):
    return tmp_path / "report.yaml"


@pytest.fixture
def load(path):
    """Load a text as a report."""

    def load(text=GOOD, *overrides, environment=None, analyses=ANALYSES):
        path.write_text(text, encoding="utf-8")
        return load_report(path, analyses, overrides, environment or {})

    return load


@pytest.fixture
def problems(load, path):
    """Give each line of the error of a report, without the file."""

    def problems(text=GOOD, *overrides, **options):
        with pytest.raises(ConfigError) as caught:
            load(text, *overrides, **options)
        assert caught.value.exit_code == ExitCode.CONFIG == 2
        lines = caught.value.message.split("\n")
        assert all(line.startswith((f"{path}:", "--set ")) for line in lines)
        assert max(map(len, lines)) < 500
        return [line.replace(f"{path}:", "", 1) for line in lines]

    return problems


@pytest.fixture
def read(path):
    """Read a text as a document, whatever its keys mean."""

    def read(text, *overrides, environment=None, matrix=None):
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return Source.read(path).document(overrides, environment or {}, matrix)

    return read
