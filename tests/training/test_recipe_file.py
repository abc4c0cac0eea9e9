"""Recipes as TOML: written, read again, and refused with the line that is wrong."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from bnnhw.datasets import Reading
from bnnhw.errors import FileError, RequestError
from bnnhw.training.recipe_file import RecipeFile, recipe_text
from bnnhw.training.recipes import RECIPES, Components, ConvRecipe, InputRecipe


@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_is_read_as_it_was_written(name: str, tmp_path: Path) -> None:
    path = tmp_path / "r.toml"
    path.write_text(recipe_text(RECIPES[name], "A recipe.\nOf two lines."))
    assert path.read_text().startswith("# A recipe.\n# Of two lines.\n")
    assert RecipeFile.read(path).recipe == RECIPES[name]


def test_everything_is_kept(tmp_path: Path) -> None:
    recipe = replace(
        RECIPES["ecg5000"],
        name='odd "name"\t\u007f\u20ac',
        input=InputRecipe(bits=3, levels="ranked", per="channel"),
        components=Components("reste", thermometer=3, fan_in=7),
        convs=(ConvRecipe(8, (1, 9), padding=(0, 1, 0, 1), padding_value=1, shortcut=False, bits=2),),
        reading=Reading(fraction=0.25, seed=3, ignore=("id", "x"), size=(4, 5), colour="rgb"),
        weight_decay=(1e-5, 0.0),
        validation=0.1,
        patience=3,
    )
    (tmp_path / "r.toml").write_text(recipe_text(recipe))
    assert RecipeFile.read(tmp_path / "r.toml").recipe == recipe


def test_paths_are_as_from_the_file(tmp_path: Path) -> None:
    recipe = replace(RECIPES["digits"], dataset="mine/leaves.csv", reading=Reading(test="more.csv"))
    (tmp_path / "r.toml").write_text(recipe_text(recipe))
    found = RecipeFile.read(tmp_path / "r.toml").recipe
    assert (found.dataset, found.reading.test) == (f"{tmp_path}/mine/leaves.csv", f"{tmp_path}/more.csv")
    absolute = replace(RECIPES["digits"], dataset="/mine/leaves.csv")
    (tmp_path / "r.toml").write_text(recipe_text(absolute))
    assert RecipeFile.read(tmp_path / "r.toml").recipe == absolute


GOOD = """\
# A comment.
name = "n"
summary = "s"
dataset = "digits"
widths = [
    8,
    4,
]
epochs = 3
batch = 5
learning_rate = 0.01
shape = [1, 8, 8]

[input]
bits = 4

[[convs]]
channels = 8
kernel = [3, 3]

[[convs]]
# The second.
channels = 6
kernel = [2, 2]
pool = [2, 2]
"""

WRONG = {
    "syntax": ("epochs = 3", "epochs = = 3", 9, "Invalid value"),
    "an open list": ("]\nepochs", "\nepochs", 9, ""),
    "twice": ("batch = 5", "batch = 5\nbatch = 6", 11, "Cannot overwrite a value"),
    "unknown": ("batch = 5", "bacth = 5", 10, "unknown key 'bacth'; did you mean 'batch'?"),
    "unknown in a table": ("bits = 4", "colour = 4", 15, "unknown key 'colour'; known here: bits, threshold, scale"),
    "an unknown table": ("[input]", "[inputs]", 14, "unknown key 'inputs'; did you mean 'input'?"),
    "missing": ("batch = 5\n", "", 1, "key 'batch' must be given"),
    "missing in a table": ("channels = 6\n", "", 21, "key 'channels' must be given"),
    "a word": ("epochs = 3", 'epochs = "3"', 9, "epochs must be a whole number, not '3'"),
    "a fraction": ("epochs = 3", "epochs = 3.5", 9, "epochs must be a whole number, not 3.5"),
    "true": ("epochs = 3", "epochs = true", 9, "epochs must be a whole number, not True"),
    "no list": ("shape = [1, 8, 8]", "shape = 8", 12, "shape must be a list, not 8"),
    "too few": ("shape = [1, 8, 8]", "shape = [8, 8]", 12, "shape must be a list of 3, not [8, 8]"),
    "an entry": ("    4,", '    "4",', 5, "an entry of widths must be a whole number, not '4'"),
    "no table": ("[input]\nbits = 4", "input = 4", 14, "input must be a table, not 4"),
    "a choice": ("batch = 5", 'batch = 5\nloss = "hinge"', 11, "loss must be one of cross-entropy, squared-hinge"),
    "a range": ("epochs = 3", "epochs = 0", 9, "epochs must be from 1 to"),
    "a rate": ("learning_rate = 0.01", "learning_rate = nan", 11, "learning_rate must be a number above 0, not nan"),
    "a size": ("kernel = [2, 2]", "kernel = [2, 0]", 24, "kernel must be from 1 to 1048576, not 2, 0"),
    "a width": ("    4,", "    0,", 5, "widths must be from 1 to 1048576, not 8, 0"),
    "bits": ("bits = 4", "bits = 9", 15, "bits of the input must be in 1..8, not 9"),
    "two values": ("batch = 5", "batch = 5\npatience = 3", 11, "patience must be at least 1, and needs a validation"),
}


@pytest.mark.parametrize("case", WRONG)
def test_the_line_is_named(case: str, tmp_path: Path) -> None:
    old, new, line, message = WRONG[case]
    assert GOOD.count(old) == 1
    path = tmp_path / "r.toml"
    path.write_text(GOOD.replace(old, new))
    with pytest.raises(FileError) as caught:
        RecipeFile.read(path)
    assert str(caught.value).startswith(f"{path}:{line}: {message}")


def test_what_comes_up_later_has_its_line_too(tmp_path: Path) -> None:
    (tmp_path / "r.toml").write_text(GOOD)
    file = RecipeFile.read(tmp_path / "r.toml")
    error = file.blame(RequestError("convolution 1: its windows must fit a map of 8 x 1 x 1"))
    assert str(error) == f"{tmp_path}/r.toml:21: convolution 1: its windows must fit a map of 8 x 1 x 1"
    shape = file.blame(RequestError("recipe n: a sample of 1 x 8 x 8 must have 12 elements"))
    assert str(shape) == f"{tmp_path}/r.toml:12: a sample of 1 x 8 x 8 must have 12 elements"
    other = RequestError("seed must be 1")
    assert file.blame(other) is other


def test_other_files(tmp_path: Path) -> None:
    path = tmp_path / "r.toml"
    with pytest.raises(FileError, match=rf"^{path}: can't be read: No such file or directory$"):
        RecipeFile.read(path)
    path.write_bytes(b'name = "\xe9"\n')
    with pytest.raises(FileError, match=rf"^{path}:1: must be UTF-8 text, and has byte 0xE9; save it as UTF-8$"):
        RecipeFile.read(path)
