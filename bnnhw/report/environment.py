"""What fills in the templates of pages."""

from __future__ import annotations

from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from bnnhw.report.network import HEIGHT, WIDTH

__all__ = ["environment"]


@cache
def environment() -> Environment:
    """The templates beside this file, for those of other pages too: values are escaped, a missing one is an error."""
    made = Environment(
        loader=PackageLoader("bnnhw.report", "."),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals.update(WIDTH=WIDTH, HEIGHT=HEIGHT)
    return made
