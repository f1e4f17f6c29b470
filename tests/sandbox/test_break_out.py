"""What an attacker would try, really run: each fence with the others down, and all of them up."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from datacat.errors import DatacatError, SandboxMissing, SqlError, SqlStopped
from datacat.sandbox.fence import sandboxed
from datacat.tables import Tables
from tests.sandbox.conftest import Ask
from tests.sandbox.test_statements import REFUSED

# What is tried with Python in the same sandbox, as if DuckDB had been taken over. Each must raise an OSError.
ATTEMPTS = (
    "open('/etc/passwd')",
    "open('/etc/shadow')",
    "open('/proc/self/environ')",
    "open('/dev/sda')",
    "open({secret!r})",
    "os.listdir('/home')",
    "os.listdir({root!r} + '/ids')",
    "os.listdir({root!r} + '/log/_delta_log')",
    "open({data!r}, 'r+')",
    "os.unlink({data!r})",
    "os.chmod({data!r}, 0o777)",
    "open(os.path.dirname({data!r}) + '/new', 'w')",
    "open('/new', 'w')",
    "open('/tmp/new', 'w')",
    "open('/packages/inside/main.py', 'w')",
    "open(sys.executable, 'r+')",
    "os.execv('/bin/sh', ['sh'])",
    "os.execv('/usr/bin/env', ['env'])",
    "socket.create_connection(('127.0.0.1', {port}), 5)",
    "socket.create_connection(('192.0.2.1', 80), 5)",
    "socket.getaddrinfo('example.com', 80)",
    "os.setuid(0)",
    "os.kill({parent}, 9)",
    "libc(libc.unshare(0x10000000))",
    "libc(libc.mount(b'none', b'/tmp', b'tmpfs', 0, None))",
    "libc(libc.mount(None, b'/', None, 0x1020, None))",
    "[open(f'/spill/{{i}}', 'wb').write(bytes(1 << 20)) for i in range(20)]",
)
# The same once the filter of system calls is on.
LOCKED_IN = (
    "open('/spill/new', 'w')",
    "open('/spill/0', 'r+')",
    "os.unlink('/spill/0')",
    "os.mkdir('/spill/new')",
    "os.kill(1, 9)",
    "os.fork()",
    "os.execv(sys.executable, ['python'])",
    "socket.socket()",
    "socket.socketpair()",
    "in_thread(os.fork)",
    "in_thread(socket.socket)",
    "in_thread(lambda: os.unlink('/spill/0'))",
)
SNIPPET = """
import concurrent.futures, ctypes, json, os, socket, sys
class C:
    unshare = ctypes.CDLL(None, use_errno=True).unshare
    mount = ctypes.CDLL(None, use_errno=True).mount
    def __call__(self, status):
        if status:
            raise OSError(ctypes.get_errno(), "libc")
libc = C()
# A thread that is there before the filter is, as DuckDB's are.
pool = concurrent.futures.ThreadPoolExecutor(1)
pool.submit(int).result()
def in_thread(call):
    return pool.submit(call).result()
def outcomes(attempts):
    found = {}
    for text in attempts:
        try:
            found[text] = "DONE: " + repr(eval(text))
        except OSError as error:
            found[text] = type(error).__name__
    return found
found = outcomes(ATTEMPTS)
sys.path.append("/packages")
from inside import system_calls
system_calls.give_up(writing=True)
found |= outcomes(LOCKED_IN)
print(json.dumps([found, dict(os.environ), os.getuid(), os.listdir("/"), os.listdir("/etc")]))
"""


def test_python_in_the_sandbox_can_do_nothing(tables: Tables, secret: Path, open_port: int) -> None:
    data = _data(tables)
    facts = {"secret": str(secret), "root": str(tables.root), "data": data}
    attempts = [text.format(**facts, port=open_port, parent=os.getpid()) for text in ATTEMPTS]
    program = SNIPPET.replace("ATTEMPTS", repr(attempts)).replace("LOCKED_IN", repr(LOCKED_IN))
    shown = [os.path.dirname(data)]
    command = sandboxed(shown=shown, spill_bytes=10 << 20, program=("-c", program))
    done = subprocess.run(command, capture_output=True, text=True, check=True, env={"SECRET": "abracadabra"})
    found, environment, user, root, etc = json.loads(done.stdout)
    assert {text: outcome for text, outcome in found.items() if outcome.startswith("DONE")} == {}
    assert len(found) == len(ATTEMPTS) + len(LOCKED_IN)
    assert set(environment) <= {"PWD", "LC_CTYPE"}
    assert user == 65534
    assert not set(root) & {"home", "proc", "dev", "var", "bin", "sys"}
    assert set(etc) <= {"ld.so.cache"}


@pytest.mark.parametrize("sql", REFUSED)
def test_the_sandbox_holds_where_the_other_fences_are_down(ask: Ask, tables: Tables, sql: str) -> None:
    """Without the allow-list and with DuckDB's settings open, SQL runs, but there is nothing to take or to break."""
    before = _tree(tables)
    try:
        with ask(sql, fences=()) as rows:
            said = str(rows.read_all().slice(0, 1000).to_pylist())
    except DatacatError as error:
        said = str(error)
    assert "root:" not in said
    assert str(Path.home()) + "/." not in said
    assert _tree(tables) == before
    assert not Path("/tmp/datacat-escaped").exists()


@pytest.mark.parametrize("is_sandboxed", [True, False])
def test_the_settings_hold_where_the_allow_list_is_down(
    ask: Ask, tables: Tables, secret: Path, is_sandboxed: bool
) -> None:
    data = _data(tables)
    before = _tree(tables)
    attempts = [
        f"FROM '{secret}'",
        f"FROM read_text('{secret}')",
        f"FROM glob('{secret.parent}/*')",
        f"COPY (SELECT 1) TO '{secret.parent}/new.csv'",
        f"COPY (SELECT 1) TO '{data}' (FORMAT parquet)",
        f"COPY (SELECT 1) TO '{data}' (FORMAT parquet, USE_TMP_FILE false)",
        f"ATTACH '{secret.parent}/new.db'",
        f"EXPORT DATABASE '{secret.parent}/new'",
        "SET enable_external_access = true",
        "RESET allowed_paths",
        "SET allowed_directories = ['/']",
        "INSTALL httpfs",
        "LOAD httpfs",
        "FROM 'https://example.com/x.csv'",
        "SELECT getenv('HOME')",
    ]
    for sql in attempts:
        with pytest.raises((SqlError, SqlStopped)):
            ask(sql, fences=("process", "settings"), is_sandboxed=is_sandboxed).read_all()
        assert _tree(tables) == before, sql
    assert [path.name for path in secret.parent.iterdir()] == [secret.name]


@pytest.mark.parametrize("is_sandboxed", [True, False])
def test_all_fences_refuse_with_one_clear_error(ask: Ask, secret: Path, is_sandboxed: bool) -> None:
    for sql in (
        f"FROM '{secret}'",
        f"FROM read_csv('{secret}')",
        "SELECT getenv('HOME')",
        "COPY assets TO 'x'",
    ):
        with pytest.raises(SqlError) as refused:
            ask(sql, is_sandboxed=is_sandboxed)
        assert "Traceback" not in str(refused.value)
        assert refused.value.hint


ENDLESS = (
    "SELECT list_reduce(range(100000000), lambda a, b: (a * b + 1) % 1000003)",  # one call of one function
    "SELECT sum(a.range * b.range) FROM range(10000000) a, range(10000000) b",
    "WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r) SELECT max(n) FROM r",
    "SELECT r.range FROM range(100000000000) r WHERE r.range < 0",
)
GREEDY = (
    "SELECT len(range(1000000000))",
    "SELECT length(repeat('x', 3000000000))",
    "SELECT len(list(repeat('x', 1000) || range)) FROM range(100000000)",
    "SELECT string_agg(repeat('x', 100000), '') FROM range(100000)",
    "SELECT range AS i, repeat('x', 200) || range AS s FROM range(20000000) ORDER BY hash(range)",  # fills the disk
)


@pytest.mark.parametrize("is_sandboxed", [True, False])
@pytest.mark.parametrize("sql", ENDLESS)
def test_a_query_that_runs_too_long_is_stopped(ask: Ask, sql: str, is_sandboxed: bool) -> None:
    start = time.monotonic()
    with pytest.raises(SqlStopped, match="after 1 s"):
        ask(sql, timeout_s=1, is_sandboxed=is_sandboxed).read_all()
    assert time.monotonic() - start < 4
    assert _running() == []
    assert ask("SELECT 1 AS one").read_all().to_pylist() == [{"one": 1}]


@pytest.mark.parametrize("is_sandboxed", [True, False])
@pytest.mark.parametrize("sql", GREEDY)
def test_a_query_that_takes_too_much_memory_is_stopped(ask: Ask, sql: str, is_sandboxed: bool) -> None:
    with pytest.raises(SqlStopped, match=r"memory|after"):
        ask(sql, timeout_s=15, is_sandboxed=is_sandboxed).read_all()
    assert _running() == []


def test_a_query_that_is_given_up_leaves_no_process(ask: Ask) -> None:
    rows = ask("SELECT range FROM range(100000000000)")
    rows.read_next_batch()
    assert len(_running()) > 0
    rows.close()
    assert _running() == []
    with ask("SELECT range FROM range(100000000000)") as rows:
        next(iter(rows))
    assert _running() == []


ASKER = """
import sys
from datacat.sandbox import run_sql
from datacat.sources.location import Location
from datacat.tables import Tables
from tests.sandbox.conftest import SETTINGS
tables = Tables.open(Location(sys.argv[1]), SETTINGS)
rows = run_sql(tables, "SELECT range FROM range(100000000000)", state=tables.state(), is_sandboxed=sys.argv[2] == "1")
rows.read_next_batch()
print("reading", flush=True)
if len(sys.argv) > 3:
    rows = run_sql(tables, "SELECT sum(a.range * b.range) FROM range(9999999) a, range(9999999) b",
                   state=tables.state())
import time; time.sleep(60)
"""


@pytest.mark.parametrize("is_sandboxed", ["1", "0"])
def test_a_query_dies_with_whoever_asked(tables: Tables, is_sandboxed: str) -> None:
    command = [sys.executable, "-c", ASKER, str(tables.root), is_sandboxed]
    asker = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert asker.stdout
    assert asker.stdout.readline() == "reading\n"
    below = _below(asker.pid)
    assert below
    asker.kill()
    asker.communicate()
    _wait_for(lambda: not any(_is_running(pid) for pid in below))


def test_ctrl_c_ends_the_query_too(tables: Tables) -> None:
    command = [sys.executable, "-c", ASKER, str(tables.root), "1", "long"]
    asker = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert asker.stdout
    assert asker.stdout.readline() == "reading\n"
    _wait_for(lambda: len(_below(asker.pid)) >= 4)
    below = _below(asker.pid)
    asker.send_signal(signal.SIGINT)
    assert "KeyboardInterrupt" in asker.communicate(timeout=20)[1]
    _wait_for(lambda: not any(_is_running(pid) for pid in below))


def test_where_there_is_no_sandbox_the_query_is_refused(
    ask: Ask, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SandboxMissing, match="not installed") as missing:
        ask("SELECT 1")
    assert "apt-get install bubblewrap" in str(missing.value)
    bwrap = tmp_path / "bwrap"
    bwrap.write_text("#!/bin/sh\necho 'bwrap: No permissions to create new namespace' >&2; exit 1\n")
    bwrap.chmod(0o755)
    with pytest.raises(SandboxMissing, match="No permissions") as missing:
        ask("SELECT 1")
    assert "--without-sandbox" in str(missing.value)
    assert ask("SELECT 1 AS one", is_sandboxed=False).read_all().to_pylist() == [{"one": 1}]


def _data(tables: Tables) -> str:
    return tables.store.files.local(tables.state().of("annotations"))[0]


def _tree(tables: Tables) -> list[tuple[str, bytes]]:
    return sorted(
        (str(path), path.read_bytes()) for path in Path(str(tables.root)).rglob("*") if path.is_file()
    )


def _below(pid: int) -> list[int]:
    """The processes that a process started, and theirs."""
    found = []
    for thread in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in map(int, thread.read_text().split()):
            found += [child, *_below(child)]
    return found


def _is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def _running() -> list[int]:
    """The processes of queries of this process."""
    return [pid for pid in _below(os.getpid()) if pid not in _OTHERS and _is_running(pid)]


_OTHERS: set[int] = set()


@pytest.fixture(autouse=True)
def _others() -> None:
    """Notes the processes that other tests in this process have started, such as an S3 server."""
    _OTHERS.clear()
    _OTHERS.update(_below(os.getpid()))


def _wait_for(is_so: Callable[[], bool]) -> None:
    end = time.monotonic() + 40  # of a busy machine
    while not is_so():
        assert time.monotonic() < end
        time.sleep(0.02)
