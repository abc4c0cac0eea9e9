"""Recipes that suit data of some shape and size, the largest first. Importing it needs no torch."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

from bnnhw.training.input_recipe import InputRecipe
from bnnhw.training.layer_recipes import Components, ConvRecipe
from bnnhw.training.recipe import Recipe

__all__ = ["candidates"]

STEPS = 1500
"""Steps of training that are enough for networks of this size, and not too many for few samples."""

EPOCHS = (30, 300)
BATCH = (8, 100)
BATCHES = 8
"""Batches per epoch, at least, where there are enough samples."""

WIDTHS = (512, 256, 128, 96, 64, 48, 32, 24, 16)
"""Neurons of a hidden layer of a network for tables."""

CHANNELS = (
    (64, 128, 128), (48, 64, 96), (32, 64, 64), (32, 48, 48), (24, 32, 48), (16, 32, 32), (16, 24, 24), (12, 16, 24),
    (8, 16, 16), (8, 12, 12), (6, 8, 8),
)  # fmt: skip
"""Channels of one convolution after another."""

TINY = 10
"""Height and width of images up to which every pixel is looked at on its own."""

LAST = 36
"""Positions of a map that need not be fewer."""

LARGE = 64
"""Height and width from which an image is first made smaller by a stride."""

WIDEST = 128
"""Neurons of a network for tables beyond which accuracy did not rise on scikit-learn's tables."""

THERMOMETER = 7
"""Bits of a number of a table, comparisons with thresholds that binary weights can combine."""


def _settings(frames: int) -> dict[str, int]:
    batch = min(max(frames // BATCHES, BATCH[0]), BATCH[1])
    steps = math.ceil(frames / batch)
    return {"batch": batch, "epochs": min(max(round(STEPS / steps), EPOCHS[0]), EPOCHS[1])}


def candidates(name: str, dataset: str, shape: tuple[int, ...], classes: int, frames: int) -> Iterator[Recipe]:
    """Recipes, the largest network first.

    Parameters
    ----------
    name, dataset : str
        Of the recipes, and what they name as their data.
    shape : tuple of int
        Of a sample: (features,), (height, width) or (channels, height, width).
    classes : int
    frames : int
        Samples to train with.

    Returns
    -------
    iterator of Recipe
        For images and signals convolutions of fewer and fewer channels, for tables and tiny images hidden layers of
        fewer and fewer neurons. Networks with far more weights than samples can teach are left out.
    """
    base = Recipe(name, "", dataset, InputRecipe(), (), 1, 1, 0.01)
    settings = _settings(frames)
    base = replace(base, **settings)
    shape = (1, *shape) if len(shape) == 2 else shape
    if len(shape) == 1:
        yield from _tables(base, shape[0], classes)
        return
    channels, height, width = shape
    if height == 1 or width == 1:
        yield from _signals(base, (channels, height, width), classes)
    elif min(height, width) <= TINY:
        yield from _tiny(base, (channels, height, width))
    else:
        yield from _images(base, (channels, height, width), classes)


def _tables(base: Recipe, features: int, classes: int) -> Iterator[Recipe]:
    given = InputRecipe(bits=4, levels="ranked", per="channel")
    for width in WIDTHS:
        if width > WIDEST:
            continue
        if width * features * THERMOMETER > 1 << 18:
            continue
        yield replace(
            base,
            summary=f"a table of {features} numbers, {classes} classes",
            input=given,
            shape=(features, 1, 1),
            components=Components(thermometer=THERMOMETER),
            widths=(width,),
        )


def _tiny(base: Recipe, shape: tuple[int, int, int]) -> Iterator[Recipe]:
    for first, second in zip(WIDTHS, WIDTHS[1:], strict=False):
        yield replace(
            base,
            summary=f"images of {shape[1]} x {shape[2]}",
            input=InputRecipe(bits=4, levels="even"),
            widths=(first, second),
        )


def _images(base: Recipe, shape: tuple[int, int, int], classes: int) -> Iterator[Recipe]:
    del classes
    for row in CHANNELS:
        _, height, width = shape
        convs = list[ConvRecipe]()
        # A second convolution where there is room for it: one alone sees edges and no shapes.
        while height * width > LAST or (len(convs) < 2 and min(height, width) >= 4):
            stride = 2 if not convs and min(height, width) >= LARGE else 1
            kernel = (min(3, height), min(3, width))
            height, width = ((size - k) // stride + 1 for size, k in zip((height, width), kernel, strict=True))
            pool = (2 if height >= 4 else 1, 2 if width >= 4 else 1)
            height, width = height // pool[0], width // pool[1]
            channels = row[min(len(convs), len(row) - 1)]
            convs.append(ConvRecipe(channels, kernel, stride=(stride, stride), pool=pool if pool != (1, 1) else None))
        yield replace(
            base,
            summary=f"images of {shape[1]} x {shape[2]}",
            input=InputRecipe(bits=4, levels="even"),
            shape=shape,
            convs=tuple(convs),
            shift=(max(1, shape[1] // 16), max(1, shape[2] // 16)),
        )


def _signals(base: Recipe, shape: tuple[int, int, int], classes: int) -> Iterator[Recipe]:
    del classes
    channels, height, width = shape
    upright = width == 1
    length = max(height, width)

    def along(size: int, other: int = 1) -> tuple[int, int]:
        return (size, other) if upright else (other, size)

    for row in CHANNELS:
        convs, left = list[ConvRecipe](), length
        for place, number in enumerate(row[: 2 if length < 256 else 3]):
            kernel = 9 if place == 0 and channels < 4 else 5
            stride = 2 if place == 0 and length >= 128 and channels < 4 else 1
            if left < kernel + 3:
                break
            left = (left - kernel) // stride + 1
            pool = 4 if left >= 64 else 2
            convs.append(ConvRecipe(number, along(kernel), stride=along(stride), pool=along(pool)))
            left //= pool
        yield replace(
            base,
            summary=f"signals of {channels} x {length}",
            input=InputRecipe(bits=4, levels="even", per="channel"),
            shape=shape,
            convs=tuple(convs),
            widths=() if convs else (row[0],),
            shift=along(max(1, length // 50), 0) if convs else (0, 0),
        )
