"""What is around a verb: streams, disks, homes and signals that are not as it would wish."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest

import bnnhw
from bnnhw.datasets import load_split
from bnnhw.errors import RequestError
from bnnhw.files import scratch
from bnnhw.ir import Network, archive
from tests.cli.conftest import heard, make_network, run

Refused = Callable[..., str]
BNNHW = (sys.executable, "-c", "from bnnhw.cli import main; main()")


def bnnhw_process(*arguments: str | Path, env: Mapping[str, str] | None = None, **options: object) -> list[object]:
    """Exit code, stdout, stderr of the program itself."""
    done = subprocess.run(
        [*BNNHW, *map(str, arguments)],
        env={**os.environ, **(env or {})},
        **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "timeout": 120, **options},  # type: ignore[call-overload]
    )
    return [done.returncode, *((stream or b"").decode() for stream in (done.stdout, done.stderr))]


@pytest.fixture
def accented(tmp_path: Path) -> Path:
    """A network whose layers and file have names beyond ASCII, and one that is no text."""
    network = make_network()
    path = tmp_path / os.fsdecode("réseau-\udc80.bnn".encode("utf-8", "surrogateescape"))
    archive.save(Network(network.input, network.layers, {"by": "Čapek →"}), path)
    return path


@pytest.mark.parametrize(
    "env", [{"PYTHONIOENCODING": "ascii"}, {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}]
)
def test_stdout_that_is_not_utf8(env: dict[str, str], accented: Path) -> None:
    code, out, errors = bnnhw_process("show", accented, env=env)
    assert (code, errors) == (0, "")
    assert "by: \\u010capek \\u2192" in str(out)
    code, out, errors = bnnhw_process("show", f"{accented}x", env=env)
    assert code == 2
    assert str(errors).startswith("bnnhw: error: ")
    assert len(str(errors).splitlines()) == 1


def test_a_reader_who_has_seen_enough(network: Path) -> None:
    """``bnnhw show x | head -0``: no error, and no complaint."""
    for more in ((), ("--json",)):
        reader, writer = os.pipe()
        os.close(reader)
        try:
            assert bnnhw_process("show", network, *more, stdout=writer) == [0, "", ""]
        finally:
            os.close(writer)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_full_disk_behind_stdout(network: Path) -> None:
    with Path("/dev/full").open("wb") as full:
        code, _, errors = bnnhw_process("show", network, "--json", stdout=full)
    assert (code, errors) == (2, "bnnhw: error: stdout: can't be written: No space left on device\n")


def test_closed_streams(network: Path, tmp_path: Path) -> None:
    command = ["sh", "-c", '"$@" >&- 2>&-', "sh", *BNNHW]
    assert subprocess.run([*command, "show", str(network)]).returncode == 0
    assert subprocess.run([*command, "show", str(tmp_path / "none")]).returncode == 2


def test_alone_it_prints_its_help() -> None:
    result = run()
    assert result.exit_code == 0
    assert result.stdout == run("--help").stdout
    assert result.stdout.splitlines()[0].startswith("Usage: ")
    assert len(result.stdout.splitlines()) > 20
    told = json.loads(run("--json").stdout)
    assert told.keys() == {"error", "exit"}
    assert told["exit"] == 2


@pytest.mark.parametrize("where", ["output", "temporary"])
def test_a_full_disk(
    where: str, network: Path, tmp_path: Path, refused: Refused, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One line that names the place, not a temporary file; nothing half-written."""
    temporary, write = tmp_path / "temporary", Path.write_text
    temporary.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(temporary))

    def full(path: Path, *arguments: object, **options: object) -> int:
        if (temporary in path.parents) == (where == "temporary"):
            path.touch()
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return write(path, *arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(Path, "write_text", full)
    monkeypatch.setattr(Path, "write_bytes", lambda path, data: full(path, data.decode("latin-1"), encoding="latin-1"))
    message = refused(2, "generate", network, "-o", tmp_path / "deep" / "design")
    reason = "can't be written: No space left on device"
    if where == "temporary":
        assert message == f"{temporary}: {reason} (TMPDIR may name another folder)"
    else:
        assert message.startswith(f"{tmp_path}/deep/design/")
        assert message.endswith(reason)
        assert ".bnnhw-" not in message


@pytest.mark.parametrize("variable", ["XDG_CACHE_HOME", "HOME"])
def test_a_cache_that_can_not_be_written(
    variable: str, network: Path, tmp_path: Path, refused: Refused, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv(variable, "/dev/null")
    message = refused(2, "simulate", network, "--dataset", "digits", "--count", "2")
    assert message.startswith("/dev/null/")
    assert "can't be made: Not a directory" in message
    assert message.endswith("simulations are kept there (XDG_CACHE_HOME may name another folder)")


def test_no_folder_for_temporary_files(
    network: Path, tmp_path: Path, refused: Refused, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "none"))
    message = refused(2, "generate", network, "-o", tmp_path / "design")
    assert message == f"{tmp_path}/none: can't be written: No such file or directory (TMPDIR may name another folder)"


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_samples_that_are_no_numbers(value: float) -> None:
    samples = load_split("digits", "test")[0][:3].copy()
    samples[1, 7] = value
    with pytest.raises(RequestError, match=r"^samples must be finite numbers; element 7 of frame 1 is (nan|inf|-inf)$"):
        bnnhw.evaluate(make_network(), samples)


def test_memory_that_is_not_there(network: Path, refused: Refused, monkeypatch: pytest.MonkeyPatch) -> None:
    def want(path: Path) -> Network:
        raise MemoryError

    monkeypatch.setattr(archive, "load", want)
    assert refused(2, "show", network) == "out of memory"


def test_an_error_of_ours_under_json(network: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong(path: Path) -> Network:
        raise ZeroDivisionError

    monkeypatch.setattr(archive, "load", wrong)
    result = run("show", network, "--json")
    assert isinstance(result.exception, ZeroDivisionError)
    assert json.loads(result.stdout)["exit"] == 1


SLEEPER = """#!/bin/sh
# Stands for a tool: it starts another program, says who it is, and takes its time.
if [ "$1" = --version ]; then echo "Verilator 9.000"; echo "Yosys 9.00"; exit 0; fi
sleep 60 &
echo "$$ $!" > "$SLEEPER_PIDS.part"; mv "$SLEEPER_PIDS.part" "$SLEEPER_PIDS"
wait
"""


def _alive(pid: int) -> bool:
    try:
        # A zombie that nobody has waited for has no command line.
        return bool(Path(f"/proc/{pid}/cmdline").read_bytes())
    except OSError:
        return False


@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="needs /proc")
@pytest.mark.parametrize(
    "number, tool, verb",
    [
        (signal.SIGTERM, "verilator", ("simulate", "--dataset", "digits")),
        (signal.SIGHUP, "verilator", ("simulate", "--dataset", "digits")),
        (signal.SIGINT, "yosys", ("generate", "-o", "out")),
        (signal.SIGTERM, "yosys", ("build", "--board", "icebreaker", "-o", "out")),
    ],
)
def test_a_signal_ends_the_tools_too(
    number: signal.Signals, tool: str, verb: tuple[str, ...], network: Path, tmp_path: Path
) -> None:
    """And what these started; no lock, no temporary folder, nothing half-written stays."""
    tools, temporary, cache, work = (tmp_path / name for name in ("tools", "temporary", "cache", "work"))
    for folder in (tools, temporary, work):
        folder.mkdir()
    (tools / tool).write_text(SLEEPER)
    (tools / tool).chmod(0o755)
    pids = tmp_path / "pids"
    env = {
        "PATH": f"{tools}:{os.environ['PATH']}",
        "TMPDIR": str(temporary),
        "XDG_CACHE_HOME": str(cache),
        "SLEEPER_PIDS": str(pids),
    }
    with heard(number):
        process = subprocess.Popen(
            [*BNNHW, verb[0], str(network), *verb[1:], "--json"],
            cwd=work, env={**os.environ, **env}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
    while not pids.exists():
        assert process.poll() is None, process.communicate()
        time.sleep(0.02)
    started = [int(pid) for pid in pids.read_text().split()]
    process.send_signal(number)
    out, errors = process.communicate(timeout=60)
    assert process.returncode == 128 + number
    assert "Traceback" not in errors
    said = "interrupted" if number == signal.SIGINT else f"ended by {number.name}"
    assert errors.splitlines()[-1] == f"bnnhw: {said}"
    assert json.loads(out) == {"error": said, "exit": 128 + number}
    # They were told to end; on a busy machine that takes a moment. They would sleep for a minute.
    deadline = time.monotonic() + 30
    while any(_alive(pid) for pid in started):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    left = [path.relative_to(tmp_path).as_posix() for folder in (temporary, cache, work) for path in folder.rglob("*")]
    assert left == []


def test_a_scratch_folder_is_gone_whatever_happens(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), scratch(tmp_path) as folder:
        (folder / "file").write_text("")
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []
