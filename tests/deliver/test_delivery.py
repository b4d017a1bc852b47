import json
import os
import re
import shutil
import signal
import subprocess
import sys
from email import message_from_bytes
from email.policy import default
from pathlib import Path

import pytest
from mail_servers import Faults, raw_server, smtp_server
from told_runs import MAIL, change, told_run
from web_servers import web_server

from reportgen import delivery
from reportgen.deliver.contents import Absent
from reportgen.deliver.ordering import Wish
from reportgen.deliver.runs import delivery_of
from reportgen.delivery import deliver_runs, flush_outbox, send_notice, write_messages
from reportgen.errors import ConfigError, ExitCode
from reportgen.summary import read_summary

A, B = "a@example.org", "b@example.org"


def by(server, *, to=(A,), **keys):
    """Give the keys of deliver.mail that send to a server."""
    port = server if isinstance(server, int) else server.port
    smtp = {**MAIL["smtp"], "port": port, **keys.pop("smtp", {})}
    return {"to": to if isinstance(to, dict) else list(to), "smtp": smtp, **keys}


def told(log):
    return " ".join(log.told)


def troubles(log):
    return [trouble.message for trouble in log.troubles]


def test_a_run_is_mailed_once_however_often_it_is_asked_for(tmp_path):
    with smtp_server() as server:
        run = told_run(tmp_path, mail=by(server))
        assert told(deliver_runs([run], Wish(), {})) == f"Mailed to {A}."
        again = deliver_runs([run], Wish(), {})
        assert "was mailed before" in told(again)
        assert not again.troubles
        assert len(server.received) == 1


def test_the_same_run_under_another_name_is_the_same(tmp_path):
    with smtp_server() as server:
        run = told_run(tmp_path, mail=by(server))
        link = tmp_path / "latest"
        link.symlink_to(run.name)
        deliver_runs([link], Wish(), {})
        deliver_runs([run], Wish(), {})
        assert len(server.received) == 1


def test_again_sends_a_mail_of_its_own(tmp_path):
    with smtp_server() as server:
        run = told_run(tmp_path, mail=by(server))
        for wish in (Wish(), Wish(again=True), Wish(again=True)):
            deliver_runs([run], wish, {})
        ids = {mail.message["Message-ID"] for mail in server.received}
        assert len(ids) == len(server.received) == 3
        assert len({mail.message["References"] for mail in server.received}) == 1


def test_a_look_at_the_mail_is_not_remembered(tmp_path):
    with smtp_server() as server:
        run = told_run(tmp_path, mail=by(server, cc=[B]))
        log = deliver_runs([run], Wish(to=("me@example.org",)), {})
        assert told(log) == "Mailed to me@example.org."
        deliver_runs([run], Wish(), {})
        assert [mail.recipients for mail in server.received] == [["me@example.org"], [A, B]]


def test_recipients_go_by_the_verdict(tmp_path):
    to = {"ok": [A], "fail": [A, B]}
    with smtp_server() as server:
        for night, status in enumerate(["ok", "warn", "fail"]):
            run = told_run(tmp_path, status=status, night=night, mail=by(server, to=to))
            deliver_runs([run], Wish(), {})
        assert [mail.recipients for mail in server.received] == [[A], [A], [A, B]]


def test_nobody_is_told_of_a_good_night_who_wants_failures_only(tmp_path):
    with smtp_server() as server:
        run = told_run(tmp_path, mail=by(server, to={"fail": [A]}))
        assert told(deliver_runs([run], Wish(), {})) == (
            "Not mailed: deliver.mail.to names nobody for OK."
        )
        assert not server.received


def test_a_quiet_night_is_not_mailed_where_only_changes_are_wanted(tmp_path):
    with smtp_server() as server:
        run = told_run(tmp_path, mail=by(server, when="change"))
        change(run, since=(read_summary(run).since[0].model_copy(update={"changes": ()}),))
        log = deliver_runs([run], Wish(), {})
        assert told(log) == "Not mailed: nothing to tell (deliver.mail.when is change)."
        assert not server.received
        deliver_runs([run], Wish(again=True), {})
        assert len(server.received) == 1


def test_what_cannot_be_sent_is_kept_and_sent_by_the_next_run(tmp_path):
    with smtp_server(faults=Faults(data=["451 busy"])) as server:
        first = told_run(tmp_path, mail=by(server))
        log = deliver_runs([first], Wish(), {})
        (trouble,) = log.troubles
        assert trouble.exit_code == ExitCode.DELIVERY
        assert trouble.message == (
            f"the mail of {first.name} could not be sent: localhost:{server.port}: 451 busy"
        )
        assert "the next run" in trouble.hint
        (kept,) = (tmp_path / ".deliver" / "waiting").glob("*.eml")
        second = told_run(tmp_path, mail=by(server), night=1)
        log = deliver_runs([second], Wish(), {})
        assert not log.troubles
        assert f"The mail of {first.name}, which had waited, went to {A}." in log.told
        nights = [mail.message["Subject"][-10:] for mail in server.received]
        assert nights == ["2026-09-02", "2026-09-01"]
        assert not kept.exists()
        assert "was mailed before" in told(deliver_runs([first], Wish(), {}))


def test_a_kept_mail_is_flushed_by_the_settings_of_the_newest_run(tmp_path):
    told_run(tmp_path, mail=by(1))
    run = tmp_path / "20260901T020000Z"
    assert len(deliver_runs([run], Wish(), {}).troubles) == 1
    with smtp_server() as server:
        told_run(tmp_path, mail=by(server), night=1)
        log = flush_outbox(tmp_path, {})
        assert log.told == [f"The mail of {run.name}, which had waited, went to {A}."]
        assert server.only.recipients == [A]
    assert flush_outbox(tmp_path, {}).told == ["Nothing waits."]


def test_a_flush_that_fails_keeps_the_mail(tmp_path):
    run = told_run(tmp_path, mail=by(1))
    deliver_runs([run], Wish(), {})
    assert "could not be sent" in troubles(flush_outbox(run, {}))[0]
    assert len(list((tmp_path / ".deliver" / "waiting").glob("*.eml"))) == 1


def test_flushing_where_nothing_ever_waited_is_no_trouble(tmp_path):
    assert flush_outbox(tmp_path, {}).told == ["Nothing waits."]
    assert not (tmp_path / ".deliver").exists()
    with pytest.raises(ConfigError, match="there is no such folder"):
        flush_outbox(tmp_path / "none", {})


def test_after_days_a_kept_mail_is_set_aside(tmp_path):
    run = told_run(tmp_path, mail=by(1))
    deliver_runs([run], Wish(), {})
    (kept,) = (tmp_path / ".deliver" / "waiting").glob("*.json")
    old = re.sub(r'"since": "[^"]*"', '"since": "2026-01-01T03:00:00Z"', kept.read_text())
    kept.write_text(old)
    with smtp_server() as server:
        told_run(tmp_path, mail=by(server), night=6)
        log = flush_outbox(tmp_path, {})
        assert "it has waited since 2026-01-01 03:00 UTC: localhost:1: " in troubles(log)[0]
        assert not server.received
    (old,) = (tmp_path / ".deliver" / "refused").glob("*.eml")
    assert old.read_bytes().startswith(b"From: ")


def test_a_refused_message_is_set_aside_and_not_sent_again(tmp_path):
    with smtp_server(faults=Faults(data=["554 policy"])) as server:
        run = told_run(tmp_path, mail=by(server))
        log = deliver_runs([run], Wish(), {})
        assert "was refused" in troubles(log)[0]
        assert "554 policy" in troubles(log)[0]
        assert flush_outbox(tmp_path, {}).told == ["Nothing waits."]
        assert not server.received
    assert len(list((tmp_path / ".deliver" / "refused").glob("*.eml"))) == 1


def test_some_refused_recipients_are_named_and_the_others_have_it(tmp_path):
    with smtp_server(faults=Faults(recipients={B: "550 5.1.1 who?"})) as server:
        run = told_run(tmp_path, mail=by(server, to=[A, B]))
        log = deliver_runs([run], Wish(), {})
        assert log.told == [f"Mailed to {A}."]
        (said,) = troubles(log)
        assert said.startswith(f"The mail of {run.name} was refused for {B} (550 5.1.1 who?); ")
        deliver_runs([run], Wish(), {})
        assert len(server.received) == 1


def test_those_who_are_put_off_get_it_later_and_the_others_once(tmp_path):
    with smtp_server(faults=Faults(recipients={B: ["450 greylisted"]})) as server:
        run = told_run(tmp_path, mail=by(server, to=[A, B]))
        log = deliver_runs([run], Wish(), {})
        assert f"not yet to {B} (450 greylisted)" in troubles(log)[0]
        assert not flush_outbox(tmp_path, {}).troubles
        assert [mail.recipients for mail in server.received] == [[A], [B]]
        ids = {mail.message["Message-ID"] for mail in server.received}
        assert len(ids) == 1


def test_a_wrong_login_keeps_the_mail(tmp_path):
    with smtp_server() as server:
        smtp = {"login": {"user": "robot"}}
        run = told_run(tmp_path, mail=by(server, smtp=smtp))
        log = deliver_runs([run], Wish(), {})
        assert "the environment variable REPORTGEN_SMTP_PASSWORD is not set" in troubles(log)[0]
        assert len(list((tmp_path / ".deliver" / "waiting").glob("*.eml"))) == 1


def test_a_folder_that_cannot_be_written_does_not_stop_the_mail(tmp_path):
    with smtp_server() as server:
        run = told_run(tmp_path, mail=by(server))
        (tmp_path / ".deliver").write_text("a file where a folder should be")
        log = deliver_runs([run], Wish(), {})
        assert len(server.received) == 1
        assert f"Mailed to {A}." in log.told
        assert any("may be sent twice" in f"{t.message} {t.hint}" for t in log.troubles)


def test_a_mail_larger_than_the_server_takes_goes_without_its_pdf(tmp_path):
    # PDFs of random bytes: nothing makes them smaller, WeasyPrint has no page to print.
    with smtp_server(size=60_000) as server:
        run = told_run(tmp_path, mail=by(server), pdf=b"%PDF-" + os.urandom(100_000))
        log = deliver_runs([run], Wish(), {})
        assert "the PDF could not be made smaller" in troubles(log)[0]
        kinds = [part.get_content_type() for part in server.only.message.walk()]
        assert "application/pdf" not in kinds
        assert len(server.only.content) <= 60_000


def test_several_runs_make_one_mail_and_are_all_remembered(tmp_path):
    with smtp_server() as server:
        runs = [told_run(tmp_path / name, mail=by(server)) for name in "ab"]
        deliver_runs(runs, Wish(), {})
        assert server.only.message["Subject"].startswith("[reports-")
        for run in runs:
            assert "was mailed before" in told(deliver_runs([run], Wish(), {}))
        assert len(server.received) == 1


def test_a_kept_mail_of_several_runs_is_remembered_for_all_once_it_is_sent(tmp_path):
    with smtp_server(faults=Faults(data=["451 busy"])) as server:
        runs = [told_run(tmp_path / name, mail=by(server)) for name in "ab"]
        assert deliver_runs(runs, Wish(), {}).troubles
        assert not flush_outbox(tmp_path / "a", {}).troubles
        for run in runs:
            assert "was mailed before" in told(deliver_runs([run], Wish(), {}))
        assert len(server.received) == 1


def test_a_verdict_is_posted_once_and_kept_when_that_fails(tmp_path):
    webhook = {"kind": "generic", "attempts": 1, "wait": 0.01}
    with web_server((503, "busy")) as site:
        environment = {"REPORTGEN_WEBHOOK_URL": site.address}
        run = told_run(tmp_path, mail=False, webhook=webhook)
        log = deliver_runs([run], Wish(), environment)
        assert "the message for the webhook of" in troubles(log)[0]
        assert not flush_outbox(tmp_path, environment).troubles
        deliver_runs([run], Wish(), environment)
        assert len(site.requests) == 2
        assert site.json["run"]["id"] == run.name
        deliver_runs([run], Wish(again=True), environment)
        assert len(site.requests) == 3


def test_a_mail_that_fails_does_not_keep_the_webhook_from_being_told(tmp_path):
    with web_server() as site:
        run = told_run(tmp_path, mail=by(1), webhook={"kind": "slack"})
        log = deliver_runs([run], Wish(), {"REPORTGEN_WEBHOOK_URL": site.address})
        assert len(log.troubles) == 1
        assert len(site.requests) == 1


def test_a_link_that_cannot_be_made_is_said_once_and_stops_neither_mail_nor_webhook(tmp_path):
    links = {"report": "{{ run.nothing }}", "index": "https://x.org/"}
    with smtp_server() as server, web_server() as site:
        run = told_run(tmp_path, mail=by(server), webhook={"attempts": 1}, links=links)
        log = deliver_runs([run], Wish(), {"REPORTGEN_WEBHOOK_URL": site.address})
        assert len(server.received) == 1
        assert site.json["links"] == {"index": "https://x.org/"}
    (said,) = troubles(log)
    assert said.startswith("deliver.links.report: the template '{{ run.nothing }}' cannot be")


def test_a_link_that_cannot_be_made_is_said_where_there_is_a_webhook_alone(tmp_path):
    with web_server() as site:
        links = {"report": "{{ run.nothing }}"}
        run = told_run(tmp_path, mail=False, webhook={"kind": "slack"}, links=links)
        log = deliver_runs([run], Wish(), {"REPORTGEN_WEBHOOK_URL": site.address})
        assert len(site.requests) == 1
    assert troubles(log)[0].startswith("deliver.links.report: ")


def test_a_dry_run_writes_what_would_be_sent_and_sends_nothing(tmp_path):
    with smtp_server() as server:
        run = told_run(tmp_path, mail=by(server), webhook={"attempts": 1})
        log = write_messages([run], Wish(), tmp_path / "look")
        assert not server.connections
        mail, verdict = log.told
        assert (tmp_path / "look" / f"cdfs-{run.name}.eml").read_bytes().startswith(b"From: ")
        assert mail.endswith(".eml")
        assert json.loads(Path(verdict).read_bytes())["run"]["id"] == run.name
        assert not (tmp_path / ".deliver").exists()
        deliver_runs([run], Wish(), {"REPORTGEN_WEBHOOK_URL": "http://localhost:1/x"})
        assert len(server.received) == 1


def test_a_notice_is_sent_or_kept(tmp_path):
    absent = [Absent("cdfs", "The disk is full.")]
    with smtp_server() as server:
        block = delivery_of_mail(tmp_path / "a", by(server))
        assert not send_notice(block, tmp_path, "cdfs", "T", absent=absent, environment={}).troubles
        assert "ERROR no report" in server.only.message["Subject"]
    log = send_notice(block, tmp_path, "cdfs", "T", absent=absent, environment={})
    assert len(log.troubles) == 1
    assert len(list((tmp_path / ".deliver" / "waiting").glob("*.eml"))) == 1


def delivery_of_mail(folder, mail, **blocks):
    run = told_run(folder, mail=mail, **blocks)
    return delivery_of(delivery.Run(run, read_summary(run)))


def test_a_run_that_says_nothing_of_delivery_is_refused_with_what_to_do(tmp_path):
    run = told_run(tmp_path, mail=False)
    with pytest.raises(ConfigError, match="has neither mail: nor webhook:") as caught:
        deliver_runs([run], Wish(), {})
    assert "docs/mail.md" in caught.value.hint


def test_settings_of_another_version_are_named(tmp_path):
    run = told_run(tmp_path, mail={"from": "nobody"})
    with pytest.raises(ConfigError, match=r"configuration\.deliver\.mail\.from"):
        deliver_runs([run], Wish(), {})


def test_a_mail_is_on_disk_while_it_is_sent(tmp_path):
    found = []

    with smtp_server() as server:
        run = told_run(tmp_path, mail=by(server))
        plain = server.handler.handle_DATA

        async def looking(smtp, session, envelope):
            found.extend((tmp_path / ".deliver" / "waiting").glob("*.eml"))
            return await plain(smtp, session, envelope)

        server.handler.handle_DATA = looking
        deliver_runs([run], Wish(), {})
        assert [path.name for path in found] == [f"{run.name}.mail.eml"]
        assert not found[0].exists()


def test_whoever_is_killed_while_sending_has_lost_nothing(tmp_path):
    with raw_server(lambda connection: connection.recv(1)) as (port, _):
        run = told_run(tmp_path, mail=by(port, smtp={"timeout": 60.0}))
        program = "from reportgen.cli import main; main()"
        command = [sys.executable, "-c", program, "mail", str(run)]
        process = subprocess.Popen(command)
        waiting = tmp_path / ".deliver" / "waiting"
        while not list(waiting.glob("[!.]*.json")):  # what begins with a dot is half-written
            assert process.poll() is None
        process.kill()
        process.wait(60)
    with smtp_server() as server:
        told_run(tmp_path, mail=by(server), night=1)
        assert not flush_outbox(tmp_path, {}).troubles
        assert server.only.message["Subject"].endswith("2026-09-01")


def test_whoever_is_stopped_while_sending_is_told_that_the_mail_is_kept(tmp_path):
    with raw_server(lambda connection: connection.recv(1)) as (port, _):
        run = told_run(tmp_path, mail=by(port, smtp={"timeout": 60.0}))
        program = "import sys; from reportgen.cli import main; sys.exit(main())"
        command = [sys.executable, "-c", program, "mail", str(run)]
        process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        while not list((tmp_path / ".deliver" / "waiting").glob("[!.]*.json")):
            assert process.poll() is None
        process.terminate()
        said = process.communicate(timeout=60)[1]
    assert process.returncode == 128 + signal.SIGTERM
    assert said.startswith("What was not sent is kept; the next run sends it, or: ")
    assert f"reportgen mail --flush {tmp_path}\n" in said
    assert "Traceback" not in said


def test_two_who_mail_the_same_run_at_once_send_one_mail(tmp_path):
    with smtp_server() as server:
        run = told_run(tmp_path, mail=by(server))
        program = "from reportgen.cli import main; main()"
        command = [sys.executable, "-c", program, "mail", str(run)]
        both = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
        said = sorted(process.communicate(timeout=60)[0] for process in both)
        assert [process.returncode for process in both] == [0, 0]
        assert len(server.received) == 1
    assert "was mailed before" in said[0]
    assert said[1] == f"Mailed to {A}.\n"


def test_a_kept_mail_is_made_smaller_for_a_server_that_takes_less(tmp_path):
    run = told_run(tmp_path, mail=by(1), pdf=b"%PDF-" + os.urandom(200_000))
    assert deliver_runs([run], Wish(), {}).troubles
    (kept,) = (tmp_path / ".deliver" / "waiting").glob("*.eml")
    size = kept.stat().st_size
    message_id = message_from_bytes(kept.read_bytes(), policy=default)["Message-ID"]
    with smtp_server(size=100_000) as server:
        told_run(tmp_path, mail=by(server), night=1)
        log = flush_outbox(tmp_path, {})
        assert not log.troubles
        assert len(server.only.content) <= 100_000 < size
        assert server.only.message["Message-ID"] == message_id


def test_a_refused_recipient_does_not_keep_older_mail_from_being_sent(tmp_path):
    first = told_run(tmp_path, mail=by(1))
    deliver_runs([first], Wish(), {})
    with smtp_server(faults=Faults(recipients={B: "550 who?"})) as server:
        second = told_run(tmp_path, night=1, mail=by(server, to=[A, B]))
        log = deliver_runs([second], Wish(), {})
        assert len(log.troubles) == 1
        assert len(server.received) == 2


def test_a_kept_digest_outlives_a_mail_on_one_of_its_runs(tmp_path):
    runs = [told_run(tmp_path / name, mail=by(1)) for name in "ab"]
    deliver_runs(runs, Wish(), {})
    with smtp_server() as server:
        told_run(tmp_path / "a", mail=by(server), night=1)
        deliver_runs([tmp_path / "a" / "20260902T020000Z"], Wish(), {})
        subjects = [mail.message["Subject"] for mail in server.received]
        assert subjects[0].startswith("[cdfs] ")
        assert subjects[1].startswith("[reports-")
        assert len(subjects) == 2


def test_what_waits_below_the_folder_of_a_matrix_is_flushed(tmp_path):
    run = told_run(tmp_path / "matrix" / "a", mail=by(1))
    log = deliver_runs([run], Wish(), {})
    assert f"reportgen mail --flush {tmp_path / 'matrix' / 'a'}" in log.troubles[0].hint
    with smtp_server() as server:
        told_run(tmp_path / "matrix" / "a", mail=by(server), night=1)
        assert "which had waited" in told(flush_outbox(tmp_path / "matrix", {}))
        assert len(server.received) == 1


def test_a_fixed_time_of_builds_does_not_age_the_mail(tmp_path, monkeypatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "86400")
    run = told_run(tmp_path, mail=by(1))
    deliver_runs([run], Wish(), {})
    monkeypatch.delenv("SOURCE_DATE_EPOCH")
    with smtp_server() as server:
        told_run(tmp_path, mail=by(server), night=1)
        assert not flush_outbox(tmp_path, {}).troubles
        assert server.only.message["Date"].datetime.year >= 2026


def test_a_look_at_the_mail_has_an_id_of_its_own_and_flushes_nothing(tmp_path):
    first = told_run(tmp_path, mail=by(1))
    deliver_runs([first], Wish(), {})
    with smtp_server() as server:
        run = told_run(tmp_path, mail=by(server), night=1)
        deliver_runs([run], Wish(to=("me@example.org",)), {})
        assert [mail.recipients for mail in server.received] == [["me@example.org"]]
        deliver_runs([run], Wish(), {})
        ids = [mail.message["Message-ID"] for mail in server.received]
        assert len(set(ids)) == 3


def test_a_number_of_a_mail_is_kept_with_it(tmp_path):
    with smtp_server() as server:
        run = told_run(tmp_path, mail=by(server))
        deliver_runs([run], Wish(), {})
        server.faults.data[:] = ["451 busy"]
        deliver_runs([run], Wish(again=True), {})
        flush_outbox(tmp_path, {})
        deliver_runs([run], Wish(again=True), {})
        assert len({mail.message["Message-ID"] for mail in server.received}) == 3


def test_a_run_that_is_named_twice_is_told_once(tmp_path):
    with smtp_server() as server:
        run = told_run(tmp_path, mail=by(server))
        deliver_runs([run, run], Wish(), {})
        assert server.only.message["Subject"].startswith("[cdfs] OK")


def test_a_run_that_was_renamed_is_the_same_run(tmp_path):
    with smtp_server() as server:
        run = told_run(tmp_path, mail=by(server))
        deliver_runs([run], Wish(), {})
        run.rename(tmp_path / "kept-for-the-paper")
        deliver_runs([tmp_path / "kept-for-the-paper"], Wish(), {})
        assert len(server.received) == 1


def test_to_somebody_without_a_mail_is_refused(tmp_path):
    run = told_run(tmp_path, mail=False, webhook={})
    with pytest.raises(ConfigError, match=r"--to: there is no deliver\.mail"):
        deliver_runs([run], Wish(to=("me@example.org",)), {})


def test_the_webhook_is_told_of_a_night_without_a_report(tmp_path):
    block = delivery_of_mail(tmp_path / "a", False, webhook={"kind": "generic", "attempts": 1})
    with web_server() as site:
        environment = {"REPORTGEN_WEBHOOK_URL": site.address}
        said = [Absent("cdfs", "The disk is full.")]
        send_notice(block, tmp_path, "cdfs", "T", absent=said, environment=environment)
        assert site.json["status"] == "error"
        assert site.json["attention"][0]["text"] == "The disk is full."


@pytest.mark.parametrize("place", ["/etc/hostname", "../secret.pdf", "link.pdf", "pipe.pdf"])
def test_a_run_folder_cannot_have_other_files_attached(tmp_path, place):
    (tmp_path / "secret.pdf").write_bytes(b"%PDF-secret")
    run = told_run(tmp_path, mail=by(1))
    (run / "link.pdf").symlink_to(tmp_path / "secret.pdf")
    os.mkfifo(run / "pipe.pdf")
    record = run / "summary.json"
    record.write_text(record.read_text().replace('"report.pdf"', json.dumps(place)))
    if "/" in place:
        with pytest.raises(ConfigError, match="is not a file of the run"):
            write_messages([run], Wish(), tmp_path / "look")
        return
    log = write_messages([run], Wish(), tmp_path / "look")
    content = Path(log.told[0]).read_bytes()
    assert b"application/pdf" not in content
    assert b"could not be read" in content


def test_a_record_cannot_have_files_written_elsewhere(tmp_path):
    run = told_run(tmp_path, mail=by(1))
    record = run / "summary.json"
    record.write_text(record.read_text().replace('"id": "cdfs"', '"id": "../../escaped"'))
    with pytest.raises(ConfigError, match=r"report\.id"):
        write_messages([run], Wish(), tmp_path / "look")


def test_templates_that_a_run_brings_along_run_no_code(tmp_path):
    own = tmp_path / "own"
    own.mkdir()
    mark = tmp_path / "ran"
    for code in (
        f"{{{{ cycler.__init__.__globals__.os.system('touch {mark}') }}}}",
        "{{ reports[0].summary.report.parse_file('/etc/hostname') }}",
        "{{ reports[0].summary.report.parse_raw('x', allow_pickle=True) }}",
    ):
        (own / "mail.txt.j2").write_text(code)
        run = told_run(tmp_path / "runs", mail=by(1))
        configuration = read_summary(run).configuration
        change(run, configuration=configuration.model_copy(update={"templates": str(own)}))
        log = write_messages([run], Wish(), tmp_path / "look")
        assert "SecurityError" in troubles(log)[0]
        assert not mark.exists()
        shutil.rmtree(run)
