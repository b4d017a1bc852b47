"""Configurations as nobody should write them: those of configs/ and a rich one, changed at random.

Each is checked and now and then built, in a process of limited memory: ``try_seeds`` says which did
not end in time with one of reportgen's own exit codes and a sentence.
"""

import copy
import multiprocessing
import os
import random
import re
import resource
import tempfile
from pathlib import Path
from time import process_time

import psutil
import yaml
from projects import ROOT, call, small_project

SECONDS = 5.0  # of processor time that an input may take
HANGING = 120.0  # seconds without an answer, on whatever machine
MEMORY = 500 * 10**6  # bytes beyond what the process has before
LONGEST = 20_000  # characters of what is said
EVERY = 60  # of how many inputs one is built, too
EXIT_CODES = range(6)

RICH = """
report: {id: rich, title: "Rich, ${FUZZED:-plain}", authors: [Jo], description: All there is}
output: {folder: out, formats: [html], keep: {nights: 3}}
catalogues:
  stars:
    file: stars.h5
    missing: [-99, .5]
    exact_rows: 1000
    columns:
      flux: {dataset: flux, unit: uJy, label: Flux}
      size: &column {dataset: size, unit: deg}
      again: {<<: *column, label: Again}
references: {paper: 20260101T000000Z}
budgets: {seconds: 600, memory: 4 GB, html: 9 MB}
deliver:
  links: {report: "https://x.org/{{ run.id }}/report.html"}
  mail:
    from: Jo <jo@example.org>
    to: {ok: [a@example.org], fail: [b@example.org]}
    subject: "{{ report.id | upper }} {% if checks.fail %}!{% endif %}{{ night }}"
    smtp: {host: smtp.example.org, port: 587}
sections:
  all: {analysis: overview, catalogue: stars, title: All}
  flux:
    analysis: distribution
    catalogue: stars
    title: Flux
    where: flux > 0 and not missing(size) or abs(size - 1.5) <= 2 ** 0.5
    columns: [flux]
    histograms: [{bins: 10, log: true}, {bins: 5, above: 0, below: 2}]
    cuts: [1.5]
    text: "{{ metrics.flux_median * 2 }} and {{ '%.1f' | format(metrics.flux_median) }}"
    timeout: 60
    memory_limit: 2 GB
    budgets: {seconds: 30}
    checks:
      - {metric: flux_median, min: 0, max: 1e3, drift: {nights: 9, most: 5}, reason: So}
      - {rows_at_least: 10, fresh: 1e6, missing_at_most: {column: size, percent: 50}}
      - metric: flux_median
        within: {of: paper, relative: .1}
        waive: {until: 2026-12-31, reason: x}
  relation: {analysis: relation, catalogue: stars, title: R, column: flux, against: [size]}
"""  # fmt: skip
ODD = (
    *(0, -1, 1, 10**6, 10**400, 1e308, float("inf"), float("nan"), True, None),
    *("", " ", "x", "é\u202e", "&a", "*a", "!!x", "- a", "? a", "a: b"),
    *("9" * 4000, "0x" + "f" * 4000, "1_" * 2500 + "1", "0o" + "7" * 3000, "1:" * 900 + "1"),
    *("x" * 300, "x" * 10_000, "../" * 200, "/", "~", "~nobody/x", "/dev/zero", ".", "a/" * 2000),
    *("pipe", "loop", "a\u0000b", "\ud800", "\x1b[31m", "a\nb", "<b>&amp;", "=cmd|' /C calc'!A0"),
    *("${", "${FUZZED}", "${FUZZED_NOT:-x}", "${" * 500, "${{ matrix.a }}", "$${x}", "${A:-" * 200),
    *("{{ 9 ** 9 ** 9 }}", "{{ 'x' * 10**9 }}", "{{ x }}", "{{ metrics.no }}", "{{", "{% for %}"),
    *("{{ " + "(" * 300 + "1" + ")" * 300 + " }}", "{{ 1 / 0 }}", "{{ 'x' | center(10**9) }}"),
    *("{% for a in sections %}{{ loop.index }}{% endfor %}", "{{ '%0999999999d' | format(1) }}"),
    *("(" * 500, "not " * 500 + "flux", "flux > 9 ** 9 ** 9", "-" * 900 + "flux > 1"),
    *("flux > 1e400", "flux > 1 # x", "x" * 90, "20260101T000000Z", "metrics.flux"),
    *("lambda: 1", "flux > 0x" + "f" * 900, "flux.x > 1", "flux[0] > 1", "1e99 GB", "-1 kB"),
    *("1:30", "2026-02-30", "9999999-01-01", "m ** 99999", "10**999 m", "((m", "mag(AB)", "sqlite://"),
    *([], [[]], {}, [1] * 2000, {"a": {"b": {"c": 1}}}, ["x", 1, None], [{}], {"x" * 300: 1}),
)  # fmt: skip
FRAGMENTS = (
    *("\t", "\0", "\ufeff", "\x85", "---\n", "...\n", "? [a]\n: b\n"),
    *("a: &a [*a]\n", "b: &b {<<: *b}\n", "&a ", "*a", "%TAG !", "!<x> ", "!!int "),
    *("!!python/object/apply:os.system ['exit']", "!!binary aGk="),
    *("<<: ", "{", "}", "[", "]", ": ", "- ", "|\n", ">\n", "#", "'", '"', "\\", "${", "{{", "%}"),
    *("[" * 300, "{a: " * 300, "- " * 300, "? " * 200, "x: " * 100, "\n" * 500),
    *("é", "𝛼", "\r", "~"),
    "l0: &l0 [x,x,x,x,x,x,x,x,x,x]\n"
    + "".join(f"l{i}: &l{i} [{', '.join([f'*l{i - 1}'] * 10)}]\n" for i in range(1, 9)),
)  # fmt: skip


def base_texts():
    """Return what is changed: the configurations of the project, and one that has most keys."""
    texts = [path.read_text(encoding="utf-8") for path in sorted(ROOT.glob("configs/*.yaml"))]
    return [*texts, *[RICH] * (4 * len(texts))]


def mutated(seed):
    """Return the bytes of a configuration, arguments of the command line and the environment."""
    chance = random.Random(seed)  # noqa: S311 - the same each time
    text = chance.choice(base_texts())
    if chance.random() < 0.7:
        values = yaml.safe_load(text)
        for _ in range(chance.choice((1, 1, 1, 2, 3))):
            values = _changed_values(chance, values)
        text = _dumped(values)
    if chance.random() < 0.4:
        text = _changed_text(chance, text)
    content = text.encode("utf-8", "surrogatepass")
    if chance.random() < 0.05:
        content = _changed_bytes(chance, text, content)
    arguments = []
    while chance.random() < 0.25:
        value = _plain(chance.choice(ODD)).replace("\0", "")  # as no argument can hold
        arguments += ["--set", f"{_key(chance, text)}={value}"]
    environment = {"CROWDASTRO_H5": "../data/cdfs/crowdastro.h5"}
    if chance.random() < 0.2:
        environment["FUZZED"] = _plain(chance.choice(ODD)).replace("\0", "")
    return content, arguments, environment


def _changed_values(chance, values):
    """Return a tree of values with one of them replaced, renamed, repeated, moved or removed."""
    values = copy.deepcopy(values)
    places = list(_places(values))
    if not places:
        return chance.choice(ODD)
    holder, key = chance.choice(places)
    other = chance.choice(places)
    action = chance.randrange(8)
    if action == 0:
        del holder[key]
    elif action == 1 and isinstance(holder, dict):
        holder[chance.choice(("", "x", "é", 1, None, "x" * 300, str(key)[:-1]))] = holder.pop(key)
    elif action == 2:
        holder[key] = copy.deepcopy(other[0][other[1]])
    elif action == 3:
        holder[key] = [holder[key]]
    elif action == 4:
        holder[key] = {"x": holder[key]}
    else:
        holder[key] = chance.choice(ODD)
    return values


def _places(values):
    items = values.items() if isinstance(values, dict) else enumerate(values)
    for key, value in list(items):
        yield values, key
        if isinstance(value, dict | list):
            yield from _places(value)


def _dumped(values):
    try:
        # No aliases, for they would make each change twice.
        return yaml.safe_dump(values, allow_unicode=True, sort_keys=False, width=10**6)
    except ValueError:  # a number of too many digits for Python
        return f"report: {'9' * 5000}\n"


def _changed_text(chance, text):
    """Return a text with fragments put in, or lines removed, repeated or swapped."""
    lines = text.splitlines(keepends=True)
    for _ in range(chance.choice((1, 1, 2))):
        place = chance.randrange(len(lines) + 1)
        action = chance.randrange(5)
        if action <= 1:
            at = chance.randrange(len(text) + 1)
            lines = (text[:at] + chance.choice(FRAGMENTS) + text[at:]).splitlines(keepends=True)
        elif action == 2:
            lines.insert(place, chance.choice(FRAGMENTS))
        elif action == 3:
            lines[place : place + chance.randrange(1, 4)] = []
        else:
            lines.insert(place, chance.choice(lines or [""]))
        text = "".join(lines)
    return text


def _changed_bytes(chance, text, content):
    coding = chance.choice(("utf-16", "utf-16-be", "utf-32", "latin-1", None))
    if coding is not None:
        return text.encode(coding, "replace")
    place = chance.randrange(len(content) + 1)
    return content[:place] + bytes([chance.randrange(256)]) + content[place + 1 :]


def _key(chance, text):
    """Return some key path, of those in the text or an odd one."""
    keys = re.findall(r"[a-z_]+(?=:)", text) or ["x"]
    parts = [chance.choice(keys) for _ in range(chance.randrange(1, 4))]
    parts += chance.choice(([], [], ["0"], ["[0]"], ["9" * 30], [""], ["x" * 300]))
    return chance.choice(("", "sections.flux.", "catalogues.stars.")) + ".".join(parts)


def _plain(value):
    text = value if isinstance(value, str) else yaml.safe_dump(value, default_flow_style=True)
    return text.encode("utf-8", "replace").decode()


def try_seeds(seeds):
    """Try the inputs of some seeds; return what went wrong, by seed."""
    wrong, left = {}, list(seeds)
    while left:
        ours, theirs = multiprocessing.Pipe()
        process = multiprocessing.get_context("spawn").Process(
            target=_be_tried, args=(theirs, left)
        )
        process.start()
        theirs.close()
        while left:
            if not ours.poll(HANGING):
                wrong[left[0]] = f"hangs for {HANGING:g} s"
                break
            try:
                seed, said = ours.recv()
            except EOFError:
                process.join()
                wrong[left[0]] = f"its process ended with {process.exitcode}"
                break
            if said:
                wrong[seed] = said
            left.remove(seed)
        else:
            process.join(HANGING)
        process.kill()
        process.join()
        left = [seed for seed in left if seed not in wrong]
    return wrong


def _be_tried(answers, seeds):
    with tempfile.TemporaryDirectory(prefix="reportgen-fuzz-") as name:
        folder = Path(name)
        (folder / "configs").mkdir()
        project = small_project(folder / "configs")
        call("sample", "data/cdfs", "--rows", 200, "--images", 3, cwd=folder)
        folder = project.folder
        os.mkfifo(folder / "pipe")
        (folder / "loop").symlink_to("loop")
        project.config.write_text(RICH)
        project.build("-q")  # imports what there is to import, and remembers the source
        for seed in seeds:
            answers.send((seed, _tried(folder, seed)))


def _tried(folder, seed):
    """Check the input of a seed, and build some; return what is wrong, empty when nothing is."""
    content, arguments, environment = mutated(seed)
    (folder / "c.yaml").write_bytes(content)
    most = psutil.Process().memory_info().vms + MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (most, resource.RLIM_INFINITY))
    begun = process_time()
    checked = _called(folder, "check", arguments, environment)
    took = process_time() - begun
    resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    if took > SECONDS:
        return f"check takes {took:.1f} s"
    if problem := _problem(checked):
        return f"check: {problem}"
    if seed % EVERY or checked.returncode not in {0, 2, 5}:
        return ""
    built = _called(folder, "build", ["-q", *arguments], environment)
    if problem := _problem(built):
        return f"build: {problem}"
    # What is only to be noted, `check` says of all that a build would come to.
    errors = re.sub(r"(?m)^Note: .*\n", "", checked.stderr)
    if checked.returncode == 2 and (built.returncode, built.stderr) != (2, errors):
        return f"check says {checked.stderr!r}, and build {built.stderr!r}"
    return ""


def _called(folder, command, arguments, environment):
    return call(command, "c.yaml", *arguments, cwd=folder, env=environment)


def _problem(done):
    said = done.stdout + done.stderr
    if done.returncode not in EXIT_CODES or "Traceback" in said:
        return f"exit code {done.returncode}: {done.stderr[-1500:]}"
    if done.returncode and not done.stderr:
        return f"exit code {done.returncode} without a word"
    if len(said) > LONGEST:
        return f"says {len(said)} characters: {said[:300]}"
    if odd := re.search(r"[^\n\t\x20-\U0010ffff]|\x7f", said):
        return (
            f"prints a control character: {odd[0]!r} in {said[max(0, odd.start() - 200) :][:300]!r}"
        )
    return ""
