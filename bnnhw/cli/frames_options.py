"""The options that say which data a verb takes: one set, the same for all verbs."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import click

from bnnhw.cli.options import count_option, data_option
from bnnhw.cli.paths import DatasetName, InputPath, Number
from bnnhw.errors import RequestError

__all__ = ["frames_options", "reading_of", "reading_options"]


class _Sizes(click.ParamType[tuple[int, ...]]):
    """Sizes with an x between them."""

    name = "sizes"

    def __init__(self, number: int) -> None:
        self.number = number

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, ...]:
        try:
            sizes = tuple(int(part) for part in str(value).lower().split("x"))
        except ValueError:
            sizes = ()
        if len(sizes) != self.number or min(sizes) < 1:
            self.fail(f"{value!r} must be {self.number} sizes with an x between them", param, ctx)
        return sizes


_READING = (
    click.option(
        "--label", metavar="COLUMN", help="Of a CSV: the column of classes, by name or number (1 first, -1 last)."
    ),
    click.option(
        "--ignore", metavar="COLUMN", multiple=True, help="Of a CSV: a column that is no feature; repeatable."
    ),
    click.option("--shape", metavar="CxHxW", type=_Sizes(3), help="Of a CSV or .npz: the map that a sample is."),
    click.option("--size", metavar="HxW", type=_Sizes(2), help="Of images: scales all to this size."),
    click.option("--colour", type=click.Choice(["grey", "rgb"]), help="Of images.  [default: as they are]"),
    click.option("--seconds", metavar="S", type=Number(0.05, 60), help="Of sounds: how much counts.  [default: 1]"),
    click.option(
        "--test-dataset", metavar="PATH", type=InputPath(), help="Files for testing, instead of a share of --dataset."
    ),
    click.option(
        "--split-fraction",
        metavar="F",
        type=Number(0, 1, min_open=True, max_open=True),
        help="Share of each class of a path that is for testing.  [default: 0.2]",
    ),
    click.option(
        "--split-seed", metavar="S", type=click.IntRange(min=0), help="Which samples those are.  [default: 0]"
    ),
)

_NAMES = ("label", "ignore", "shape", "size", "colour", "seconds", "test_dataset", "split_fraction", "split_seed")


def reading_of(options: dict[str, Any]) -> Any:
    """Takes what is said of a path out of a verb's options."""
    from bnnhw.datasets import Reading

    said = {name: options.pop(name) for name in _NAMES}
    test = said.pop("test_dataset")
    return Reading(
        test=None if test is None else str(test),
        fraction=said.pop("split_fraction"),
        seed=said.pop("split_seed"),
        **said,
    )


def _with(command: Any, options: tuple[Callable[[Any], Any], ...]) -> Any:
    for option in reversed(options):
        command = option(command)
    return command


def reading_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Gives a verb what may be said of a path; it arrives as ``reading``."""

    @functools.wraps(command)
    def run(*args: Any, **options: Any) -> Any:
        return command(*args, reading=reading_of(options), **options)

    return _with(run, _READING)


def frames_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Gives a verb what says which frames it takes; it arrives as ``wanted``."""

    @functools.wraps(command)
    def run(*args: Any, dataset: str | None, random_frames: int | None, split: str, count: int | None, data: Any,
            random_seed: int | None, **options: Any) -> Any:  # fmt: skip
        from bnnhw.flow.frames import Wanted

        if random_seed is not None and random_frames is None:
            raise RequestError("--random-seed must come with --random")
        wanted = Wanted(
            dataset, random_frames, split, count, data if random_frames is None else None, reading_of(options),
            random_seed or 0,
        )  # fmt: skip
        return command(*args, wanted=wanted, **options)

    return _with(
        run,
        (
            click.option(
                "--dataset",
                metavar="D",
                type=DatasetName(),
                help="A name that `bnnhw datasets` lists, or files of yours.",
            ),
            click.option(
                "--random",
                "random_frames",
                metavar="N",
                type=click.IntRange(1, 1_000_000),
                help="N random frames instead.",
            ),
            click.option(
                "--random-seed", metavar="S", type=click.IntRange(min=0), help="Of random frames.  [default: 0]"
            ),
            click.option("--split", type=click.Choice(["test", "train", "all"]), default="test", show_default=True),
            count_option,
            data_option,
            *_READING,
        ),
    )
