import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest

from reportgen.deliver.errors import DeliveryError
from reportgen.deliver.outbox import KEPT, Outbox, Waiting, is_too_old

NOW = datetime(2026, 11, 23, tzinfo=UTC)


def waiting(name="20261123T020000Z", **updates):
    given = {
        "channel": "mail",
        "content": b"Subject: x\r\n\r\n",
        "sender": "r@example.org",
        "addressed": ("a@example.org",),
        "since": NOW,
        "why": "it did not answer",
        "settings": {"smtp": {"host": "localhost"}},
        "runs": {"/data/run": "20261123T020000Z"},
        "facts": {"number": 2},
    }
    return Waiting(name=name, **{**given, **updates})


@pytest.fixture
def outbox(tmp_path):
    found = Outbox(tmp_path)
    with found.locked():
        yield found


def test_what_is_kept_comes_back_as_it_was(outbox):
    path = outbox.keep(waiting())
    assert path.suffix == ".eml"
    assert path.read_bytes() == b"Subject: x\r\n\r\n"
    assert outbox.waiting() == ([waiting()], [])


def test_the_oldest_comes_first(outbox):
    later, first = waiting("a", since=NOW + timedelta(days=1)), waiting("b")
    outbox.keep(later)
    outbox.keep(first)
    assert outbox.waiting()[0] == [first, later]


def test_a_mail_and_a_message_of_one_run_wait_beside_each_other(outbox):
    outbox.keep(waiting())
    outbox.keep(waiting(channel="webhook", content=b"{}"))
    assert {one.channel for one in outbox.waiting()[0]} == {"mail", "webhook"}
    outbox.forget(waiting().name, "webhook")
    assert [one.channel for one in outbox.waiting()[0]] == ["mail"]


def test_what_is_set_aside_waits_no_more_but_is_not_lost(outbox):
    outbox.keep(waiting())
    path = outbox.set_aside(waiting(), "550 no")
    assert outbox.waiting() == ([], [])
    assert path.read_bytes() == b"Subject: x\r\n\r\n"
    assert path.with_suffix(".why").read_text() == "550 no\n"


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: "{",
        lambda text: text.replace("[", '"').replace("]", '"'),
        lambda text: text.replace('"r@example.org"', "5"),
        lambda text: text.replace("2026-11-23T00:00:00Z", "yesterday"),
        lambda text: text.replace('"channel": "mail"', '"channel": "webhook"'),
        lambda text: "[]",
    ],
)
def test_what_is_damaged_is_named_and_does_not_stop_the_rest(outbox, damage):
    outbox.keep(waiting("a"))
    outbox.keep(waiting("b"))
    file = outbox.folder / "waiting" / "a.mail.json"
    text = file.read_text()
    file.write_text(damage(text))
    assert file.read_text() != text
    found, problems = outbox.waiting()
    assert [one.name for one in found] == ["b"]
    (problem,) = problems
    assert "waiting/a.mail: what waits there cannot be read: is damaged" in problem.message


@pytest.mark.parametrize("gone", ["a.mail.eml", "a.mail.json"])
def test_half_of_a_message_is_named_once_and_moved_away(outbox, gone):
    outbox.keep(waiting("a"))
    outbox.keep(waiting("b"))
    (outbox.folder / "waiting" / gone).unlink()
    found, problems = outbox.waiting()
    assert [one.name for one in found] == ["b"]
    (problem,) = problems
    assert "refused/a.mail: only half of a message is there" in problem.message
    assert outbox.waiting() == (found, [])
    left = {"a.mail.eml", "a.mail.json"} - {gone}
    assert {path.name for path in (outbox.folder / "refused").iterdir()} == left


def test_runs_are_remembered_by_channel(outbox):
    assert outbox.delivered("x") == {}
    outbox.remember("x", "mail", {"number": 1})
    outbox.remember("x", "webhook", {"number": 2})
    assert outbox.delivered("x") == {"mail": {"number": 1}, "webhook": {"number": 2}}


@pytest.mark.parametrize("content", ["", "[]", "{", "\xff", '{"mail": 1}'])
def test_a_damaged_memory_is_none(outbox, content):
    outbox.remember("x", "mail", {"number": 1})
    (outbox.folder / "delivered" / "x.json").write_text(content, encoding="latin-1")
    assert outbox.delivered("x") == {}


def test_no_name_leads_out_of_the_folder(outbox, tmp_path):
    outbox.remember("../../evil", "mail", {})
    outbox.keep(waiting("../../evil"))
    inside = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert all(path.is_relative_to(outbox.folder) for path in inside)
    assert not (tmp_path.parent / "evil.json").exists()


def test_only_the_owner_can_read_it(outbox):
    path = outbox.keep(waiting())
    assert outbox.folder.stat().st_mode & 0o777 == 0o700
    assert path.stat().st_mode & 0o077 == 0


def test_two_processes_do_not_deliver_at_a_time(tmp_path):
    program = f"""
import sys, time
from pathlib import Path
from reportgen.deliver.errors import DeliveryError
from reportgen.deliver.outbox import Outbox
with Outbox(Path({str(tmp_path)!r})).locked():
    with open({str(tmp_path / "log")!r}, "a") as log:
        log.write("in ")
        log.flush()
        time.sleep(0.2)
        log.write("out ")
"""
    command = [sys.executable, "-c", program]
    processes = [subprocess.Popen(command) for _ in range(3)]
    assert [process.wait(60) for process in processes] == [0, 0, 0]
    assert (tmp_path / "log").read_text() == "in out " * 3


def test_a_memory_that_cannot_be_read_is_not_none(outbox):
    outbox.remember("x", "mail", {"number": 1})
    file = outbox.folder / "delivered" / "x.json"
    file.unlink()
    file.mkdir()
    with pytest.raises(DeliveryError, match="so it is not known what was sent"):
        outbox.delivered("x")


def test_the_output_folder_is_not_made_when_it_is_gone(tmp_path):
    with pytest.raises(OSError, match="No such file"):
        Outbox(tmp_path / "gone").remember("x", "mail", {})
    assert not (tmp_path / "gone").exists()


def test_what_has_waited_for_days_is_no_news():
    assert not is_too_old(waiting(since=NOW - KEPT + timedelta(hours=1)), NOW)
    assert is_too_old(waiting(since=NOW - KEPT - timedelta(hours=1)), NOW)


def test_a_kept_message_is_complete_or_not_there(outbox):
    path = outbox.keep(waiting())
    known = json.loads(path.with_suffix(".json").read_bytes())
    assert known["addressed"] == ["a@example.org"]
    assert not list((outbox.folder / "waiting").glob(".*"))
