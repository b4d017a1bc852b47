from datetime import UTC, datetime, timedelta

import pytest

from reportgen.deliver.mail_view import Absent
from reportgen.deliver.outbox import Message, Outbox

NOW = datetime(2026, 11, 23, tzinfo=UTC)


def message(name="20261123T020000Z", **fields):
    given = {
        "channel": "mail",
        "content": b"Subject: x\r\n\r\n",
        "sender": "r@example.org",
        "recipients": ("a@example.org",),
        "since": NOW,
        "runs": {"/data/run": "20261123T020000Z"},
        "absent": (Absent("elais", "It was not built."),),
        "number": 2,
    }
    return Message(name=name, **{**given, **fields})


@pytest.fixture
def outbox(tmp_path):
    found = Outbox(tmp_path)
    with found.locked():
        yield found


def test_what_waits_comes_back_as_it_was_the_oldest_first(outbox):
    later, first = message("a", since=NOW + timedelta(days=1)), message("b", why="it is down: Ü")
    posted = message("b", channel="webhook", content=b"{}\r\n", since=NOW + timedelta(hours=1))
    for one in (later, first, posted):
        path = outbox.keep(one)
        assert path.read_bytes().endswith(one.content)
        assert path.stat().st_mode & 0o777 == 0o600
    assert outbox.folder.stat().st_mode & 0o777 == 0o700
    assert outbox.waiting() == ([first, posted, later], [])
    outbox.remove(posted)
    assert outbox.waiting() == ([first, later], [])


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"2026-11-23T00:00:00Z", b"yesterday"),
        (b'"channel": "mail"', b'"channel": "webhook"'),
        (b"\r\n", b""),
    ],
)
def test_what_is_damaged_is_named_and_does_not_stop_the_rest(outbox, old, new):
    path = outbox.keep(message("a"))
    outbox.keep(message("b"))
    assert old in path.read_bytes()
    path.write_bytes(path.read_bytes().replace(old, new))
    found, problems = outbox.waiting()
    assert found == [message("b")]
    (problem,) = problems
    assert problem.message == f"{path}: what waits there cannot be read: is damaged"


@pytest.mark.parametrize("content", ["", "[]", "\xff", '{"mail": 1}'])
def test_a_damaged_memory_is_none_and_can_be_written_again(outbox, content):
    outbox.remember("x", "mail", {"number": 1})
    (outbox.folder / "delivered" / "x.json").write_text(content, encoding="latin-1")
    assert outbox.delivered("x", "mail") is None
    outbox.remember("x", "mail", {"number": 2})
    assert outbox.delivered("x", "mail") == {"number": 2}


def test_no_name_and_no_link_leads_out_of_the_folder(outbox, tmp_path):
    outbox.remember("../../evil", "mail", {})
    path = outbox.keep(message("../../evil"))
    inside = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert all(path.is_relative_to(outbox.folder) for path in inside)
    path.with_name(f".{path.name}").symlink_to(tmp_path / "target")
    with pytest.raises(OSError, match="symbolic links"):
        outbox.keep(message("../../evil"))
    assert not (tmp_path / "target").exists()
