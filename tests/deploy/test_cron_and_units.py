"""The crontab, the lines for Slurm, the units of systemd: verified, and their commands are run."""

import re
import shutil
import subprocess

import pytest
from projects import read_summary
from scheduled_jobs import (
    DEPLOY,
    Machine,
    cron_environment,
    read_crontab,
    read_unit,
    set_limit,
    survey_folder,
)

HOME = "/home/observer"  # of the examples
UNITS = DEPLOY / "systemd"


@pytest.fixture
def observer(tmp_path):
    """The home of an observer: reportgen in an environment, and a survey."""
    machine = Machine(tmp_path / "machine")
    home = tmp_path / "observer"
    home.mkdir()
    (home / "reportgen").mkdir()
    (home / "reportgen/bin").symlink_to(machine.bin)
    machine.project = survey_folder(home / "survey")
    machine.survey = home / "survey"
    machine.at_home = lambda text: text.replace(HOME, str(home))
    return machine


def run_line(observer, variables, command):
    environment = cron_environment(observer, variables)
    return observer.run([environment["SHELL"], "-c", command], observer.folder, environment)


def crontab(observer):
    return read_crontab(observer.at_home((DEPLOY / "crontab").read_text(encoding="utf-8")))


def test_cron_accepts_the_crontab():
    program = shutil.which("crontab")
    if program is None:
        pytest.skip("no cron is installed")
    done = subprocess.run(
        [program, "-n", DEPLOY / "crontab"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_a_fine_night_of_cron_makes_a_report_and_prints_nothing(observer):
    read = crontab(observer)
    ((schedule, command),) = read.lines
    assert schedule == ["30", "5", "*", "*", "*"]
    done = run_line(observer, read.variables, command)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    latest = observer.survey / "build/nightly/latest"
    assert read_summary(latest)["run"]["status"] == "ok"
    assert (latest / "report.html").exists()


def test_what_cron_mails_of_a_bad_night_says_what_failed_and_where_it_is(observer):
    set_limit(observer.project, 1e-9)
    read = crontab(observer)
    ((_, command),) = read.lines
    done = run_line(observer, {**read.variables, "OPTIONS": "--workers 1"}, command)
    assert done.returncode == 1
    verdict, where = (done.stdout + done.stderr).splitlines()
    assert verdict.startswith("FAIL stars: 1 check failed. ")
    assert where.strip("→ ") == str((observer.survey / "build/nightly/latest").resolve())


def test_the_line_for_slurm_makes_a_report_and_logs_its_steps(observer):
    text = (DEPLOY / "scrontab").read_text(encoding="utf-8")
    read = read_crontab(observer.at_home(text))
    ((_, command),) = read.lines
    assert read.variables == {}  # older Slurm knows none
    done = run_line(observer, {}, command)
    assert done.returncode == 0, done.stderr
    assert "ok    fluxes" in done.stderr
    assert (observer.survey / "build/nightly/latest/report.html").exists()


@pytest.fixture
def units(tmp_path):
    """The units as they are on a machine, but for the place of reportgen."""
    if shutil.which("systemd-analyze") is None:
        pytest.skip("no systemd is installed")
    machine = Machine(tmp_path / "machine")
    folder = tmp_path / "units"
    shutil.copytree(UNITS, folder)
    for path in folder.rglob("*.*"):
        if path.is_file():
            text = path.read_text(encoding="utf-8")
            path.write_text(text.replace("/opt/reportgen/bin", str(machine.bin)))
    return folder


def analyze(*arguments, cwd):
    done = subprocess.run(
        ["systemd-analyze", *arguments], cwd=cwd, capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize("unit", ["reportgen@cdfs.service", "reportgen@cdfs.timer"])
def test_systemd_finds_nothing_wrong_with_the_units(units, unit):
    kind = unit.partition(".")[2]
    shutil.copy(units / f"reportgen@.{kind}", units / unit)
    assert analyze("verify", "--man=no", f"./{unit}", cwd=units) == (0, "")


def test_systemd_thinks_that_the_service_is_shut_in(units):
    _, said = analyze(
        *("security", "--offline=yes", "--no-pager", "./reportgen@.service"), cwd=units
    )
    exposure = re.search(r"Overall exposure level for \S+: ([\d.]+)", said)
    assert exposure is not None, said
    assert float(exposure[1]) < 2.5


def test_the_timer_starts_once_a_day_and_makes_up_for_missed_nights(units):
    timer = read_unit(units / "reportgen@.timer")
    (calendar,) = timer["OnCalendar"]
    code, said = analyze("calendar", "--iterations=2", calendar, cwd=units)
    assert code == 0, said
    starts = re.findall(r"(?:Next elapse|Iter\. #2): \w+ (\d{4}-\d\d-\d\d) 05:30:00", said)
    assert len(set(starts)) == 2
    assert timer["Persistent"] == ["yes"]


def test_the_command_of_the_service_makes_a_report_where_it_may_write(tmp_path):
    machine = Machine(tmp_path / "machine")
    project = survey_folder(tmp_path / "etc")
    configs = (tmp_path / "etc/configs").rename(tmp_path / "etc/reportgen")
    (configs / "nightly.yaml").rename(configs / "cdfs.yaml")
    assert project.columns  # made by the survey
    specifiers = {"%i": "cdfs", "%S": f"{tmp_path}/var/lib", "%C": f"{tmp_path}/var/cache"}
    service = read_unit(UNITS / "reportgen@.service")

    def filled(text):
        for specifier, value in specifiers.items():
            text = text.replace(specifier, value)
        return text.replace("/opt/reportgen/bin", str(machine.bin)).replace(
            "/etc/reportgen", str(configs)
        )

    for folder in [*service["StateDirectory"], *service["CacheDirectory"]]:
        assert folder == "reportgen/%i"
    (home,) = service["Environment"]
    (tmp_path / "var/cache/reportgen/cdfs").mkdir(parents=True)
    environment = machine.environment(**dict([filled(home).split("=", 1)]))
    (command,) = service["ExecStart"]
    words = filled(command).removesuffix(" $OPTIONS").split()
    assert command.endswith(" $OPTIONS")
    before = set((tmp_path / "etc").rglob("*"))
    done = machine.run([*words, "--workers", "1"], "/", environment)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "var/lib/reportgen/cdfs/latest/report.html").exists()
    assert set((tmp_path / "etc").rglob("*")) == before


def test_the_mail_drop_in_gives_the_password_as_a_file_and_never_as_a_value():
    settings = read_unit(UNITS / "reportgen@.service.d/mail.conf")
    assert settings["LoadCredential"] == ["smtp-password:/etc/reportgen/smtp-password"]
    assert "REPORTGEN_SMTP_PASSWORD_FILE=%d/smtp-password" in settings["Environment"]
    assert not any(
        value.startswith("REPORTGEN_SMTP_PASSWORD=") for value in settings["Environment"]
    )
