"""Reports that are built and mailed with the command line, as cron does it."""

import base64
import json
import os
import re
import shutil
import tempfile
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import trustme
from mail_servers import PASSWORD, USER
from postfix import running_postfix
from projects import DISTRIBUTION, HISTOGRAM, call, section, small_project
from web_servers import web_server

SECRET = {"REPORTGEN_SMTP_PASSWORD": PASSWORD}
LINKS = {"report": "https://reports.example.org/stars/{{ run.id }}/report.html"}
FAILING = {**HISTOGRAM, "title": "Größen"}
FAILING["checks"] = [{"metric": "flux_median", "max": 0.001, "owner": "Jo"}]
SKY = section("sky_density", title="Sky", ra="ra", dec="dec", edges=300)


def deliver(server, **keys):
    """Give the block deliver: for a server of the tests, which wants a login over STARTTLS."""
    smtp = {"host": "localhost", "port": server.port, "ca_file": str(server.authority)}
    smtp |= {"attempts": 1, "login": {"user": USER}, **keys.pop("smtp", {})}
    mail = {"from": "Stars <stars@example.org>", "to": ["team@reportgen.test"], "smtp": smtp}
    return {"links": LINKS, "mail": {**mail, **keys}}


def command(*words, env=None):
    """Run a command in this process; returns its exit code and all that it says."""
    done = call(*words, env=env)
    return done.returncode, done.stdout + done.stderr


def parts(message):
    return {part.get_content_type(): part for part in message.walk() if not part.is_multipart()}


def everything(folder):
    """Give all that was written below a folder, the texts of databases included."""
    return b"\n".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())


@pytest.fixture(scope="module")
def built(_login_server, tmp_path_factory):
    """A report with a failed check, built and mailed without the password. Do not change it."""
    project = small_project(tmp_path_factory.mktemp("built"))
    random = np.random.default_rng(1)
    rows = 40_000  # that the map is no small one
    project.write(ra=random.normal(10, 1, rows), dec=random.normal(-20, 1, rows))
    project.write(flux=random.lognormal(size=rows), size=random.normal(size=rows))
    for name in ("ra", "dec"):
        project.columns[name]["unit"] = "deg"
    project.configure(
        {"fluxes": FAILING, "sky": SKY},
        report={"id": "stars", "title": "Sterne über München"},
        output={"folder": "out", "formats": ["html", "pdf"]},
        deliver=deliver(_login_server),
    )
    return SimpleNamespace(done=project.build("--mail", "--verbose", env={}), project=project)


@pytest.fixture
def run(built, tmp_path):
    """Give a function that copies the run and changes how it is delivered."""

    def copy(block=None, **mail):
        out = tmp_path / "out"
        shutil.copytree(built.project.latest.resolve(), out / built.project.latest.resolve().name)
        (copied,) = out.iterdir()
        record = json.loads((copied / "summary.json").read_bytes())
        settings = record["configuration"]["deliver"]
        settings.update(block or {})
        settings.get("mail", {}).update(mail)
        (copied / "summary.json").write_text(json.dumps(record), encoding="utf-8")
        return copied

    return copy


def test_a_failed_check_counts_more_than_a_mail_that_did_not_go(built):
    assert built.done.returncode == 1
    assert "REPORTGEN_SMTP_PASSWORD is not set" in built.done.stderr
    assert "Traceback" not in built.done.stderr
    assert built.project.latest.is_dir()


def test_a_mail_that_waited_is_sent_once_and_no_secret_is_written_anywhere(
    built, login_server, tmp_path
):
    out = Path(shutil.copytree(built.project.out, tmp_path / "out", symlinks=True))
    wrong = {"REPORTGEN_SMTP_PASSWORD": "wrong-horse"}
    code, refused = command("mail", "--flush", out, env=wrong)
    assert code == 4
    assert "the login was refused: 535" in refused
    code, said = command("mail", "--flush", out, env=SECRET)
    assert code == 0
    assert "which had waited, went to team@reportgen.test." in said
    message = login_server.only.message
    assert login_server.only.user == USER
    subject = r"\[stars\] FAIL 1 of 1 check · Größen: median [\d.]+ · \d{4}-\d\d-\d\d"
    assert re.fullmatch(subject, message["Subject"])
    found = parts(message)
    assert set(found) == {"text/plain", "text/html", "image/png", "application/pdf"}
    link = f"https://reports.example.org/stars/{built.project.latest.resolve().name}/report.html"
    assert link in found["text/plain"].get_content()
    written = everything(tmp_path) + everything(built.project.folder) + (refused + said).encode()
    assert USER.encode() in written
    secrets = [PASSWORD, "wrong-horse"]
    forms = [secret.encode() for secret in secrets]
    forms += [base64.b64encode(form) for secret in secrets for form in both_forms(secret)]
    assert not [form for form in forms if form in written]


def both_forms(secret):
    """Give a password as methods of a login send it."""
    return secret.encode(), f"\0{USER}\0{secret}".encode()


def test_neither_tokens_nor_addresses_of_webhooks_are_told_by_whoever_repeats_them(
    run, login_server, tmp_path
):
    token, hook = "ya29.a-token-of-an-hour", "T00000000/B00000000/hook-secret-xyz"
    login_server.secret = f"535 5.7.8 no, not {token}"
    with web_server((404, f"no_team at /services/{hook}"), path=f"/services/{hook}") as site:
        block = deliver(login_server, smtp={"login": {"user": USER, "method": "xoauth2"}})
        copied = run({**block, "webhook": {"kind": "slack", "attempts": 1}})
        secrets = {"hook": f"{site.address}\n", "token": f"echo {token}\n"}
        names = {"hook": "REPORTGEN_WEBHOOK_URL_FILE", "token": "REPORTGEN_SMTP_TOKEN_COMMAND_FILE"}
        env = {names[name]: str(tmp_path / name) for name in secrets}
        for name, secret in secrets.items():
            (tmp_path / name).write_text(secret)
        code, said = command("mail", copied, env=env)
        again, flushed = command("mail", "--flush", copied.parent, env=env)
    assert (code, again) == (4, 4)
    assert "535 5.7.8 no, not •••" in said
    assert "localhost answered 404 no_team at •••" in said
    written = everything(copied.parent) + (said + flushed).encode()
    whole = f"user={USER}\1auth=Bearer {token}\1\1".encode()
    secret = [token.encode(), base64.b64encode(whole), b"hook-secret-xyz", b"B00000000"]
    assert not [form for form in secret if form in written]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "give a run folder, or --flush"),
        (["--flush", "out", "--dry-run"], "there is no --dry-run of it"),
        (["out/latest", "--output", "x"], "--output is for --dry-run"),
        (["out/latest", "--to", "nobody"], "--to: 'nobody' is not one address"),
        (["nothing"], "nothing: there is no such run"),
        (["--flush", "nothing"], "there is no such folder"),
    ],
)
def test_a_wrong_command_line_is_said(words, said):
    code, output = command("mail", *words)
    assert code == 2
    assert said in output


def test_mail_without_a_block_on_delivery_is_refused_before_anything_is_built(project):
    done = project.build("--mail")
    assert done.returncode == 2
    assert "--mail: the configuration has no deliver.mail and no deliver.webhook" in done.stderr
    assert not project.out.exists()


def test_a_night_without_a_report_is_mailed_too(project, login_server):
    project.configure({"fluxes": DISTRIBUTION}, deliver=deliver(login_server))
    (project.out / "latest").mkdir(parents=True)
    done = project.build("--mail", env=SECRET)
    assert done.returncode == 4
    message = login_server.only.message
    assert message["Subject"].startswith("[stars] ERROR no report · ")
    said = " ".join(parts(message)["text/plain"].get_content().split())
    assert "is not a link, so it is left as it is" in said


@pytest.mark.parametrize("digest", [True, False])
def test_the_reports_of_a_matrix_are_mailed_together_only_where_a_digest_is_wanted(
    project, login_server, digest
):
    project.configure(
        {"fluxes": DISTRIBUTION},
        matrix={"field": ["a", "b"]},
        report={"id": "stars-${{ matrix.field }}", "title": "Field ${{ matrix.field }}"},
        output={"folder": "out/${{ matrix.field }}", "formats": ["html"]},
        deliver=deliver(login_server, digest=digest),
    )
    for field in "b" if digest else "ab":
        (project.out / field / "latest").mkdir(parents=True)
    assert project.build("--mail", env=SECRET).returncode == 4
    subjects = sorted(mail.message["Subject"] for mail in login_server.received)
    if not digest:
        assert [subject[:25] for subject in subjects] == [
            "[stars-a] ERROR no report",
            "[stars-b] ERROR no report",
        ]
        return
    assert subjects[0].startswith("[report] ERROR 1 of 2 reports not made · ")
    said = parts(login_server.only.message)["text/plain"].get_content()
    assert "No report: stars-b" in said
    assert "Field a" in said
    assert not list(project.out.glob("*/.deliver/promised/*"))


def test_reports_of_a_digest_that_was_never_sent_are_mailed_the_next_night(project, login_server):
    project.configure({"fluxes": DISTRIBUTION}, deliver=deliver(login_server, digest=True))
    assert project.build("--mail-later").returncode == 0  # as its build starts those of a matrix
    assert login_server.received == []
    assert project.build("--mail", env=SECRET).returncode == 0
    assert len({mail.message["Message-ID"] for mail in login_server.received}) == 2


@pytest.fixture(scope="module")
def postfix():
    if shutil.which("postfix") is None:
        pytest.skip("Postfix is not installed")
    if os.geteuid() != 0:
        pytest.skip("only root may run Postfix (not root)")
    # Its processes are not root: they must be able to enter every folder above theirs.
    with tempfile.TemporaryDirectory(prefix="reportgen-postfix-", dir="/tmp") as name:
        folder = Path(name)
        folder.chmod(0o755)
        authority = trustme.CA()
        authority.cert_pem.write_to_path(folder / "authority.pem")
        certificate = authority.issue_cert("localhost")
        with running_postfix(folder, certificate, ["team", "boss", "log"]) as running:
            yield running


def test_postfix_delivers_the_mail_whole_to_those_it_knows(run, postfix):
    to = {"fail": ["Team <team@reportgen.test>", "gone@reportgen.test"], "ok": []}
    cc = ["Chef Müller <boss@reportgen.test>"]
    copied = run(deliver(postfix, smtp={"login": None}, to=to, cc=cc))
    code, said = command("mail", copied)
    assert code == 4
    assert "refused: gone@reportgen.test (550 5.1.1" in said
    assert "Mailed to team@reportgen.test, boss@reportgen.test." in said
    (raw,), (copy,) = postfix.mails("team"), postfix.mails("boss")
    assert raw["Message-ID"] == copy["Message-ID"]
    message = message_from_bytes(raw.as_bytes(), policy=default)
    assert message["X-Original-To"] == "team@reportgen.test"
    assert message["Return-Path"] == "<stars@example.org>"
    assert "ESMTPS" in message["Received"]
    assert message["Cc"].addresses[0].display_name == "Chef Müller"
    assert message["List-Id"] == "Sterne über München <stars.example.org>"
    assert message["Message-ID"].endswith("@reportgen.example.org>")
    plain, page = (message.get_body((kind,)).get_content() for kind in ("plain", "html"))
    assert "Größen" in plain
    assert "Größen" in page
    pictures = [part for part in message.walk() if part.get_content_type() == "image/png"]
    cids = [part["Content-ID"].strip("<>") for part in pictures]
    assert re.findall(r'src="cid:([^"]+)"', page) == cids
    for part in pictures:
        name, _, figure = part.get_filename().removesuffix(".png").partition("-")
        file = copied / "sections" / name / "figures" / f"{figure}.png"
        assert part.get_content() == file.read_bytes()
    (pdf,) = message.iter_attachments()
    assert pdf.get_content() == (copied / "report.pdf").read_bytes()
