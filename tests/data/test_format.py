import numpy as np
import pytest
from projects import ROOT
from tables_of_formats import described, read, refused

FIELDS = [("id", "i8"), ("flux", ">f4"), ("pair", "u1", (2,))]


@pytest.fixture
def npy():
    """The format that CONTRIBUTING.md has as an example."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    (code,) = (block for block in text.split("```python\n")[1:] if "Format" in block)
    names = {}
    exec(code.partition("```")[0], names)  # noqa: S102 - our own
    return names["NpyTable"]()


def test_the_format_that_contributing_shows_is_one(npy, tmp_path):
    path = tmp_path / "a.npy"
    np.save(path, np.array([(2**60 + 1, 1.5, (1, 2)), (2, np.nan, (3, 4))], FIELDS))
    assert npy.recognises(path, path.read_bytes())
    assert described(npy, path)["flux"].dtype == ">f4"
    found = read(npy, path, "id", ("pair", 1), rows=(0, 2))
    assert [values.tolist() for values in found.values()] == [[2**60 + 1, 2], [2, 4]]
    assert "column pair cannot be read: has 2 values in each row" in refused(npy, path, "pair")
    path.write_bytes(path.read_bytes()[:-9])
    assert "is damaged: " in refused(npy, path)
