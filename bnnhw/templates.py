"""Texts that are made of templates: a package's ``.j2`` files, filled in."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import jinja2

__all__ = ["render"]


def render(package: str, template: str, **values: object) -> str:
    """A template of a package, filled in; a name that it uses and is not given is an error.

    Parameters
    ----------
    package : str
        Whose folder holds it: ``"bnnhw.sim"``.
    template : str
        File name.
    """
    return _environment(package).get_template(template).render(**values)


@cache
def _environment(package: str) -> jinja2.Environment:
    """The templates of a package, each compiled once."""
    # Here, so that what needs no template waits for none.
    import jinja2

    return jinja2.Environment(
        loader=jinja2.PackageLoader(package, ""),
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
        autoescape=False,
    )
