"""What every verb shares: --json, -q, tables, stages and progress bars."""

from __future__ import annotations

import functools
import sys
import time
import warnings
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from bnnhw.cli.paths import check_paths
from bnnhw.cli.terminal import console
from bnnhw.errors import RangeWarning

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["Session", "verb"]


class Session:
    """One run of a verb.

    Parameters
    ----------
    json : bool
        One JSON object on stdout, nothing else there.
    quiet : bool
        No stages, progress or tables; errors and warnings remain.
    """

    def __init__(self, json: bool = False, quiet: bool = False) -> None:
        self.json = json
        self.quiet = quiet
        self.told: dict[str, Any] = {}
        self.stages_s: dict[str, float] = {}
        self.warnings: list[str] = []

    @functools.cached_property
    def out(self) -> Console:
        """For what a person asked to see."""
        return console()

    @functools.cached_property
    def err(self) -> Console:
        """For everything said on the way."""
        from rich.console import Console

        return Console(file=sys.stderr, highlight=False, soft_wrap=True)

    def result(self, data: Mapping[str, object], show: Callable[[Console], None] | None = None) -> None:
        """Ends a verb: its JSON object, written when its error is known too, or what a person sees."""
        if self.json:
            self.told.update(data)
        elif show is not None and not self.quiet:
            show(self.out)

    def say(self, message: str) -> None:
        """A line on stderr, unless quiet."""
        if not self.quiet:
            self.err.print(message, markup=False)

    def warn(self, message: str) -> None:
        """A line on stderr, always; kept in ``warnings``, for the JSON of verbs that have them."""
        self.warnings.append(message)
        self.err.print(f"bnnhw: warning: {message}", markup=False)

    @contextmanager
    def stage(self, name: str) -> Generator[None]:
        """Times a step: a spinner on a terminal, one line at its end; the seconds are kept in ``stages_s``."""
        start = time.perf_counter()
        if self.err.is_terminal and not self.quiet:
            from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

            columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
            with Progress(*columns, console=self.err, transient=True) as bar:
                bar.add_task(name)
                yield
        else:
            yield
        self.stages_s[name] = time.perf_counter() - start
        self.say(f"{name:<10} {self.stages_s[name]:7.1f} s")

    @contextmanager
    def progress(self, name: str) -> Generator[Callable[..., None]]:
        """Yields ``update(done, total, what="")``, a bar on a terminal; one line when finished."""
        start = time.perf_counter()
        if self.err.is_terminal and not self.quiet:
            from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

            columns = (
                TextColumn("{task.description}"),
                BarColumn(),
                TaskProgressColumn("{task.percentage:>3.0f} %"),
                TimeElapsedColumn(),
                TextColumn("{task.fields[what]}", markup=False),
            )
            with Progress(*columns, console=self.err, transient=True) as bar:
                task = bar.add_task(name, total=None, what="")

                def update(done: float, total: float, what: str = "") -> None:
                    # Nothing known of how much there is: the bar moves to and fro.
                    bar.update(task, completed=done, total=total or None, what=what)

                yield update
        else:
            yield lambda done, total, what="": None  # noqa: ARG005
        self.stages_s[name] = time.perf_counter() - start
        self.say(f"{name:<10} {self.stages_s[name]:7.1f} s")


def verb(name: str | None = None, *, example: str) -> Callable[[Callable[..., None]], click.Command]:
    """Makes a command of a function whose first argument is its :class:`Session`.

    Parameters
    ----------
    name : str, optional
        The name on the command line, if it is not the function's.
    example : str
        Shown at the end of ``--help``; one command a line.
    """

    def decorate(function: Callable[..., None]) -> click.Command:
        @functools.wraps(function)
        def run(*args: Any, json: bool, quiet: bool, **options: Any) -> None:
            context = click.get_current_context()
            session = context.ensure_object(Session)
            session.json, session.quiet = json, quiet
            check_paths(context)
            with warnings.catch_warnings():
                # A verb says itself, by the name of the data set, what the steps say of samples.
                warnings.simplefilter("ignore", RangeWarning)
                function(session, *args, **options)

        lines = "\n".join(f"  {line}" for line in example.splitlines())
        command = click.command(name or function.__name__, epilog=f"\b\nExample:\n{lines}")(run)
        command.params += [
            click.Option(["--json", "json"], is_flag=True, help="One JSON object on stdout, all else on stderr."),
            click.Option(["-q", "--quiet", "quiet"], is_flag=True, help="Only errors and warnings."),
        ]
        return command

    return decorate
