"""A recipe as a TOML file: written with its reasons, read with errors that name the line."""

from __future__ import annotations

import difflib
import os
import re
import tomllib
import types
from collections.abc import Mapping
from dataclasses import MISSING, Field, dataclass, fields, is_dataclass, replace
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import tomlkit
from tomlkit.items import Table

from bnnhw.datasets import KNOWN
from bnnhw.errors import FileError, RequestError
from bnnhw.training.recipe import Recipe

__all__ = ["RecipeFile", "recipe_text"]

Place = tuple[str | int, ...]
"""Where a value stands: names of tables and keys, numbers in lists."""

NOTES = {
    "dataset": "a name that `bnnhw datasets` lists, or a path, from this file's folder",
    "widths": "neurons of each hidden layer behind the convolutions",
    "epochs": "passes over the samples",
    "batch": "samples per step",
    "learning_rate": "at the start",
    "shape": "channels, height, width of a sample; needed by convolutions",
    "shift": "samples are moved at random by up to so many elements: up or down, left or right",
    "mirror": "half of the samples are turned left to right, at random",
    "validation": "share of the samples that is held out",
    "patience": "epochs without a better accuracy on what is held out before training stops",
    "draw": "rows of weights are drawn towards each other by so much, for constants in the fabric",
    "draw_after": "share of the epochs before that begins",
    "width_bits": "bits of the elements that each hidden layer gives",
}
"""What is said of a key at the end of its line."""

TABLES = {
    "input": "How samples become elements of a few bits.",
    "reading": "How the files are read and split; options of the command line count for more.",
    "components": "What the layers are made of.",
    "lookup": "Layers of truth tables, and the temperature of their class sums.",
    "convs": "A convolution and what follows it, one table each, in their order.",
}


class _At(Exception):
    """Something is wrong at a place."""

    def __init__(self, place: Place, message: str) -> None:
        super().__init__(message)
        self.place = place


# Writing


def _plain(value: Any) -> Any:
    return [_plain(entry) for entry in value] if isinstance(value, tuple) else value


def _changed(thing: Any) -> list[tuple[str, Any]]:
    """The fields of a dataclass that are not as they are by default."""
    return [
        (field.name, value)
        for field in fields(thing)
        if (value := getattr(thing, field.name)) != field.default or field.default is MISSING
    ]


def _table(thing: Any, note: str = "") -> Table:
    table = tomlkit.table()
    if note:
        table.add(tomlkit.comment(note))
    for name, value in _changed(thing):
        table.add(name, _plain(value))
    return table


def recipe_text(recipe: Recipe, head: str = "") -> str:
    """A recipe as TOML; what is as by default is left out.

    Parameters
    ----------
    recipe : Recipe
    head : str
        Lines of comment for the beginning.
    """
    document = tomlkit.document()
    for line in head.splitlines():
        document.add(tomlkit.comment(line))
    tables = list[tuple[str, Any]]()
    for name, value in _changed(recipe):
        if is_dataclass(value) or name == "convs":
            tables.append((name, value))
            continue
        item = tomlkit.item(_plain(value))
        if name in NOTES:
            item.comment(NOTES[name])
        document.add(name, item)
    for name, value in tables:
        if name == "convs":
            array = tomlkit.aot()
            for number, conv in enumerate(value):
                array.append(_table(conv, "" if number else TABLES[name]))
            document.add(name, array)
        else:
            document.add(name, _table(value, TABLES[name]))
    return tomlkit.dumps(document)


# Reading


@dataclass(frozen=True)
class RecipeFile:
    """A recipe and the text that it was read from.

    Parameters
    ----------
    path : Path
    text : str
    recipe : Recipe
        Paths in it are as from the present folder.
    """

    path: Path
    text: str
    recipe: Recipe

    @classmethod
    def read(cls, path: Path) -> RecipeFile:
        """Read a file. Raises :class:`~bnnhw.errors.FileError`, which names the line."""
        from bnnhw.datasets.text import read_text

        text = read_text(path)
        try:
            values = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            # "MESSAGE (at line 3, column 4)", or "(at end of document)".
            found = re.fullmatch(r"(.*) \(at (?:line (\d+), column \d+|end of document)\)", str(error))
            line = (found[2] if found else None) or max(1, len(text.splitlines()))
            raise FileError(f"{path}:{line}: {found[1] if found else error}") from None
        try:
            recipe = _build(Recipe, values, ())
        except _At as error:
            raise FileError(f"{path}:{_line(text, error.place)}: {error}") from None
        return cls(path, text, _from_here(recipe, path))

    def blame(self, error: RequestError) -> RequestError:
        """An error about the recipe that came up later, with the line of the layer that it names if it names one."""
        found = re.search(r"\bconvolution (\d+)\b", str(error))
        place: Place = ("convs", int(found[1])) if found else ()
        if not found and "a sample of" in str(error):
            place = ("shape",)
        message = str(error).removeprefix(f"recipe {self.recipe.name}: ")
        return RequestError(f"{self.path}:{_line(self.text, place)}: {message}") if place else error


def _from_here(recipe: Recipe, path: Path) -> Recipe:
    """Paths that are as from the file's folder, as from the present one."""

    def moved(name: str) -> str:
        return os.path.normpath(path.parent / name)

    if recipe.dataset not in KNOWN:
        recipe = replace(recipe, dataset=moved(recipe.dataset))
    if recipe.reading.test is not None:
        recipe = replace(recipe, reading=replace(recipe.reading, test=moved(recipe.reading.test)))
    return recipe


def _required(field: Field[Any]) -> bool:
    return field.default is MISSING and field.default_factory is MISSING


def _build(cls: type[Any], table: Mapping[str, Any], place: Place) -> Any:
    """A dataclass of a table."""
    hints, known = get_type_hints(cls), {field.name: field for field in fields(cls)}
    for key in table:
        if key not in known:
            near = difflib.get_close_matches(key, known, 1)
            hint = f"; did you mean {near[0]!r}?" if near else f"; known here: {', '.join(known)}"
            raise _At((*place, key), f"unknown key {key!r}{hint}")
    for name, field in known.items():
        if _required(field) and name not in table:
            raise _At(place, f"key {name!r} must be given")
    values = {key: _value(hints[key], value, (*place, key)) for key, value in table.items()}
    try:
        return cls(**values)
    except RequestError as error:
        message = str(error)
        named = [key for key in table if re.search(rf"\b{key}\b", message)]
        raise _At((*place, named[0]) if named else place, message) from None


def _value(hint: Any, value: Any, place: Place) -> Any:
    """A value of the type that a field has. Raises :class:`_At` for one of another type."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        # None is said by leaving the key out.
        (hint,) = (argument for argument in arguments if argument is not types.NoneType)
        return _value(hint, value, place)
    if origin is Literal:
        if value not in arguments:
            raise _At(place, f"{place[-1]} must be one of {', '.join(arguments)}, not {value!r}")
        return value
    if isinstance(hint, type) and is_dataclass(hint):
        if not isinstance(value, dict):
            raise _At(place, f"{place[-1]} must be a table, not {value!r:.60}")
        return _build(hint, value, place)
    if origin is tuple:
        return _tuple(arguments, value, place)
    scalar: type[Any] = hint
    wanted = {bool: "true or false", int: "a whole number", float: "a number", str: "a text"}[scalar]
    fits = isinstance(value, int | float) if scalar is float else isinstance(value, scalar)
    if not fits or (isinstance(value, bool) and scalar is not bool):
        raise _At(place, f"{_named(place)} must be {wanted}, not {value!r:.60}")
    return scalar(value)


def _named(place: Place) -> str:
    name = next(part for part in reversed(place) if isinstance(part, str))
    return f"an entry of {name}" if isinstance(place[-1], int) else name


def _tuple(arguments: tuple[Any, ...], value: Any, place: Place) -> tuple[Any, ...]:
    if not isinstance(value, list):
        raise _At(place, f"{place[-1]} must be a list, not {value!r:.60}")
    if arguments[-1] is not Ellipsis and len(value) != len(arguments):
        raise _At(place, f"{place[-1]} must be a list of {len(arguments)}, not {value!r:.60}")
    kinds = [arguments[0]] * len(value) if arguments[-1] is Ellipsis else arguments
    return tuple(_value(kind, entry, (*place, i)) for i, (kind, entry) in enumerate(zip(kinds, value, strict=True)))


def _holds(values: Any, place: Place) -> bool:
    for part in place:
        try:
            values = values[part]
        except (LookupError, TypeError):
            return False
    return True


def _line(text: str, place: Place) -> int:
    """The line on which the value at a place begins; of one in a list, that of the list; 1 for the file as a whole.

    The parser does not tell: it is the line behind the longest beginning of the text that is whole and lacks it.
    """
    lines = text.splitlines()
    values = tomllib.loads(text)
    while place and not _holds(values, place):
        place = place[:-1]
    while len(place) > 1 and isinstance(place[-1], int) and not isinstance(_at(values, place), dict):
        place = place[:-1]
    whole = 0
    for number in range(1, len(lines) + 1):
        try:
            values = tomllib.loads("\n".join(lines[:number]) + "\n")
        except tomllib.TOMLDecodeError:
            continue
        if place and _holds(values, place):
            break
        whole = number
    else:
        return 1
    return next(n for n in range(whole + 1, len(lines) + 1) if lines[n - 1].split("#")[0].strip())


def _at(values: Any, place: Place) -> Any:
    for part in place:
        values = values[part]
    return values
