from __future__ import annotations

import re

import pytest

from bnnhw.errors import RequestError
from bnnhw.training.recipes import RECIPES, find_recipe


def test_recipes_are_found_by_name() -> None:
    assert "digits" in RECIPES
    for name, recipe in RECIPES.items():
        assert find_recipe(name) is recipe
        assert recipe.name == name


def test_an_unknown_recipe_lists_the_known_ones() -> None:
    known = ", ".join(sorted(RECIPES))
    with pytest.raises(RequestError, match=rf"^recipe must be one of {re.escape(known)}, not 'digit'$"):
        find_recipe("digit")
