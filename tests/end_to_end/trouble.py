"""A plugin whose sections do, each, one thing that a section should not do."""

import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
import warnings

import matplotlib
import numpy as np
from matplotlib.figure import Figure as Drawing

from reportgen import Analysis, Figure, Metric, Reduction, Section, Table, TableColumn
from reportgen.errors import ConfigError, PublishError


class TwoArgumentsError(Exception):
    """As many libraries have: it cannot be made again from its message alone."""

    def __init__(self, what, where):
        super().__init__(f"{what} at {where}")


class SpeechlessError(Exception):
    def __str__(self):
        raise RuntimeError("not even this")


class UnpicklableError(Exception):
    def __reduce__(self):
        raise TypeError("not to be sent")


def wait():
    time.sleep(3600)


def hoard():
    hoarded = b"x" * 400_000_000
    time.sleep(3600)
    return hoarded


def crash():
    ctypes.string_at(0)


def kill():
    os.kill(os.getpid(), signal.SIGKILL)


def fail(error):
    raise error


def figure(identifier="one", **texts):
    drawing = Drawing()
    drawing.add_subplot().plot([1, 2])
    words = {"title": "A line", "alt": "A line from 1 to 2.", "caption": "Drawn."} | texts
    data = Table("data", "Numbers", [TableColumn.of("n", [1, 2])], shown=False)
    return Figure(identifier, drawing, data=data, **words)


def leave_a_thread():
    threading.Thread(target=wait).start()
    return Section(findings=["A thread that would keep the process alive."])


def leave_a_child():
    child = subprocess.Popen(["sleep", "3600"])
    return Section(findings=[f"Child {child.pid}."])


def warn():
    for _ in range(2):
        warnings.warn("the sky is falling", stacklevel=2)
    return Section(findings=["It was said."])


def shout():
    print("to the standard output")
    os.write(2, b"past Python to the standard error\n")
    return Section(findings=["It was printed."])


def be_rude():
    found = matplotlib.rcParams["font.size"], np.geterr()["divide"], os.environ.get("RUDE")
    matplotlib.rcParams["font.size"] = 99
    np.seterr(all="raise")
    os.environ["RUDE"] = "yes"
    return Section(findings=[f"The world was {found}."])


def with_metrics():
    metrics = {"nothing": Metric(float("nan"), "nothing"), "much": Metric(float("inf"), "much")}
    return Section(findings=["Two numbers that are none."], metrics=metrics)


def half_made():
    broken = figure("broken")
    broken.drawing.axes[0].set_title(r"$\frac{$")
    return Section(findings=["Half."], figures=[figure("whole"), broken])


DEEDS = {
    "raises": lambda: fail(ValueError("seven is too many")),
    "two_arguments": lambda: fail(TwoArgumentsError("a stumble", "the door")),
    "speechless": lambda: fail(SpeechlessError()),
    "unpicklable": lambda: fail(UnpicklableError("not to be sent")),
    "exits": lambda: sys.exit(3),
    "ends": lambda: os._exit(5),
    "interrupts": lambda: fail(KeyboardInterrupt()),
    "is_killed": kill,
    "crashes": crash,
    "sleeps": wait,
    "hoards": hoard,
    "blames_publishing": lambda: fail(PublishError("the disk is shy", "comfort it")),
    "blames_configuration": lambda: fail(ConfigError("the YAML is shy")),
    "returns_nothing": lambda: None,
    "two_of_one_id": lambda: Section(findings=["Two."], figures=[figure(), figure()]),
    "slash_in_id": lambda: Section(findings=["Out."], figures=[figure("../../escape")]),
    "no_alt": lambda: Section(findings=["Blind."], figures=[figure(alt=" ")]),
    "no_finding": lambda: Section(findings=[]),
    "unknown_unit": lambda: Section(findings=["?"], metrics={"x": Metric(1, "x", "furlongs/x")}),
    "half_made": half_made,
    "leaves_a_thread": leave_a_thread,
    "leaves_a_child": leave_a_child,
    "warns": warn,
    "shouts": shout,
    "not_a_number": with_metrics,
    "rude": be_rude,
    "rude_again": be_rude,
}


class Deed(Analysis, name="deed"):
    """Does what it is told to."""

    deed: str
    """Which deed."""

    def reductions(self):
        return {}

    def present(self):
        return DEEDS[self.deed]()


class Misfit:
    def __reduce__(self):
        raise TypeError("this value stays here")


class Trouble(Reduction):
    """Does a deed in the pass over the rows."""

    def __init__(self, deed, when):
        self.deed, self.when = deed, when

    where = None
    reads = frozenset(["flux"])

    def start(self):
        return 0

    def update(self, state, chunk):
        if self.when == "update":
            DEEDS[self.deed]()
        return state

    def merge(self, first, second):
        return 0

    def finish(self, state):
        if self.deed == "misfit":
            return Misfit()
        if self.when == "finish":
            DEEDS[self.deed]()
        return state


class Scanned(Analysis, name="scanned"):
    """Gets into trouble while the rows are read."""

    deed: str
    """Which deed."""
    when: str = "update"
    """When in the pass."""

    def reductions(self):
        if self.when == "reductions":
            DEEDS[self.deed]()
        return {"trouble": Trouble(self.deed, self.when)}

    def present(self, trouble):
        return Section(findings=[f"The trouble was {trouble}."])
