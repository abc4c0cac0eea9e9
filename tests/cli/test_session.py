"""What all verbs share: exit codes, one line on stderr, JSON alone on stdout."""

from __future__ import annotations

import errno
import io
import json
import re
import time
from pathlib import Path

import click
import numpy as np
import pytest
from click.testing import CliRunner
from rich.console import Console

from bnnhw.cli.group import Verbs
from bnnhw.cli.session import Session, verb
from bnnhw.errors import CheckError, FoldingError, RequestError, ToolError


def _group(error: BaseException | None = None) -> Verbs:
    @verb(example="bnnhw work 3")
    @click.argument("number", type=int)
    def work(session: Session, number: int) -> None:
        """Works."""
        with session.stage("working"):
            pass
        session.warn("mind [this]")
        session.result(
            {"number": np.int64(number), "share": np.float64(0.5), "path": Path("a/b")},
            lambda console: console.print(f"the number is {number}"),
        )
        if error is not None:
            raise error

    group = Verbs("bnnhw")
    group.add_command(work)
    return group


def test_a_person_gets_text() -> None:
    result = CliRunner().invoke(_group(), ["work", "3"])
    assert result.exit_code == 0
    assert result.stdout == "the number is 3\n"
    assert re.fullmatch(r"working +\d+\.\d s\nbnnhw: warning: mind \[this\]\n", result.stderr)


def test_a_script_gets_one_json_object() -> None:
    result = CliRunner().invoke(_group(), ["work", "3", "--json"])
    assert result.exit_code == 0
    assert json.loads(result.stdout) == {"number": 3, "share": 0.5, "path": "a/b"}


def test_quiet_leaves_warnings() -> None:
    result = CliRunner().invoke(_group(), ["work", "3", "-q"])
    assert result.stdout == ""
    assert result.stderr == "bnnhw: warning: mind [this]\n"


def test_quiet_json_still_gives_json() -> None:
    assert json.loads(CliRunner().invoke(_group(), ["work", "3", "-q", "--json"]).stdout)["number"] == 3


@pytest.mark.parametrize(
    "error, code",
    [
        (CheckError("2 frames differ"), 1),
        (RequestError("board must be one of a, b,\nnot 'c'"), 2),
        (FoldingError("layer x: no"), 2),
        (ToolError("yosys is missing"), 3),
    ],
)
def test_errors_are_one_line_and_an_exit_code(error: Exception, code: int) -> None:
    result = CliRunner().invoke(_group(error), ["work", "3", "-q"])
    assert result.exit_code == code
    assert result.stderr.splitlines()[1:] == [f"bnnhw: error: {str(error).replace(chr(10), ' ')}"]


def test_failed_check_still_gives_its_json() -> None:
    result = CliRunner().invoke(_group(CheckError("2 frames differ")), ["work", "3", "--json"])
    assert result.exit_code == 1
    assert json.loads(result.stdout)["number"] == 3


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["work"], "Missing argument 'NUMBER'."),
        (["work", "three"], "Invalid value for 'NUMBER': 'three' is not a valid integer."),
        (["work", "3", "--fast"], "No such option '--fast'."),
        (["play"], "No such command 'play'."),
    ],
)
def test_wrong_usage(arguments: list[str], message: str) -> None:
    result = CliRunner().invoke(_group(), arguments)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr == f"bnnhw: error: {message}\n"


def test_the_operating_system_says_no() -> None:
    error = PermissionError(errno.EACCES, "Permission denied", "/etc/out.bnn")
    result = CliRunner().invoke(_group(error), ["work", "3", "-q"])
    assert result.exit_code == 2
    assert result.stderr.splitlines()[-1] == "bnnhw: error: /etc/out.bnn: Permission denied"


def test_interrupt_is_clean() -> None:
    result = CliRunner().invoke(_group(KeyboardInterrupt()), ["work", "3", "-q"])
    assert result.exit_code == 130
    assert result.stderr.splitlines()[-1] == "bnnhw: interrupted"


def test_a_programming_error_keeps_its_traceback() -> None:
    error = ZeroDivisionError("a bug")
    assert CliRunner().invoke(_group(error), ["work", "3"]).exception is error


def test_help_ends_with_the_example() -> None:
    result = CliRunner().invoke(_group(), ["work", "--help"])
    assert result.exit_code == 0
    assert result.stdout.endswith("Example:\n    bnnhw work 3\n")
    assert "--json" in result.stdout


def test_progress_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is being done stands beside the bar, also while nobody knows how much there is to do."""
    session, screen = Session(), io.StringIO()
    monkeypatch.setattr(session, "err", Console(file=screen, force_terminal=True, width=120))
    with session.progress("simulate") as update:
        for done, total, what, shown in ((0, 0, "compiling with Verilator", None), (25, 100, "frames", "25 %")):
            update(done, total, what)
            # Drawn several times a second.
            for _ in range(3000):
                if what in screen.getvalue():
                    break
                time.sleep(0.01)
            assert what in screen.getvalue()
            assert ("%" in screen.getvalue()) == (shown is not None)
            assert shown is None or shown in screen.getvalue()
