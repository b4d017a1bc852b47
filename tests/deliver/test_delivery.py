import json
import os
import re
import signal
import subprocess
import sys
from email import message_from_bytes
from email.policy import default
from pathlib import Path

import pytest
from mail_servers import raw_server, smtp_server
from mailed_runs import MAIL, change, mailed_run
from web_servers import web_server

from reportgen.deliver import (
    Absent,
    Options,
    deliver_notice,
    deliver_runs,
    flush_outbox,
    promise_delivery,
    write_messages,
)
from reportgen.deliver.recipients import delivery_settings, read_runs
from reportgen.errors import ConfigError, ExitCode
from reportgen.record import read_summary

A, B, ME = "a@example.org", "b@example.org", "me@example.org"
AGAIN, TRIAL = Options(again=True), Options(to=(ME,))
NOBODY = 1  # a port where nobody listens


def by(server, *, to=(A,), **keys):
    """Return the keys of deliver.mail that send to a server."""
    port = server if isinstance(server, int) else server.port
    smtp = {**MAIL["smtp"], "port": port, **keys.pop("smtp", {})}
    return {"to": to if isinstance(to, dict) else list(to), "smtp": smtp, **keys}


def deliver(*runs, options=Options(), environment=None):  # noqa: B008 - frozen
    return deliver_runs(runs, options, environment or {})


def done(log):
    return " ".join(log.done)


def problems(log):
    return [problem.message for problem in log.problems]


def waiting(folder):
    return list(folder.glob(".deliver/waiting/*"))


def subjects(server):
    return [mail.message["Subject"] for mail in server.received]


def ids(server):
    return {mail.message["Message-ID"] for mail in server.received}


def test_a_run_is_mailed_once_by_whatever_name_it_is_called(tmp_path, server):
    run = mailed_run(tmp_path, mail=by(server))
    link = tmp_path / "latest"
    link.symlink_to(run.name)
    assert done(deliver(link, run)) == f"Mailed to {A}."
    again = deliver(run)
    assert "was mailed before" in done(again)
    assert not again.problems
    run.rename(tmp_path / "kept-for-the-paper")
    assert "was mailed before" in done(deliver(tmp_path / "kept-for-the-paper"))
    assert subjects(server) == ["[cdfs] OK 2 checks · 2026-09-01"]


def test_a_mail_that_is_sent_again_has_an_id_of_its_own_also_when_it_had_to_wait(tmp_path, server):
    run = mailed_run(tmp_path, mail=by(server))
    deliver(run)
    server.data[:] = ["451 busy"]
    deliver(run, options=AGAIN)
    flush_outbox(tmp_path, {})
    deliver(run, options=AGAIN)
    assert len(ids(server)) == len(server.received) == 3
    assert len({mail.message["References"] for mail in server.received}) == 1


def test_a_look_at_the_mail_is_not_remembered_has_its_own_id_and_flushes_nothing(tmp_path, server):
    deliver(mailed_run(tmp_path, mail=by(NOBODY)))
    run = mailed_run(tmp_path, mail=by(server, cc=[B]), night=1)
    assert done(deliver(run, options=TRIAL)) == f"Mailed to {ME}."
    deliver(run)
    assert [mail.recipients for mail in server.received] == [[ME], [A, B], [A]]
    assert len(ids(server)) == 3


def test_recipients_go_by_the_verdict(tmp_path, server):
    to = {"warn": [A], "fail": [A, B]}
    ok, *_ = logs = [
        deliver(mailed_run(tmp_path, status=status, night=night, mail=by(server, to=to)))
        for night, status in enumerate(["ok", "warn", "fail"])
    ]
    assert ok.done == ["Not mailed: deliver.mail.to names nobody for OK."]
    assert [mail.recipients for mail in server.received] == [[A], [A, B]]
    assert not [problem for log in logs for problem in log.problems]


def test_a_quiet_night_is_not_told_where_only_changes_are_wanted(tmp_path, server):
    run = mailed_run(tmp_path, mail=by(server, when="change"), webhook={"when": "change"})
    change(run, since=(read_summary(run).since[0].model_copy(update={"changes": ()}),))
    assert deliver(run).done == [
        "Not mailed: nothing to tell (deliver.mail.when is change).",
        "Not posted: nothing to tell (deliver.webhook.when is change).",
    ]
    assert not server.received
    deliver(run, options=AGAIN)
    assert len(server.received) == 1


def test_what_cannot_be_sent_is_kept_and_sent_by_the_next_run(tmp_path, server):
    server.data[:] = ["451 busy"]
    first = mailed_run(tmp_path, mail=by(server))
    (problem,) = deliver(first).problems
    assert problem.exit_code == ExitCode.DELIVERY
    said = f"the mail of {first.name} could not be sent: localhost:{server.port}: 451 busy"
    assert problem.message == said
    assert "the next run" in problem.hint
    (kept,) = waiting(tmp_path)
    log = deliver(mailed_run(tmp_path, mail=by(server), night=1))
    assert not log.problems
    assert f"The mail of {first.name}, which had waited, went to {A}." in log.done
    assert [subject[-10:] for subject in subjects(server)] == ["2026-09-02", "2026-09-01"]
    assert not kept.exists()
    assert "was mailed before" in done(deliver(first))


def test_a_flush_goes_by_the_settings_of_the_newest_run_and_keeps_what_fails(
    tmp_path, server, monkeypatch
):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "86400")  # is of builds: it does not age the mail
    run = mailed_run(tmp_path / "matrix" / "a", mail=by(NOBODY))
    log = deliver(run)
    assert f"reportgen mail --flush {tmp_path}/matrix/a" in log.problems[0].hint
    monkeypatch.delenv("SOURCE_DATE_EPOCH")
    assert "could not be sent" in problems(flush_outbox(run, {}))[0]
    assert len(waiting(tmp_path / "matrix" / "a")) == 1
    mailed_run(tmp_path / "matrix" / "a", mail=by(server), night=1)
    log = flush_outbox(tmp_path / "matrix", {})  # above the folder of the runs
    assert log.done == [f"The mail of {run.name}, which had waited, went to {A}."]
    assert not log.problems
    assert server.only.message["Date"].datetime.year >= 2026
    assert flush_outbox(tmp_path, {}).done == ["Nothing waits."]
    with pytest.raises(ConfigError, match="there is no such folder"):
        flush_outbox(tmp_path / "none", {})


def test_after_days_a_kept_mail_is_set_aside(tmp_path, server):
    deliver(mailed_run(tmp_path, mail=by(NOBODY)))
    (kept,) = waiting(tmp_path)
    old = re.sub(rb'"since": "[^"]*"', b'"since": "2026-01-01T03:00:00Z"', kept.read_bytes())
    kept.write_bytes(old)
    mailed_run(tmp_path, mail=by(server), night=6)
    (said,) = problems(flush_outbox(tmp_path, {}))
    assert "it has waited since 2026-01-01 03:00 UTC: localhost:1: " in said
    assert not server.received
    assert not waiting(tmp_path)
    (refused,) = tmp_path.glob(".deliver/refused/*.eml")
    assert message_from_bytes(refused.read_bytes())["From"].startswith("CDFS reports")


def test_a_refused_message_is_set_aside_and_not_sent_again(tmp_path, server):
    server.data[:] = ["554 policy"]
    log = deliver(mailed_run(tmp_path, mail=by(server)))
    assert "was refused: " in problems(log)[0]
    assert "554 policy" in problems(log)[0]
    (refused,) = tmp_path.glob(".deliver/refused/*.eml")
    assert log.done == [f"It lies in {refused}."]
    assert flush_outbox(tmp_path, {}).done == ["Nothing waits."]


def test_a_refused_recipient_is_named_and_neither_others_nor_older_mail_lack_it(tmp_path, server):
    deliver(mailed_run(tmp_path, mail=by(NOBODY)))
    server.refusals[B] = "550 5.1.1 who?"
    run = mailed_run(tmp_path, mail=by(server, to=[A, B]), night=1)
    log = deliver(run)
    assert log.done[0] == f"Mailed to {A}."
    (said,) = problems(log)
    assert said.startswith(f"the mail of {run.name} was refused: {B} (550 5.1.1 who?); the others")
    deliver(run)
    assert len(server.received) == 2


def test_those_who_are_put_off_get_it_later_and_the_others_once(tmp_path, server):
    server.refusals[B] = ["450 greylisted", "250 OK"]
    log = deliver(mailed_run(tmp_path, mail=by(server, to=[A, B])))
    assert problems(log)[0].endswith(f"could not be sent: {B} (450 greylisted)")
    assert not flush_outbox(tmp_path, {}).problems
    assert [mail.recipients for mail in server.received] == [[A], [B]]
    assert len(ids(server)) == 1


@pytest.mark.parametrize("harm", ["a file", "a link", "anybody's", "another user's"])
def test_an_outbox_that_cannot_be_trusted_is_not_used_and_does_not_stop_the_mail(
    tmp_path, server, harm
):
    deliver(mailed_run(tmp_path, mail=by(NOBODY)))
    (planted,) = waiting(tmp_path)
    outbox = tmp_path / ".deliver"
    if harm in {"a file", "a link"}:
        outbox.rename(tmp_path / "elsewhere")
    if harm == "a file":
        outbox.write_text("a file where a folder should be")
    elif harm == "a link":
        outbox.symlink_to(tmp_path / "elsewhere")
    elif harm == "anybody's":
        outbox.chmod(0o777)
    elif os.geteuid() == 0:
        os.chown(outbox, 12345, 12345)
    else:
        pytest.skip("only root can give a folder away (not root)")
    log = deliver(mailed_run(tmp_path, mail=by(server), night=1))
    assert log.done == [f"Mailed to {A}."]
    assert subjects(server) == ["[cdfs] OK 2 checks · 2026-09-02"]
    (problem,) = log.problems
    assert ".deliver: cannot be written: " in problem.message
    assert "may be sent twice" in problem.hint
    flush_outbox(tmp_path, {})
    assert len(server.received) == 1
    assert len(list(tmp_path.rglob(planted.name))) == 1


def test_a_kept_mail_is_made_smaller_for_a_server_that_takes_less(tmp_path):
    deliver(mailed_run(tmp_path, mail=by(NOBODY), pdf=b"%PDF-" + os.urandom(200_000)))
    (kept,) = waiting(tmp_path)
    before = message_from_bytes(kept.read_bytes(), policy=default)
    assert kept.stat().st_size > 100_000
    with smtp_server(size=100_000) as server:
        mailed_run(tmp_path, mail=by(server), night=1)
        assert not flush_outbox(tmp_path, {}).problems
        assert len(server.only.content) <= 100_000
        assert server.only.message["Message-ID"] == before["Message-ID"]
        assert server.only.message["X-Reportgen-Outbox"] is None


def test_several_runs_make_one_mail_and_all_are_remembered_also_when_it_had_to_wait(
    tmp_path, server
):
    runs = [mailed_run(tmp_path / name, mail=by(server)) for name in "ab"]
    server.data[:] = ["451 busy"]
    assert deliver(*runs).problems
    (tonight,) = [mailed_run(tmp_path / "a", mail=by(server), night=1)]
    assert not deliver(tonight).problems
    first, second = subjects(server)
    assert first == "[cdfs] OK 2 checks · 2026-09-02"
    assert second.startswith("[reports-")
    assert all("was mailed before" in done(deliver(run)) for run in runs)


def test_a_verdict_is_posted_once_and_kept_when_that_fails(tmp_path):
    webhook = {"kind": "generic", "attempts": 1, "wait": 0.01}
    with web_server((503, "busy")) as site:
        environment = {"REPORTGEN_WEBHOOK_URL": site.address}
        run = mailed_run(tmp_path, mail=False, webhook=webhook)
        (said,) = problems(deliver(run, environment=environment))
        assert f"the message for the webhook of {run.name} could not be sent" in said
        assert flush_outbox(tmp_path, environment).done == [
            f"The message for the webhook of {run.name}, which had waited, went to the webhook "
            "(generic)."
        ]
        deliver(run, environment=environment)
        assert len(site.requests) == 2
        assert site.json["run"]["id"] == run.name
        log = deliver(run, options=AGAIN, environment=environment)
        assert log.done == ["Posted to the webhook (generic)."]
        assert len(site.requests) == 3


@pytest.mark.parametrize("mailed", [True, False, None])
def test_neither_a_link_that_cannot_be_made_nor_a_mail_that_fails_stops_the_rest(
    tmp_path, server, mailed
):
    links = {"report": "{{ sections[9].id }}", "index": "https://x.org/"}
    mail = False if mailed is None else by(server if mailed else NOBODY)
    with web_server() as site:
        run = mailed_run(tmp_path, mail=mail, webhook={"attempts": 1}, links=links)
        log = deliver(run, environment={"REPORTGEN_WEBHOOK_URL": site.address})
        assert site.json["links"] == {"index": "https://x.org/"}
    assert len(server.received) == bool(mailed)
    *failed, said = problems(log)
    assert len(failed) == (mailed is False)
    assert said.startswith("deliver.links.report: the template '{{ sections[9].id }}' cannot be")


def test_a_dry_run_writes_what_would_be_sent_and_sends_nothing(tmp_path, server):
    run = mailed_run(tmp_path, mail=by(server), webhook={"attempts": 1})
    mail, verdict = write_messages([run], target=tmp_path / "look").done
    assert not server.connections
    assert mail == str(tmp_path / "look" / f"cdfs-{run.name}.eml")
    assert Path(mail).read_bytes().startswith(b"From: ")
    assert json.loads(Path(verdict).read_bytes())["run"]["id"] == run.name
    assert not (tmp_path / ".deliver").exists()
    deliver(run, environment={"REPORTGEN_WEBHOOK_URL": "http://localhost:1/x"})
    assert len(server.received) == 1


def test_a_night_without_a_report_is_told_or_kept(tmp_path, server):
    mail = by(server, to={"ok": [A], "error": [B]})
    webhook = {"attempts": 1, "wait": 0.01}
    settings = delivery_settings(
        read_runs([mailed_run(tmp_path / "a", mail=mail, webhook=webhook)])[0]
    )
    absent = (Absent("cdfs", "The disk is full."),)
    options = Options(name="cdfs", title="T", absent=absent)
    server.data[:] = ["451 busy"]
    with web_server() as site:
        environment = {"REPORTGEN_WEBHOOK_URL": site.address}
        log = deliver_notice(settings, tmp_path / "new", options, environment)
        assert site.json["status"] == "error"
        assert site.json["attention"][0]["text"] == "The disk is full."
    assert len(log.problems) == len(waiting(tmp_path / "new")) == 1
    mailed_run(tmp_path / "new", mail=mail)
    assert not flush_outbox(tmp_path / "new", {}).problems
    assert server.only.recipients == [B]
    assert server.only.message["Subject"].startswith("[cdfs] ERROR no report · ")


@pytest.mark.parametrize(
    ("blocks", "options", "said"),
    [
        ({"mail": False}, Options(), "has neither mail: nor webhook:"),
        ({"mail": {"from": "nobody"}}, Options(), r"configuration\.deliver\.mail\.from"),
        ({"mail": False, "webhook": {}}, TRIAL, r"--to: there is no deliver\.mail"),
    ],
)
def test_a_run_that_does_not_say_how_it_is_delivered_is_refused(tmp_path, blocks, options, said):
    run = mailed_run(tmp_path, **blocks)
    with pytest.raises(ConfigError, match=said) as caught:
        deliver(run, options=options)
    assert caught.value.hint


def mail_command(run):
    program = "import sys; from reportgen.cli import main; sys.exit(main())"
    command = [sys.executable, "-c", program, "mail", str(run)]
    return subprocess.Popen(command, stdout=-1, stderr=-1, text=True)


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM])
def test_whoever_is_stopped_while_sending_has_lost_nothing(tmp_path, server, end):
    with raw_server(lambda connection: connection.recv(1)) as (port, count):
        run = mailed_run(tmp_path, mail=by(port, smtp={"timeout": 60.0}))
        process = mail_command(run)
        while not count:
            assert process.poll() is None
        process.send_signal(end)
        said = process.communicate(timeout=60)[1]
    if end == signal.SIGTERM:
        assert process.returncode == 128 + signal.SIGTERM
        assert said.startswith("Interrupted; what was not sent is kept, the next run sends it")
        assert said.endswith(f"reportgen mail --flush {tmp_path}.\n")
        assert "Traceback" not in said
    mailed_run(tmp_path, mail=by(server), night=1)
    assert not flush_outbox(tmp_path, {}).problems
    assert server.only.message["Subject"].endswith("2026-09-01")


def test_a_run_whose_build_was_killed_before_it_told_is_told_of_by_the_next_once(tmp_path, server):
    runs = [mailed_run(tmp_path, mail=by(server), night=night) for night in range(3)]
    for run in runs[:2]:
        promise_delivery(tmp_path, run.name)
    promise_delivery(tmp_path, "20991231T000000Z")  # which is not published yet
    log = deliver(runs[0])
    deliver(runs[2])
    assert len(ids(server)) == len(server.received) == 3
    assert f"The build of {runs[1].name} was stopped before it could tell" in done(log)
    promise_delivery(tmp_path, runs[1].name)  # as if it was killed just before it forgot that
    assert "was mailed before" in done(flush_outbox(tmp_path, {}))
    assert done(flush_outbox(tmp_path, {})) == "Nothing waits."
    assert len(server.received) == 3


def test_a_promise_that_cannot_be_kept_now_is_kept_later_but_not_after_days(tmp_path, server):
    runs = [mailed_run(tmp_path, mail=by(NOBODY), night=night) for night in range(2)]
    promise_delivery(tmp_path, runs[0].name)
    assert len(problems(deliver(runs[1]))) == 1
    (promised,) = tmp_path.glob(".deliver/promised/*")
    os.utime(promised, (0, 0))
    mailed_run(tmp_path, mail=by(server), night=2)
    said = f"nobody was told of {runs[0].name}, whose build was stopped on 1970-01-01"
    assert problems(flush_outbox(tmp_path, {})) == [said]
    assert len(server.received) == 1
    assert not promised.exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give a folder away (not root)")
def test_no_run_of_another_user_is_told_of_unasked(tmp_path, server):
    run = mailed_run(tmp_path, mail=by(server))
    promise_delivery(tmp_path, run.name)
    os.chown(run, 12345, -1)
    flush_outbox(tmp_path, {})
    assert server.received == []


def test_two_who_mail_the_same_run_at_once_send_one_mail(tmp_path, server):
    run = mailed_run(tmp_path, mail=by(server))
    both = [mail_command(run) for _ in range(2)]
    said = sorted(process.communicate(timeout=60)[0] for process in both)
    assert [process.returncode for process in both] == [0, 0]
    assert len(server.received) == 1
    assert "was mailed before" in said[0]
    assert said[1] == f"Mailed to {A}.\n"


@pytest.mark.parametrize("place", ["/etc/hostname", "../secret.pdf", "link.pdf", "pipe.pdf"])
def test_a_run_folder_cannot_have_other_files_attached(tmp_path, place):
    (tmp_path / "secret.pdf").write_bytes(b"%PDF-secret")
    run = mailed_run(tmp_path)
    (run / "link.pdf").symlink_to(tmp_path / "secret.pdf")
    os.mkfifo(run / "pipe.pdf")
    record = run / "summary.json"
    record.write_text(record.read_text().replace('"report.pdf"', json.dumps(place)))
    if "/" in place:
        with pytest.raises(ConfigError, match="is not a file of the run"):
            write_messages([run])
        return
    content = Path(write_messages([run]).done[0]).read_bytes()
    assert b"application/pdf" not in content
    assert b"could not be read" in content


@pytest.mark.parametrize(
    "code",
    [
        "{{ cycler.__init__.__globals__.os.system('touch ran') }}",
        "{{ reports[0].summary.report.parse_raw('x', allow_pickle=True) }}",
    ],
)
def test_templates_that_a_run_brings_along_run_no_code(tmp_path, code, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mail.txt.j2").write_text(code)
    run = mailed_run(tmp_path / "runs")
    configuration = read_summary(run).configuration
    change(run, configuration=configuration.model_copy(update={"templates": str(tmp_path)}))
    assert "SecurityError" in problems(write_messages([run]))[0]
    assert not (tmp_path / "ran").exists()


def test_templates_that_a_run_brings_along_read_nothing_outside_their_folder(tmp_path):
    (tmp_path / "secret.txt").write_text("a secret of the user")
    run = mailed_run(tmp_path / "runs")
    own = run / "templates"
    own.mkdir()
    (own / "mail.txt.j2").write_text("{% include 'words.txt' %}")
    (own / "words.txt").symlink_to(tmp_path / "secret.txt")
    configuration = read_summary(run).configuration
    change(run, configuration=configuration.model_copy(update={"templates": str(own)}))
    log = write_messages([run])
    assert "words.txt: is a link that leads out of the folder" in problems(log)[0]
    assert b"secret of the user" not in Path(log.done[0]).read_bytes()
