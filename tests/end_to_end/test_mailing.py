"""Reports that are built and mailed with the command line, as cron does it."""

import base64
import os
import re
import shutil
import subprocess
from email import message_from_bytes
from email.policy import default
from pathlib import Path

import numpy as np
import pytest
import trustme
from mail_servers import Certificates, Faults, smtp_server
from postfix import running_postfix
from projects import DISTRIBUTION
from web_servers import web_server

PASSWORD = "Tr0ub4dor-and-3-secret"  # noqa: S105
FAILING = {**DISTRIBUTION, "checks": [{"metric": "flux_median", "max": 0.001, "owner": "Jo"}]}
LINKS = {"report": "https://reports.example.org/stars/{{ run.id }}/report.html"}


def deliver(server, **keys):
    """Give the block deliver: for a server of the tests, which wants a login over STARTTLS."""
    smtp = {"host": "localhost", "port": server.port, "attempts": 1, "wait": 0.1}
    smtp |= keys.pop("smtp", {})
    mail = {
        "from": "Stars <stars@example.org>",
        "to": ["team@reportgen.test"],
        "smtp": smtp,
        **keys,
    }
    return {"links": LINKS, "mail": mail}


def parts(message):
    return {part.get_content_type(): part for part in message.walk() if not part.is_multipart()}


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    return Certificates(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def server(certificates):
    """A mail server that wants a login over STARTTLS."""
    with smtp_server(
        certificates=certificates, security="starttls", login=("robot", PASSWORD)
    ) as running:
        running.authority = certificates.authority
        yield running


def logged_in(server, **keys):
    smtp = {"ca_file": str(server.authority), "login": {"user": "robot"}, **keys.pop("smtp", {})}
    return deliver(server, smtp=smtp, **keys)


def everything(folder):
    """Give all that was written below a folder, the texts of databases included."""
    return b"\n".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())


def secret_forms():
    """Give the secret as servers, logs and databases might have it."""
    plain = PASSWORD.encode()
    whole = b"\0robot\0" + plain
    return [plain, base64.b64encode(plain), base64.b64encode(whole)]


def test_a_build_mails_its_verdict_once_and_no_secret_is_written_anywhere(project, server):
    project.configure(
        {"fluxes": FAILING},
        output={"folder": "out", "formats": ["html", "pdf"]},
        deliver=logged_in(server),
    )
    env = {"REPORTGEN_SMTP_PASSWORD": PASSWORD}
    done = project.build("--mail", "--verbose", env=env)
    assert done.returncode == 1, done.stderr
    assert done.stdout.rstrip().endswith("Mailed to team@reportgen.test.")
    message = server.only.message
    assert server.only.user == "robot"
    said = r"\[stars\] FAIL 1 of 1 check · Distribution: median [\d.]+ · \d{4}-\d\d-\d\d"
    assert re.fullmatch(said, message["Subject"])
    found = parts(message)
    assert set(found) == {"text/plain", "text/html", "image/png", "application/pdf"}
    pdf = (project.latest / "report.pdf").read_bytes()
    assert found["application/pdf"].get_content() == pdf
    run = project.latest.resolve().name
    link = f"https://reports.example.org/stars/{run}/report.html"
    assert link in found["text/plain"].get_content()
    again = project.run("mail", "out/latest", env=env)
    assert (again.returncode, "was mailed before" in again.stdout) == (0, True)
    assert len(server.received) == 1
    written = everything(project.folder) + (done.stdout + done.stderr).encode()
    assert b"robot" in written
    assert not [form for form in secret_forms() if form in written]


def test_a_report_that_could_not_be_mailed_is_there_and_its_mail_waits(project, server):
    wrong = "wrong-horse-battery"
    server.handler.faults = Faults()
    project.configure({"fluxes": DISTRIBUTION}, deliver=logged_in(server))
    done = project.build("--mail", env={"REPORTGEN_SMTP_PASSWORD": wrong})
    assert done.returncode == 4
    assert "the login was refused: 535" in done.stderr
    assert "Traceback" not in done.stderr
    assert project.latest.is_dir()
    written = everything(project.folder) + (done.stdout + done.stderr).encode()
    assert wrong.encode() not in written
    flushed = project.run("mail", "--flush", "out", env={"REPORTGEN_SMTP_PASSWORD": PASSWORD})
    assert flushed.returncode == 0, flushed.stderr
    assert "which had waited" in flushed.stdout
    assert len(server.received) == 1


def test_neither_tokens_nor_addresses_of_webhooks_are_written_by_whoever_repeats_them(
    project, certificates
):
    token, hook = "ya29.a-token-of-an-hour", "T00000000/B00000000/hook-secret-xyz"
    told = f"535 5.7.8 no, not {token}"
    with (
        smtp_server(
            certificates=certificates, security="starttls", login=("robot", "another")
        ) as mail_server,
        web_server((404, f"no_team at /services/{hook}"), path=f"/services/{hook}") as site,
    ):
        mail_server.handler.refusal = told
        mail_server.authority = certificates.authority
        block = logged_in(mail_server, smtp={"login": {"user": "robot", "method": "xoauth2"}})
        block["webhook"] = {"kind": "slack", "attempts": 1}
        project.configure({"fluxes": DISTRIBUTION}, deliver=block)
        secrets = project.folder.parent / f"{project.folder.name}-secrets"
        secrets.mkdir()
        (secrets / "hook").write_text(f"{site.address}\n")
        (secrets / "command").write_text(f"echo {token}\n")
        env = {
            "REPORTGEN_WEBHOOK_URL_FILE": str(secrets / "hook"),
            "REPORTGEN_SMTP_TOKEN_COMMAND_FILE": str(secrets / "command"),
        }
        done = project.build("--mail", "--verbose", env=env)
        flushed = project.run("mail", "--flush", "out", env=env)
    assert (done.returncode, flushed.returncode) == (4, 4)
    assert "535 5.7.8 no, not •••" in done.stderr
    assert "localhost answered 404 no_team at •••" in done.stderr
    written = everything(project.folder) + b"".join(
        text.encode() for run in (done, flushed) for text in (run.stdout, run.stderr)
    )
    assert b"robot" in written
    whole = f"user=robot\1auth=Bearer {token}\1\1".encode()
    secret = [token.encode(), base64.b64encode(whole), b"hook-secret-xyz", b"B00000000"]
    assert not [form for form in secret if form in written]


def test_a_failed_check_counts_more_than_a_mail_that_did_not_go(project, server):
    project.configure({"fluxes": FAILING}, deliver=logged_in(server))
    done = project.build("--mail", env={})
    assert done.returncode == 1
    assert "REPORTGEN_SMTP_PASSWORD is not set" in done.stderr


def test_a_night_without_a_report_is_mailed_too(project, server):
    project.configure({"fluxes": DISTRIBUTION}, deliver=logged_in(server))
    (project.out / "latest").mkdir(parents=True)
    done = project.build("--mail", env={"REPORTGEN_SMTP_PASSWORD": PASSWORD})
    assert done.returncode == 4
    message = server.only.message
    assert message["Subject"].startswith("[stars] ERROR no report · ")
    assert "is not a link, so it is left as it is" in parts(message)["text/plain"].get_content()


def test_mail_without_a_block_on_delivery_is_refused_before_anything_is_built(project):
    done = project.build("--mail")
    assert done.returncode == 2
    assert "--mail: the configuration has no deliver.mail and no deliver.webhook" in done.stderr
    assert not project.out.exists()


def test_a_dry_run_builds_and_writes_the_mail(project, server):
    project.configure({"fluxes": DISTRIBUTION}, deliver=logged_in(server))
    done = project.build("--mail", "--dry-run")
    assert done.returncode == 0, done.stderr
    file = project.folder / done.stdout.splitlines()[-1]
    message = message_from_bytes(file.read_bytes(), policy=default)
    assert message["Subject"].startswith("[stars] OK 1 section · ")
    assert not server.connections


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "give a run folder, or --flush"),
        (["--flush", "out", "--dry-run"], "there is no --dry-run of it"),
        (["out/latest", "--output", "x"], "--output is for --dry-run"),
        (["out/latest", "--to", "nobody"], "--to: 'nobody' is not one address"),
        (["nothing"], "nothing/summary.json: cannot be read"),
        (["--flush", "nothing"], "there is no such folder"),
    ],
)
def test_a_wrong_command_line_is_said(project, words, said):
    done = project.run("mail", *words)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_the_reports_of_a_matrix_are_mailed_together_with_those_that_failed(project, server):
    project.configure(
        {"fluxes": DISTRIBUTION},
        matrix={"field": ["a", "b"]},
        report={"id": "stars-${{ matrix.field }}", "title": "Field ${{ matrix.field }}"},
        output={"folder": "out/${{ matrix.field }}", "formats": ["html"]},
        deliver=logged_in(server, digest=True),
    )
    (project.out / "b" / "latest").mkdir(parents=True)
    env = {"REPORTGEN_SMTP_PASSWORD": PASSWORD}
    done = project.build("--mail", env=env)
    assert done.returncode == 4, done.stderr
    message = server.only.message
    assert message["Subject"].startswith("[report] ERROR 1 of 2 reports not made · ")
    said = parts(message)["text/plain"].get_content()
    assert "No report: stars-b" in said
    assert "Field a" in said


def test_each_report_of_a_matrix_has_its_own_mail_unless_a_digest_is_wanted(project, server):
    project.configure(
        {"fluxes": DISTRIBUTION},
        matrix={"field": ["a", "b"]},
        report={"id": "stars-${{ matrix.field }}", "title": "Field ${{ matrix.field }}"},
        deliver=logged_in(server),
    )
    done = project.build("--mail", env={"REPORTGEN_SMTP_PASSWORD": PASSWORD})
    assert done.returncode == 0, done.stderr
    subjects = sorted(mail.message["Subject"].partition("]")[0] for mail in server.received)
    assert subjects == ["[stars-a", "[stars-b"]


@pytest.fixture
def postfix(tmp_path_factory):
    if shutil.which("postfix") is None:
        pytest.skip("Postfix is not installed")
    if os.geteuid() != 0:
        pytest.skip("only root may run Postfix (not root)")
    import tempfile

    # Its processes are not root: they must be able to enter every folder above theirs.
    with tempfile.TemporaryDirectory(prefix="reportgen-postfix-", dir="/tmp") as name:
        folder = Path(name)
        folder.chmod(0o755)
        authority = trustme.CA()
        authority.cert_pem.write_to_path(folder / "authority.pem")
        certificate = authority.issue_cert("localhost")
        with running_postfix(folder, certificate, ["team", "boss"]) as running:
            yield running


def test_postfix_delivers_the_mail_whole_to_those_it_knows(project, postfix):
    smtp = {"ca_file": str(postfix.authority), "port": postfix.port}
    to = {"ok": ["team@reportgen.test"]}
    to["fail"] = ["Team <team@reportgen.test>", "gone@reportgen.test"]
    project.configure(
        {"fluxes": FAILING, "sizes": {**DISTRIBUTION, "columns": ["size"], "title": "Größen"}},
        report={"id": "stars", "title": "Sterne über München"},
        output={"folder": "out", "formats": ["html", "pdf"]},
        deliver=deliver(postfix, smtp=smtp, to=to, cc=["Chef Müller <boss@reportgen.test>"]),
    )
    done = project.build("--mail")
    assert done.returncode == 1, done.stderr
    assert "refused for gone@reportgen.test (550 5.1.1" in done.stderr
    assert "Mailed to team@reportgen.test, boss@reportgen.test." in done.stdout
    (raw,), (copy,) = postfix.mails("team"), postfix.mails("boss")
    assert raw["Message-ID"] == copy["Message-ID"]
    message = message_from_bytes(raw.as_bytes(), policy=default)
    assert message["X-Original-To"] == "team@reportgen.test"
    assert message["Return-Path"] == "<stars@example.org>"
    assert "ESMTPS" in message["Received"]
    assert message["Cc"].addresses[0].display_name == "Chef Müller"
    assert message["List-Id"] == "Sterne über München <stars.example.org>"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["X-Auto-Response-Suppress"] == "All"
    assert message["References"] == "<stars.nights@reportgen.stars.example.org>"
    assert message["Message-ID"].endswith("@reportgen.example.org>")
    assert message["Date"].datetime.utcoffset().total_seconds() == 0
    mixed = [part.get_content_type() for part in message.iter_parts()]
    assert mixed == ["multipart/related", "application/pdf"]
    related, pdf = message.iter_parts()
    alternative, *pictures = related.iter_parts()
    kinds = [part.get_content_type() for part in alternative.iter_parts()]
    assert kinds == ["text/plain", "text/html"]
    plain, page = (part.get_content() for part in alternative.iter_parts())
    assert "Größen" in plain
    assert "Größen" in page
    assert re.findall(r'src="cid:([^"]+)"', page) == [
        part["Content-ID"].strip("<>") for part in pictures
    ]
    for part in pictures:
        section, _, figure = part.get_filename().removesuffix(".png").partition("-")
        file = project.latest / "sections" / section / "figures" / f"{figure}.png"
        assert part.get_content() == file.read_bytes()
    assert pdf.get_content() == (project.latest / "report.pdf").read_bytes()


def test_the_machines_sendmail_takes_the_mail(project, postfix):
    program = project.folder / "sendmail"
    program.write_text(f'#!/bin/sh\nexec sendmail -C {postfix.folder}/conf "$@"\n')
    program.chmod(0o755)
    block = deliver(postfix, sendmail=True)
    del block["mail"]["smtp"]
    project.configure({"fluxes": DISTRIBUTION}, deliver=block)
    path = f"{os.environ['PATH']}:/usr/sbin"
    done = project.build("--mail", env={"REPORTGEN_SENDMAIL": str(program), "PATH": path})
    assert done.returncode == 0, done.stderr
    (mail,) = postfix.mails("team")
    assert mail["Subject"].startswith("[stars] OK 1 section")


def test_a_large_pdf_goes_smaller_and_prints_as_well(project, server):
    random = np.random.default_rng(1)
    rows = 40_000  # that the map is no small one
    project.write(ra=random.normal(10, 1, rows), dec=random.normal(-20, 1, rows))
    project.write(flux=random.lognormal(size=rows), size=random.normal(size=rows))
    sky = {
        "analysis": "sky_density",
        "catalogue": "stars",
        "title": "Sky",
        "ra": "ra",
        "dec": "dec",
        "edges": 300,
    }
    catalogue = {"file": "stars.h5", "columns": project.columns}
    for name in ("ra", "dec"):
        catalogue["columns"][name]["unit"] = "deg"
    project.configure(
        {"sky": sky},
        catalogues={"stars": catalogue},
        output={"folder": "out", "formats": ["html", "pdf"]},
        deliver=logged_in(server),
    )
    env = {"REPORTGEN_SMTP_PASSWORD": PASSWORD}
    assert project.build(env=env).returncode == 0
    whole = (project.latest / "report.pdf").read_bytes()
    record = project.latest / "summary.json"
    limit = f'"mail": {{"most_attached": {len(whole) - 1},'
    record.write_text(record.read_text().replace('"mail": {', limit, 1))
    done = project.run("mail", "out/latest", env=env)
    assert done.returncode == 0, done.stderr
    pdf = parts(server.only.message)["application/pdf"].get_content()
    assert pdf.startswith(b"%PDF-")
    assert len(pdf) < len(whole)
    (project.folder / "small.pdf").write_bytes(pdf)
    text = subprocess.run(
        ["pdftotext", project.folder / "small.pdf", "-"], capture_output=True, text=True, check=True
    )
    assert "Sky" in text.stdout
