import errno
import os
import subprocess
import sys
import time
from hashlib import sha256
from pathlib import Path

import pytest
from projects import SECONDS, clean_environment

from reportgen.data import store as module
from reportgen.data.store import Store

KEY = sha256(b"a key").hexdigest()
OTHER = sha256(b"another").hexdigest()

# Puts, gets and trims entries of whose keys the content follows; says how many it found.
HAMMERING = """
import random, sys
from hashlib import sha256
from pathlib import Path
from reportgen.data.store import Store

store = Store(Path(sys.argv[1]), 40_000)
chance = random.Random(int(sys.argv[2]))
found = 0
for step in range(1500):
    number = chance.randrange(30)
    key, content = sha256(b"%d" % number).hexdigest(), (b"%d," % number) * 1000
    if chance.random() < 0.4:
        store.put(key, content)
    elif step % 50 == 0:
        store.trim()
    else:
        got = store.get(key)
        assert got in (None, content), (number, got[:40])
        found += got is not None
print(found)
"""


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "cache")


def files(folder):
    return sorted(path for path in folder.rglob("*") if path.is_file())


def entry(store, key=KEY):
    return store.folder / key[:2] / key[2:]


def test_what_was_put_is_given_back(store):
    assert store.get(KEY) is None
    store.put(KEY, b"content")
    store.put(OTHER, b"")
    assert store.get(KEY) == b"content"
    assert store.get(OTHER) == b""


@pytest.mark.parametrize(
    "damage", [lambda c: b"?" + c[1:], lambda c: c[:-1] + b"?", lambda c: c[:30]]
)
def test_a_damaged_entry_is_not_there_and_is_removed(store, damage):
    store.put(KEY, b"content")
    entry(store).write_bytes(damage(entry(store).read_bytes()))
    assert Store(store.folder, read_only=True).get(KEY) is None
    assert entry(store).exists()
    assert store.get(KEY) is None
    assert not entry(store).exists()


def test_only_the_user_can_read_what_is_there(store):
    before = os.umask(0)
    try:
        store.put(KEY, b"content")
    finally:
        os.umask(before)
    assert store.folder.stat().st_mode & 0o777 == 0o700
    assert entry(store).parent.stat().st_mode & 0o777 == 0o700
    assert entry(store).stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("mode", [0o620, 0o602, None])
def test_an_entry_that_others_own_or_may_write_to_is_not_believed(store, mode, monkeypatch):
    store.put(KEY, b"content")
    if mode is None:
        monkeypatch.setattr(module.os, "geteuid", lambda: os.getuid() + 1)
    else:
        entry(store).chmod(mode)
    assert store.get(KEY) is None


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a link to another user")
def test_nothing_is_written_or_removed_where_a_link_of_another_user_leads(tmp_path):
    elsewhere = Store(tmp_path / "elsewhere", most_bytes=1000)
    elsewhere.put(KEY, b"content")
    link = tmp_path / "cache"
    link.symlink_to(elsewhere.folder)
    os.chown(link, 65534, 65534, follow_symlinks=False)
    store = Store(link, most_bytes=10)
    store.trim()
    store.put(sha256(b"another").hexdigest(), b"")
    assert [path for path in elsewhere.folder.rglob("*") if path.is_file()] == [entry(elsewhere)]


def test_a_pipe_in_place_of_an_entry_is_not_waited_for(store):
    store.put(KEY, b"content")
    (entry,) = [path for path in store.folder.rglob("*") if path.is_file()]
    entry.unlink()
    os.mkfifo(entry)
    assert store.get(KEY) is None


def test_a_disk_that_refuses_to_write_is_no_error_and_leaves_nothing(store, monkeypatch):
    store.put(OTHER, b"content")
    before = files(store.folder)

    def refuse(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(module.Path, "replace", refuse)
    store.put(KEY, b"content")
    assert files(store.folder) == before


def used(store, key, ago):
    """Say that an entry was used so many seconds ago."""
    moment = time.time() - ago
    os.utime(entry(store, key), (moment, moment))


def test_trimming_removes_what_was_not_used_for_longest(tmp_path):
    store = Store(tmp_path / "cache", 3500)
    keys = [sha256(b"%d" % number).hexdigest() for number in range(5)]
    for number, key in enumerate(keys):
        store.put(key, b"x" * 1000)
        used(store, key, ago=1000 - number)
    store.get(keys[0])  # the oldest, but used now
    store.trim()
    assert [key for key in keys if store.get(key)] == [keys[0], *keys[3:]]


def test_a_store_that_is_only_read_stays_as_it_is(store):
    store.put(KEY, b"content")
    used(store, KEY, ago=500)
    before = entry(store).stat()
    read_only = Store(store.folder, read_only=True)
    assert read_only.get(KEY) == b"content"
    read_only.put(OTHER, b"content")
    assert entry(store).stat().st_mtime_ns == before.st_mtime_ns
    assert files(store.folder) == [entry(store)]


def test_trimming_removes_what_a_killed_process_left_half_written(store):
    store.put(KEY, b"content")
    left, current = (entry(store).parent / f".unfinished-{name}" for name in ("old", "new"))
    for path in (left, current):
        path.write_bytes(b"half")
    os.utime(left, (0, 0))
    store.trim()
    assert not left.exists()
    assert current.exists()  # another process may be writing it
    assert store.get(KEY) == b"content"


def test_on_a_disk_that_is_nearly_full_nothing_is_kept(store, monkeypatch):
    """The report needs the room more."""
    monkeypatch.setattr(module, "SPARE_BYTES", 2**62)
    store.put(KEY, b"content")
    assert not store.folder.exists()


def test_processes_that_write_read_and_trim_one_store_find_only_whole_entries(tmp_path):
    command = [sys.executable, "-c", HAMMERING, tmp_path / "cache"]
    environment = clean_environment(PYTHONPATH=str(Path(module.__file__).parents[1]))
    processes = [
        subprocess.Popen([*command, str(seed)], env=environment, stdout=-1, stderr=-1, text=True)
        for seed in range(3)
    ]
    for process in processes:
        said, wrong = process.communicate(timeout=SECONDS)
        assert process.returncode == 0, wrong
        assert int(said) > 50
    Store(tmp_path / "cache", 40_000).trim()
    kept = files(tmp_path / "cache")
    assert 0 < sum(path.stat().st_size for path in kept) <= 40_000
    assert not [path for path in kept if path.name.startswith(".")]
