from reportgen.failures import Failed
from reportgen.kept import Scanned
from reportgen.sections import longest_first


def test_sections_of_many_values_come_first_and_the_others_stay_in_order():
    scanned = {
        "a": Scanned(b"1", {}),
        "kept": Scanned(None, {}),
        "b": Scanned(b"1" * 1000, {}),
        "failed": Scanned(Failed("error", "It failed."), {}),
        "c": Scanned(b"1" * 10, {}),
        "d": Scanned(b"1", {}),
    }
    assert longest_first(scanned) == ["b", "c", "a", "d", "kept", "failed"]
