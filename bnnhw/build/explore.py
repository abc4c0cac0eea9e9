"""Several attempts to place and route one netlist, by seeds and options of nextpnr; the best, or the first, is kept."""

from __future__ import annotations

import os
import shutil
import statistics
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bnnhw.build.cache import StepCache
from bnnhw.build.watch import GivenUpError
from bnnhw.devices.family import Toolchain
from bnnhw.errors import BnnhwError, CheckError, ToolError

__all__ = ["Attempt", "Explored", "attempts", "cores", "explore", "first_placed", "step_name"]

_SEEDS = 2**31
"""How many seeds nextpnr has."""


def step_name(number: int) -> str:
    """The step of a build that makes an attempt, by its number."""
    return f"explore/{number}"


@dataclass(frozen=True)
class Attempt:
    """A seed of nextpnr, and options beside those of the board."""

    seed: int
    options: tuple[str, ...]


@dataclass(frozen=True)
class Explored:
    """What attempts gave.

    Attributes
    ----------
    tried : tuple of dict
        Of each, in order: ``seed``, ``options``, and either ``seconds``, ``fmax_mhz`` and ``timing_met`` or ``failed``,
        why nextpnr gave up.
    best : Attempt
        The one with the most room to its clocks; of equal ones the first.
    result : dict
        What place and route gave for it.
    files : Path or None
        Where the best one's files are; None where it was made before and they are not there.
    """

    tried: tuple[dict[str, Any], ...]
    best: Attempt
    result: dict[str, Any]
    files: Path | None

    def figures(self) -> dict[str, Any]:
        """The attempts, how many met all clocks, and least, median and greatest Fmax of those that were routed."""
        clocks = [one["fmax_mhz"] for one in self.tried if "fmax_mhz" in one]
        return {
            "attempts": list(self.tried),
            "met": sum(one.get("timing_met", False) for one in self.tried),
            "fmax_min_mhz": min(clocks),
            "fmax_median_mhz": statistics.median(clocks),
            "fmax_max_mhz": max(clocks),
        }


def attempts(toolchain: Toolchain, lut4: int, seed: int, count: int) -> tuple[Attempt, ...]:
    """``count`` attempts: each seed, from ``seed`` on, with each of the options that suit a design of so many LUT4.

    Of 0: one seed with each of them, for :func:`first_placed`.
    """
    kinds = toolchain.options_for(lut4)
    return tuple(Attempt((seed + n // len(kinds)) % _SEEDS, kinds[n % len(kinds)]) for n in range(count or len(kinds)))


def first_placed(
    wanted: Sequence[Attempt], run: Callable[[Attempt], dict[str, Any]], progress: Callable[[float, str], None]
) -> dict[str, Any]:
    """What the first attempt gave in which nextpnr did not give up; the last one's error where it does in all."""
    *others, last = wanted
    for attempt, following in zip(others, wanted[1:], strict=True):
        try:
            return run(attempt)
        except GivenUpError:
            progress(0.0, f"given up; placing anew with {' '.join(following.options) or 'the usual options'}")
    return run(last)


def cores() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def explore(
    wanted: Sequence[Attempt],
    run: Callable[[Attempt, Path, Callable[[float, str], None]], dict[str, Any]],
    inputs: Callable[[Attempt], Sequence[object]],
    folder: Path,
    cache: StepCache,
    *,
    workers: int,
    progress: Callable[[float, str], None],
) -> Explored:
    """Makes attempts, several at once; one that was made before with the same inputs is not made again.

    Parameters
    ----------
    run : callable
        Makes an attempt in an empty folder; returns what place and route gave, with ``margin``: the least quotient of
        what a clock reaches and what it must.
    inputs : callable
        Everything that an attempt depends on, see :meth:`~bnnhw.build.cache.StepCache.run`.
    folder : Path
        For the attempts' files; of those made now only the best one's stay.
    progress : callable
        Told the fraction of all attempts that is done, and how far they are.

    Raises
    ------
    BnnhwError
        The first attempt's, when all fail.
    CheckError
        When the design does not fit.
    """
    lock = threading.RLock()
    kept: dict[Attempt, Path] = {}
    done: dict[Attempt, dict[str, Any]] = {}
    errors: dict[Attempt, BnnhwError] = {}
    fractions = dict.fromkeys(wanted, 0.0)

    def rank(attempt: Attempt) -> tuple[float, int]:
        return done[attempt]["margin"], -wanted.index(attempt)

    def tell(attempt: Attempt, fraction: float) -> None:
        with lock:
            fractions[attempt] = fraction
            reached = [result["fmax_mhz"] for result in done.values()]
            best = f", best {max(reached):.1f} MHz" if reached else ""
            progress(sum(fractions.values()) / len(wanted), f"{len(done) + len(errors)} of {len(wanted)} done{best}")

    def made(number: int, attempt: Attempt) -> dict[str, Any]:
        own, step = folder / str(number), step_name(number)
        said: dict[str, Any] = {"seed": attempt.seed, "options": list(attempt.options)}

        def action() -> dict[str, Any]:
            own.mkdir()
            return run(attempt, own, lambda fraction, _: tell(attempt, fraction))

        try:
            result = cache.run(step, inputs(attempt), [], action)
        except (CheckError, ToolError):
            raise
        except BnnhwError as error:
            # Not kept: it may have been stopped from outside.
            with lock:
                errors[attempt] = error
                shutil.rmtree(own, ignore_errors=True)
                tell(attempt, 1.0)
            return {**said, "failed": str(error)}
        with lock:
            done[attempt] = result
            if own.is_dir():
                kept[attempt] = own
            best = max(done, key=rank)
            for other in [other for other in kept if other != best]:
                shutil.rmtree(kept.pop(other), ignore_errors=True)
            tell(attempt, 1.0)
        figures = {name: result[name] for name in ("fmax_mhz", "timing_met")}
        return {**said, "seconds": cache.seconds[step], **figures}

    with ThreadPoolExecutor(max_workers=max(1, workers)) as pool:
        tried = tuple(pool.map(made, range(len(wanted)), wanted))
    if not done:
        raise errors[wanted[0]]
    best = max(done, key=rank)
    return Explored(tried, best, done[best], kept.get(best))
