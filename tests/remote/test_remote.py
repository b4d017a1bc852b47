"""Files on web servers and in S3, read from a real server on this machine."""

import subprocess
import sys
from urllib.parse import quote

import numpy as np
import pytest
import urllib3
from astropy.table import Table
from every_format import write_rows
from mail_servers import Certificates
from projects import Project, section
from range_servers import file_server

from reportgen.data.dataset import ColumnPlace
from reportgen.data.opening import describe_here, open_places
from reportgen.errors import SourceError
from reportgen.remote import server
from reportgen.remote.address import RemoteFile, remote_file
from reportgen.remote.copies import BLOCK

ROWS = 3000
SIGNED = "?X-Amz-Credential=ABC&X-Amz-Signature=c0ffee1234&part=2"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("served")
    write_rows(folder, ROWS)
    return folder


@pytest.fixture
def certificates(tmp_path):
    return Certificates(tmp_path)


@pytest.fixture
def site(folder, monkeypatch):
    monkeypatch.setenv(server.TIMEOUT, "1.5")
    monkeypatch.setattr(server, "_WAITS", (0, 0))
    with file_server(folder) as site:
        yield site


def read(path, names=("ra", "flux")):
    """Return the rows of some columns, or what is wrong with the file."""
    table = describe_here((path, ""))
    if isinstance(table, SourceError):
        return table
    try:
        with open_places([ColumnPlace(path, field=name) for name in names]) as rows:
            return np.array(rows(0, table.rows))
    except SourceError as error:
        return error


@pytest.mark.parametrize(
    "name",
    ["rows.fits", "rows.h5", "groups.parquet", "rows.feather", "rows.csv", "rows.vot", "rows.ecsv"],
)
def test_every_format_is_read_as_from_a_disk(site, folder, name):
    here, there = folder / name, remote_file(f"{site.address}/{name}")
    assert describe_here((there, "")) == describe_here((here, ""))
    np.testing.assert_array_equal(read(there), read(here))
    assert site.sent[name] <= (folder / name).stat().st_size + 2 * BLOCK


def test_packed_files_are_unpacked_on_the_way(site, folder, tmp_path):
    import gzip

    for name in ("rows.fits", "rows.csv"):
        (folder / f"{name}.gz").write_bytes(gzip.compress((folder / name).read_bytes()))
        found = read(remote_file(f"{site.address}/{name}.gz"))
        np.testing.assert_array_equal(found, read(folder / name))


# --- Servers that misbehave --------------------------------------------------------------------


def status(code, **headers):
    def answer(handler, content, _):
        handler.answer(code, b"<html>secret words</html>", headers)
        return True

    return answer


def with_part(change):
    """Return what answers parts that are not of the first 4096 bytes in its own way."""

    def answer(handler, content, asked):
        return asked[1] > 4096 and (change(handler, content, *asked) or True)

    return answer


def short(handler, content, first, last):
    """Say that more bytes come than do."""
    headers = {"Content-Range": f"bytes {first}-{last}/{len(content)}", "ETag": '"1"'}
    handler.answer(206, content[first:last], {**headers, "Content-Length": str(last - first + 1)})
    handler.close_connection = True


def fewer(handler, content, first, last):
    headers = {"Content-Range": f"bytes {first}-{last}/{len(content)}"}
    handler.answer(206, content[first:last], headers)


def slow(handler, content, first, last):
    headers = {"Content-Range": f"bytes {first}-{last}/{len(content)}"}
    handler.answer(206, b"", {**headers, "Content-Length": str(last - first + 1)})
    for byte in content[first : last + 1]:
        handler.wfile.write(bytes([byte]))
        if handler.server_site.released.wait(0.1):
            return


def hang_midway(handler, content, first, last):
    headers = {"Content-Range": f"bytes {first}-{last}/{len(content)}"}
    half = content[first : (first + last) // 2]
    handler.answer(206, half, {**headers, "Content-Length": str(last - first + 1)})
    handler.hang()


WRONG = {
    "404": (status(404), "is not there: the server answers 404"),
    "403": (status(403), "cannot be read: the server answers 403"),
    "500": (status(500), "cannot be read: the server answers 500, 3 times"),
    "whole": (lambda h, content, _: h.answer(200, content) or True, "gives no parts of files"),
    "short": (with_part(short), "the connection to the server broke off, 3 times"),
    "fewer": (with_part(fewer), "cannot be read: the server gave"),
    "hangs": (lambda handler, *_: handler.hang() or True, "the server said nothing for 1.5 s"),
    "hangs midway": (with_part(hang_midway), "the server said nothing for 1.5 s"),
    "slow": (with_part(slow), "bytes in time"),
    "changed": (
        with_part(lambda h, content, *asked: h.part(content, *asked, ETag='"other"')),
        "was changed while it was read",
    ),
    "longer": (
        with_part(lambda h, content, *asked: h.part(content + b"more", *asked)),
        "was changed while it was read",
    ),
    "other part": (
        with_part(lambda h, content, first, last: h.part(content, first + 1, last)),
        "cannot be read: the server gives other parts than asked for",
    ),
    "packed": (
        lambda h, content, asked: h.part(content, *asked, **{"Content-Encoding": "gzip"}) or True,
        "cannot be read: the server gives other parts than asked for",
    ),
    "file": (status(302, Location="file:///etc/passwd"), "leads on to an address of file:"),
    "ftp": (status(301, Location="ftp://127.0.0.1/x"), "leads on to an address of ftp:"),
    "loop": (status(302, Location="/rows.fits"), "leads from address to address"),
}  # fmt: skip


OTHERS = ["rows.h5", "one_group.parquet", "rows.feather", "rows.csv", "rows.vot", "rows.ecsv"]


@pytest.mark.parametrize(
    ("wrong", "name"),
    [
        *((wrong, "rows.fits") for wrong in WRONG),
        *((wrong, name) for wrong in ("short", "changed") for name in OTHERS),
    ],
)
def test_a_server_that_misbehaves_gives_a_sentence_and_no_rows(site, wrong, name, monkeypatch):
    site.misbehave, said = WRONG[wrong]
    monkeypatch.setattr(server, "_SLOWEST", 1e9)
    error = read(remote_file(f"{site.address}/{name}{SIGNED}"))
    assert isinstance(error, SourceError), error
    assert error.message.startswith(f"{site.address}/{name}?part=2: ")
    assert said in error.message
    assert "c0ffee" not in str(error)
    assert "secret words" not in str(error)


def test_nobody_there_is_said(site):
    error = read(remote_file("http://127.0.0.1:9/rows.fits"))
    assert "there is no connection to 127.0.0.1, 3 times" in error.message


def test_what_passes_is_tried_again_and_redirects_are_followed(site, folder):
    failures = [503, 500]

    def fail(handler, content, asked):
        if failures:
            handler.answer(failures.pop())
            return True
        if not handler.path.startswith("/there/"):
            there = site.address.replace("localhost", "127.0.0.1")
            handler.answer(302, b"", {"Location": f"{there}/there/rows.fits"})
            return True
        return False

    site.misbehave = fail
    np.testing.assert_array_equal(
        read(remote_file(f"{site.address}/rows.fits")), read(folder / "rows.fits")
    )


def test_only_servers_with_a_certificate_that_is_trusted_are_read(
    folder, certificates, monkeypatch
):
    monkeypatch.setattr(server, "_WAITS", ())
    with file_server(folder, certificates) as site:
        file = remote_file(f"{site.address}/rows.fits")
        assert "localhost has no certificate that is trusted here" in read(file).message
        monkeypatch.setenv("SSL_CERT_FILE", str(certificates.authority))
        server.forget_versions()
        server._pool.cache_clear()
        np.testing.assert_array_equal(read(file), read(folder / "rows.fits"))
        site.misbehave = status(302, Location="http://localhost/rows.fits")
        server.forget_versions()
        assert "leads on to an address of http:" in read(file).message


# --- Reports -----------------------------------------------------------------------------------


@pytest.fixture
def project(tmp_path, monkeypatch):
    """Give a server of thirteen columns in a Parquet file, and a project that shows two."""
    pa, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    made = Project(tmp_path / "project", env={server.TIMEOUT: "2"})
    made.folder.mkdir()

    def write(rows):
        random = np.random.default_rng(rows)
        columns = {f"c{number}": random.lognormal(size=rows) for number in range(13)}
        parquet.write_table(pa.table(columns), tmp_path / "many.parquet")

    with file_server(tmp_path) as site:
        made.site, made.write_many = site, write
        shown = section("distribution", columns=["c3", "c7"], histograms=[{"bins": 5}])
        made.show = lambda file: made.configure(
            {"all": shown}, catalogues={"stars": {"file": file}}
        )
        write(60_000)
        yield made


def test_a_report_reads_little_and_only_what_changed(project):
    project.show(f"{project.site.address}/many.parquet")
    size = (project.site.folder / "many.parquet").stat().st_size
    assert project.build().returncode == 0
    assert 2 / 13 * size < project.site.total <= 0.2 * size
    (record,) = project.summary()["inputs"]
    assert record["path"] == f"{project.site.address}/many.parquet"
    assert (record["bytes"], record["modified"]) == (size, "2026-11-02T10:00:00Z")
    assert record["version"]
    project.site.sent.clear()
    assert project.build().returncode == 0
    assert project.section("all")["kept"]
    assert project.site.total <= 10
    project.write_many(60_001)
    assert project.build().returncode == 0
    assert not project.section("all")["kept"]
    assert project.section("all")["rows"] == 60_001


def test_a_file_of_which_nobody_says_the_version_is_read_each_night(project):
    project.site.etag, project.site.modified = None, ""
    project.show(f"{project.site.address}/many.parquet")
    assert project.build().returncode == 0
    project.site.sent.clear()
    assert project.build().returncode == 0
    assert project.section("all")["kept"]
    assert project.site.total > 100_000


def test_a_file_that_breaks_off_is_exit_5_and_the_page_says_so(project):
    few = Table({f"c{number}": np.ones(5) for number in range(13)})
    few.write(project.folder / "few.fits")
    project.show(["few.fits", f"{project.site.address}/many.parquet"])
    assert project.build().returncode == 0
    assert project.section("all")["rows"] == 60_005
    project.write_many(60_001)
    project.site.misbehave = with_part(short)
    done = project.build()
    assert done.returncode == 5, done.stderr
    assert f"{project.site.address}/many.parquet: cannot be read: the connection" in done.stderr
    assert project.section("all")["status"] == "error"
    assert "many.parquet: cannot be read" in project.page()


def test_a_signature_is_in_no_file_and_no_output(project):
    project.show("${MANY}")
    address = f"{project.site.address}/many.parquet{SIGNED}"
    done = project.build(env={"MANY": address})
    assert done.returncode == 0, done.stderr
    assert project.build(env={"MANY": address.replace("c0ffee", "decade")}).returncode == 0
    assert project.section("all")["kept"]  # the night's signature is no part of what it is
    files = [path for path in project.folder.rglob("*") if path.is_file()]
    kept = b"".join(path.read_bytes() for path in files) + (done.stdout + done.stderr).encode()
    for secret in (b"c0ffee", b"decade", b"X-Amz-Credential"):
        assert secret not in kept


@pytest.mark.parametrize(
    ("address", "said"),
    [
        (f"https://archive.org/a.fits{SIGNED}", "the address has a secret in it"),
        ("https://me:c0ffee1234@archive.org/a.fits", "no user name or password"),
        ("https://archive.org/folder/", "the address names a folder"),
        ("https://archive.org/night_*.fits", "the address is a pattern"),
        ("https:///a.fits", "the address names no host"),
        ("https://me:c0ffee/a.fits", "the address has no host or port that is one"),
        ("https://archive.org//a.fits", "the address has an empty part"),
        ("ftp://archive.org/a.fits", "by https:, http: and s3:"),
        ("file:///etc/passwd", "by https:, http: and s3:"),
        ([f"https://archive.org/a.fits{SIGNED}", "b.fits"], "must stand alone, not in a list"),
    ],
)
def test_an_address_that_will_not_do_is_refused_without_its_secrets(project, address, said):
    project.show(address)
    done = project.build()
    assert done.returncode == 2, done.stderr
    assert "report.yaml:10:" in done.stderr
    assert "catalogues.stars.file: " in done.stderr
    assert said in done.stderr
    assert "c0ffee" not in done.stderr
    given = project.call("report.yaml", "--set", f"catalogues.stars.file={address}")
    assert given.returncode == 2


def test_a_first_configuration_is_made_of_an_address(project):
    address = f"{project.site.address}/many.parquet"
    done = project.call("init", address, "--output", "first.yaml")
    assert done.returncode == 0, done.stderr
    assert f"file: {address}" in (project.folder / "first.yaml").read_text()
    assert project.call("check", "first.yaml").returncode == 0
    assert "60,000 rows" in project.call("describe", address).stdout
    assert project.call("describe", f"{address}x").returncode == 5


# --- S3 ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def s3(folder):
    """The address of S3 with a bucket of files."""
    command = [sys.executable, "-m", "moto.server", "--host", "127.0.0.1", "--port", "0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as running:
        lines = iter(running.stderr.readline, "")
        address = next(line.split()[-1] for line in lines if "Running on" in line)
        urllib3.request("PUT", f"{address}/survey")
        for path, acl in {"night 1": "private", "open data": "public-read"}.items():
            place = f"{address}/survey/{quote(path)}/rows.fits"
            content = (folder / "rows.fits").read_bytes()
            urllib3.request("PUT", place, body=content, headers={"x-amz-acl": acl})
        yield address
        running.terminate()


@pytest.mark.parametrize("is_signed", [True, False])
def test_files_in_s3_are_read_by_the_credentials_of_the_environment(
    s3, site, folder, is_signed, monkeypatch
):
    keys = {"AWS_ACCESS_KEY_ID": "me", "AWS_SECRET_ACCESS_KEY": "c0ffee"} if is_signed else {}
    nothing = dict.fromkeys(("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"), "/nowhere")
    for name, value in {**keys, **nothing, "AWS_EC2_METADATA_DISABLED": "true"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(server, "_presigned", server._presigned.__wrapped__)  # not kept
    place = "survey/night 1" if is_signed else "survey/open data"
    for address, bucket in {s3: place, site.address: f"survey/signed {is_signed}"}.items():
        monkeypatch.setenv("AWS_ENDPOINT_URL", address)
        there = remote_file(f"s3://{bucket}/rows.fits")
        assert str(there) == f"s3://{bucket}/rows.fits"
        np.testing.assert_array_equal(read(there), read(folder / "rows.fits"))
        assert "is not there" in read(remote_file(f"s3://{bucket}/{is_signed}.fits")).message
    monkeypatch.setenv("AWS_ENDPOINT_URL", s3)
    private = read(remote_file("s3://survey/night 1/rows.fits"))
    assert is_signed or "the server answers 403" in private.message
    path, *_ = site.requests[0]
    assert path.startswith(f"/survey/signed%20{is_signed}/rows.fits")
    assert ("X-Amz-Signature=" in path) == is_signed


def test_without_botocore_s3_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "botocore.session", None)
    error = read(remote_file("s3://a-bucket/rows.fits"))
    assert "is in S3, which needs botocore" in error.message
    assert error.hint == "pip install 'reportgen[remote]'"


def test_an_address_is_a_path_that_can_be_sent_to_workers():
    import pickle

    file = remote_file("https://archive.org/a/b.csv.gz?token=abc&page=3&q=x/y")
    assert (file.name, file.suffix) == ("b.csv.gz", ".gz")
    assert str(file) == "https://archive.org/a/b.csv.gz?page=3&q=x%2Fy"
    assert file != remote_file("https://archive.org/a/b.csv.gz?token=abd&page=3&q=x/y")
    assert remote_file("https://a.org/b?sig=1") == remote_file("https://a.org/b?sig=2")
    sent = pickle.loads(pickle.dumps(file))  # noqa: S301 - of our own
    assert isinstance(sent, RemoteFile)
    assert sent == file
    assert sent.address == file.address
    assert "abc" in sent.address
    assert "abc" not in repr(sent)
