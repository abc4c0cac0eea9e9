"""The group of all verbs: turns errors into one line on stderr and an exit code."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from itertools import takewhile
from typing import Any

import click

from bnnhw.cli.session import Session
from bnnhw.cli.terminal import finish, prepare, write_out
from bnnhw.errors import BnnhwError, FileError
from bnnhw.files import plain
from bnnhw.processes import Terminated

__all__ = ["Verbs", "cli"]

SIGNALS = 128
"""Exit codes above are of signals, as shells report them."""

INTERRUPTED = 130
"""128 + SIGINT."""


def _wants_json(arguments: Sequence[str]) -> bool:
    """Whether one object is wanted, as far as can be told when the arguments make no sense."""
    return "--json" in takewhile(lambda argument: argument != "--", arguments)


class Verbs(click.Group):
    """A click group whose errors are those of the contract: 1 a check failed, 2 a wrong request, 3 a missing tool."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The verbs in the order they were added, which is that of the pipeline."""
        return list(self.commands)

    def main(  # type: ignore[override]
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = "bnnhw",
        standalone_mode: bool = True,
        **extra: Any,
    ) -> Any:
        if not standalone_mode:
            return super().main(args, prog_name, standalone_mode=False, **extra)
        prepare()
        session = Session(_wants_json(sys.argv[1:] if args is None else args))
        try:
            message, code = self._run(args, prog_name, session, extra)
            code = _end(session, message, code)
        except BaseException:
            # A bug: its traceback follows.
            if session.json:
                write_out(_object({"error": "internal error, see stderr", "exit": 1}))
            raise
        sys.exit(code)

    def _run(
        self, args: Sequence[str] | None, prog_name: str | None, session: Session, extra: dict[str, Any]
    ) -> tuple[str | None, int]:
        """What went wrong, if anything did, and the exit code."""
        try:
            code = super().main(args, prog_name, standalone_mode=False, obj=session, **extra)
            finish()
        except BnnhwError as error:
            return str(error), error.exit_code
        except click.exceptions.NoArgsIsHelpError as error:
            if session.json:
                return "a verb is needed", 2
            write_out(f"{error.ctx.get_help()}\n")
            return None, 0
        except click.ClickException as error:
            return error.format_message(), 2
        except (KeyboardInterrupt, click.Abort):
            return "interrupted", INTERRUPTED
        except Terminated as ended:
            return str(ended), SIGNALS + ended.number
        except BrokenPipeError:
            return None, 0
        except OSError as error:
            # What is no file's is the operating system's want of something: memory, processes, room.
            where = "" if error.filename is None else f"{error.filename}: "
            return f"{where}{error.strerror or error}", 2
        except MemoryError:
            return "out of memory", 2
        return None, code if isinstance(code, int) else 0


def _object(data: Mapping[str, Any]) -> str:
    try:
        return json.dumps(data, indent=2, default=plain, allow_nan=False) + "\n"
    except ValueError:
        # JSON has no word for them.
        return _object(_without_infinities(data))


def _without_infinities(value: Any) -> Any:
    """The same with None for what is no finite number."""
    if isinstance(value, Mapping):
        return {key: _without_infinities(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_without_infinities(entry) for entry in value]
    number = plain(value) if hasattr(value, "item") else value
    return None if isinstance(number, float) and not math.isfinite(number) else number


def _end(session: Session, message: str | None, code: int) -> int:
    """Says how a verb ended; the exit code."""
    data = dict(session.told)
    if message is not None:
        message = " ".join(message.split())
        data |= {"error": message, "exit": code}
        # Nobody may be there to read it.
        with suppress(OSError):
            click.echo(f"bnnhw: {'' if code > SIGNALS else 'error: '}{message}", err=True)
    try:
        if session.json and data:
            write_out(_object(data))
    except FileError as error:
        return _end(Session(), str(error), code or error.exit_code)
    return code


@click.group(cls=Verbs, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="bnnhw", message="%(prog)s %(version)s")
def cli() -> None:
    """Compiles trained binarized neural networks to FPGA accelerators, with open tools only.

    train -> import -> fold -> generate -> simulate -> build: each verb leaves one artefact that the next one reads.
    `bnnhw demo` runs them all.
    """
