"""Builds that get a signal at a random moment, and what must hold afterwards."""

import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from contextlib import closing, suppress
from dataclasses import dataclass

import numpy as np
import psutil
from projects import HISTOGRAM, SECONDS, clean_environment, small_project

from reportgen.data.store import FOLDER as CACHE
from reportgen.deliver.outbox import FOLDER as OUTBOX
from reportgen.run_folder import RUN_ID

FIRST_NIGHT = 1_790_000_000  # seconds since 1970: 2026-09-21
DAY = 86_400  # s
MARK = "REPORTGEN_FUZZED"  # in the environment of all processes of a build
PATIENCE = 60.0  # s until the processes of a build that was killed have ended
MAIL = {"from": "Stars <s@x.org>", "to": ["t@x.org"], "sendmail": True, "when": "always"}
SENDMAIL = '#!/bin/sh\ncat > "$SENT/.$$" && mv "$SENT/.$$" "$SENT/$$-$(date +%N)"\n'
SAID = "Interrupted."
REMOVED = "Interrupted; the run that was not finished has been removed."
PUBLISHED = re.compile(r"Interrupted; .*the report is there: \S+/(?P<run>[\dTZ-]+)\.")
OF_SECTIONS = {0, 3, 4, 5}  # exit codes when a worker is killed, that reads sources or mails, too


@dataclass(frozen=True)
class Kill:
    """A signal for a build.

    target: the process of the build, its group, or any process that it has started. moment: of
    the time that such a build takes. anew: whether all is made anew. choice: of the target.
    """

    number: signal.Signals
    target: str
    moment: float
    twice: bool
    anew: bool
    choice: float


def random_kill(seed):
    """Return a kill; the same for the same seed."""
    chance = np.random.default_rng(seed)
    numbers = [signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP]
    return Kill(
        number=numbers[chance.integers(4)],
        target=["group", "parent", "worker"][chance.integers(3)],
        moment=chance.uniform(0.02, 1.05),
        twice=bool(chance.random() < 0.2),
        anew=bool(chance.random() < 0.7),
        choice=chance.random(),
    )


class KilledBuilds:
    """A project whose builds are killed one after another, a night apart, each mailing its run."""

    def __init__(self, folder):
        self.project = small_project(folder)
        self.project.configure({"fluxes": HISTOGRAM}, deliver={"mail": MAIL})
        self.temporary, self.sent = folder / "tmp", folder / "sent"
        self.temporary.mkdir()
        self.sent.mkdir()
        program = folder / "sendmail"
        program.write_text(SENDMAIL)
        program.chmod(0o755)
        self._mark = (MARK, str(folder))
        self._environment = clean_environment(
            TMPDIR=str(self.temporary),
            SENT=str(self.sent),
            REPORTGEN_SENDMAIL=str(program),
            # An import that is interrupted leaves a file to be closed, which is said to tests only.
            PYTHONWARNINGS="error,ignore::ResourceWarning",
            **dict([self._mark]),
        )
        self._night = 0
        self._left = set()  # by a build that got a SIGKILL
        self._mailed_twice = set()  # runs whose build ended while it told of them
        self._seconds = {anew: self.complete(anew=anew) for anew in (True, False)}

    def complete(self, *, anew=False):
        """Let a build live, which leaves nothing of those before; return how long it took."""
        for path in self.temporary.iterdir():
            os.utime(path, (0, 0))  # what was made just now may be of a build that begins
        began = time.monotonic()
        building = self._start(anew)
        said, _ = building.communicate(timeout=SECONDS)
        seconds = time.monotonic() - began
        assert (building.returncode, said) == (0, "")
        self._look()
        assert self._hidden() == set()
        assert self._temporary() == set()
        with closing(sqlite3.connect(self.project.out / "history.sqlite")) as connection:
            known = [run for (run,) in connection.execute("SELECT run FROM reportgen_runs")]
        assert sorted(known) == sorted(self._runs())
        self._assert_mailed_once()
        return seconds

    def kill(self, kill):
        """Kill a build; it harms nothing."""
        before = self._runs()
        building = self._start(kill.anew)
        time.sleep(kill.moment * self._seconds[kill.anew])
        self._send(building, kill)
        said, _ = building.communicate(timeout=SECONDS)
        self._look()
        new = self._runs() - before
        assert len(new) <= 1
        self._mailed_twice |= new
        if kill.target == "worker":
            assert building.returncode in OF_SECTIONS, said
            assert "Traceback" not in said, said
            assert new
        elif kill.number == signal.SIGKILL:
            assert (building.returncode in {0, -kill.number}, said) == (True, "")
        else:
            self._assert_interrupted(building.returncode, kill.number, said, new)
        if kill.number == signal.SIGKILL and kill.target != "worker":
            self._left = self._hidden() | self._temporary()
        assert self._hidden() | self._temporary() | self._left == self._left

    def _assert_interrupted(self, code, number, said, new):
        if code != 128 + number:  # it came before the command began, or once it had ended
            assert code in {0, -number}, said
            # Python itself gives a traceback of Ctrl-C while it starts.
            assert said == "" or (number == signal.SIGINT and "reportgen/cli" not in said), said
        elif new:
            published = PUBLISHED.fullmatch(said.strip())
            assert published, said
            assert published["run"] in new
        else:
            assert said.strip() in {SAID, REMOVED}, said

    def _start(self, anew):
        self._night += 1
        epoch = str(FIRST_NIGHT + self._night * DAY)
        words = ["report.yaml", "--quiet", "--mail", *["--no-cache"] * anew]
        return subprocess.Popen(
            [sys.executable, "-m", "reportgen", *words],
            cwd=self.project.folder,
            env={**self._environment, "SOURCE_DATE_EPOCH": epoch},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def _send(self, building, kill):
        victim = building.pid
        if kill.target == "worker":
            started = []
            while not started and building.poll() is None:
                time.sleep(0.005)
                with suppress(psutil.NoSuchProcess):
                    started = psutil.Process(building.pid).children(recursive=True)
            if not started:
                return
            victim = started[int(kill.choice * len(started))].pid
        send = os.killpg if kill.target == "group" else os.kill
        for _ in range(1 + kill.twice):
            if building.poll() is None:
                with suppress(ProcessLookupError):
                    send(victim, kill.number)
            time.sleep(0.02)

    def _look(self):
        """Assert that no process is left, and that the newest report is whole."""
        processes = psutil.process_iter(["environ", "cmdline"], ad_value={})
        left = [each for each in processes if self._mark in (each.info["environ"] or {}).items()]
        alive = psutil.wait_procs(left, PATIENCE)[1]
        assert alive == [], [each.info["cmdline"] for each in alive]
        summary = self.project.summary()
        assert summary["run"]["id"] == self.project.latest.readlink().name
        assert self.project.page().rstrip().endswith("</html>")
        named = [
            file
            for section in summary["sections"]
            for thing in (*section["figures"], *section["tables"])
            for file in thing["files"].values()
        ]
        assert all((self.project.latest / file).is_file() for file in named)

    def _assert_mailed_once(self):
        """Assert that each run was mailed; again, of the same id, only if it was killed then."""
        outbox = self.project.out / OUTBOX
        assert [*(outbox / "waiting").iterdir()] == []
        records = list((outbox / "delivered").glob("[!.]*.json"))
        mailed = {path.stem for path in records if json.loads(path.read_bytes())["mail"]}
        assert mailed == self._runs()
        mails = [path.read_bytes() for path in self.sent.glob("[!.]*")]
        ids = Counter(re.search(rb"(?mi)^Message-ID:\s*(\S+)", mail)[1] for mail in mails)
        assert len(ids) == len(mailed)
        assert sum(count > 1 for count in ids.values()) <= len(self._mailed_twice)

    def _runs(self):
        return {path.name for path in self.project.out.glob("*") if RUN_ID.fullmatch(path.name)}

    def _hidden(self):
        names = {path.name for path in self.project.out.glob(".*")}
        return names - {CACHE, OUTBOX}

    def _temporary(self):
        names = {path.name for path in self.temporary.iterdir()}
        return names - {f"_jinja2-cache-{os.getuid()}"}
