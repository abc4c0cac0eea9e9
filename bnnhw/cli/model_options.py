"""What may be said about a foreign model, as options of a verb: those of every format that is read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from bnnhw.frontend import Option, options

__all__ = ["model_options"]

_Command = TypeVar("_Command", bound=Callable[..., Any])


class _Parsed(click.ParamType[Any]):
    """A text that an :class:`~bnnhw.frontend.Option` gives its meaning."""

    def __init__(self, option: Option) -> None:
        self.option = option
        self.name = option.name

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        try:
            return self.option.parse(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


def model_options(command: _Command) -> _Command:
    """Give a verb the options of every format, in the formats' order; what is not said arrives as None."""
    for option in reversed(list(options())):
        kind = click.Choice(option.choices) if option.choices else _Parsed(option)
        decorate = click.option(option.flag, option.name, metavar=option.metavar, type=kind, help=option.help)
        command = decorate(command)
    return command
