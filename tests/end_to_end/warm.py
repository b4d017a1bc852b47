"""Builds from one warm process: a program, which `warm_builds` runs.

It imports reportgen once. Then it reads requests, lines of JSON, and forks a process for each,
which is a build of the command line: it ends, or is killed, as any other.
"""

import json
import os
import signal
import sys
import traceback
from collections import Counter
from pathlib import Path

# Calls that change files, locks, databases or processes, as C functions name themselves.
WATCHED = frozenset(
    (
        *("open", "rename", "replace", "unlink", "mkdir", "rmdir", "symlink", "fsync", "flock"),
        *("ftruncate", "pwrite", "BufferedWriter.write", "TextIOWrapper.write", "socket.sendmsg"),
        *("Connection.commit", "Connection.close", "Connection.execute"),
        *("Cursor.execute", "Cursor.executemany"),
    )
)

CONDUCTORS = {("pipeline.py", "build"), ("housekeeping.py", "do_housekeeping")}


class Watch:
    """Counts the points of a build, each the end of a call that changes something; kills it at one.

    A point is named by the stage of the build, the call, and which of its kind it is in the stage:
    ``publish rename 1``.
    """

    def __init__(self, kill_at, notes):
        import reportgen

        self._package = str(Path(reportgen.__file__).parent)
        self._kill_at = kill_at
        self._notes = notes
        self._seen = Counter()

    def __call__(self, frame, event, called):
        if event != "c_return" or called.__qualname__ not in WATCHED or reads(frame):
            return
        kind = f"{self.stage(frame)} {called.__qualname__}"
        self._seen[kind] += 1
        point = f"{kind} {self._seen[kind]}"
        if point == self._kill_at:
            os.kill(os.getpid(), signal.SIGKILL)
        if self._notes is not None:
            self._notes.append(point)

    def stage(self, frame):
        """Name what the conductor does just now, or what follows when a run is published."""
        below = "outside"
        while frame is not None:
            name, file = frame.f_code.co_name, frame.f_code.co_filename
            if (Path(file).name, name) in CONDUCTORS:
                return below
            if file.startswith(self._package):
                below = name
            frame = frame.f_back
        return "outside"


def reads(frame):
    """Whether a file is just opened to be read, as pathlib does."""
    return frame.f_code.co_name == "open" and frame.f_locals.get("mode") in {"r", "rb"}


def build(request):
    """Be a build; never returns."""
    from reportgen.cli import main

    for number, ending in ((1, ".out"), (2, ".err")):
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
        os.dup2(os.open(f"{request['output']}{ending}", flags, 0o600), number)
    os.environ.update(request["env"])
    os.chdir(request["cwd"])
    sys.argv = ["reportgen", *request["arguments"]]
    notes = [] if request["watch"] else None
    code = 1
    try:
        if request["watch"] or request["kill_at"]:
            sys.setprofile(Watch(request["kill_at"], notes))
        main()
    except SystemExit as end:
        code = end.code
    except BaseException:
        traceback.print_exc()
    finally:
        sys.setprofile(None)
        if notes is not None:
            Path(f"{request['output']}.points").write_text("\n".join(notes))
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def serve():
    import h5py  # noqa: F401 - what a build imports, once for all
    import jinja2  # noqa: F401
    import sqlalchemy.dialects.sqlite  # noqa: F401
    from pebble.concurrent import process  # noqa: F401

    from reportgen.build import pipeline, sections  # noqa: F401
    from reportgen.quality.history import store  # noqa: F401

    sections.PRELOADED[:] = ["reportgen.build.tasks"]  # no section here draws anything
    for line in sys.stdin:
        request = json.loads(line)
        number = os.fork() or build(request)
        code = os.waitstatus_to_exitcode(os.waitpid(number, 0)[1])
        print(json.dumps(code), flush=True)


if __name__ == "__main__":
    serve()
