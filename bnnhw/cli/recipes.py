"""``bnnhw recipes``: what there is to train."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from bnnhw.cli.session import Session, verb
from bnnhw.errors import RequestError

if TYPE_CHECKING:
    from rich.console import Console

    from bnnhw.training.recipe import Recipe

__all__ = ["recipes"]

SHOW = "show"


def _row(recipe: Recipe) -> dict[str, Any]:
    return {
        "summary": recipe.summary,
        "dataset": recipe.dataset,
        "convolutions": len(recipe.convs),
        "widths": list(recipe.widths),
        "epochs": recipe.epochs,
    }


@verb(example="bnnhw recipes\nbnnhw recipes show digits > mine.toml")
@click.argument("words", metavar="[show] [NAME]", nargs=-1)
def recipes(session: Session, words: tuple[str, ...]) -> None:
    """The recipes that `bnnhw train` knows; `show NAME` prints one as TOML, to be changed and trained."""
    from bnnhw.training.recipe_file import recipe_text
    from bnnhw.training.recipes import RECIPES, find_recipe

    text = words[:1] == (SHOW,)
    names = words[1:] if text else words
    if len(names) > 1 or (text and not names):
        raise RequestError("recipes must be given `show NAME`, one name, or nothing")
    chosen = {name: find_recipe(name) for name in names} or RECIPES
    data: dict[str, Any] = {"recipes": {name: _row(recipe) for name, recipe in chosen.items()}}
    if text:
        data["toml"] = "".join(map(recipe_text, chosen.values()))

    def show(console: Console) -> None:
        from rich.table import Table

        if text:
            console.print(data["toml"], end="", markup=False, soft_wrap=True)
            return
        table = Table("recipe", "data set", "what", box=None, pad_edge=False)
        for name, recipe in chosen.items():
            table.add_row(name, recipe.dataset, recipe.summary)
        console.print(table)

    session.result(data, show)
