"""The recipes, by name. Importing them needs no torch."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from bnnhw.errors import RequestError
from bnnhw.training.input_recipe import InputRecipe
from bnnhw.training.layer_recipes import ORDERS, Components, ConvRecipe, LookupRecipe
from bnnhw.training.recipe import Recipe, with_bits

__all__ = ["ORDERS", "RECIPES", "Components", "ConvRecipe", "InputRecipe", "Recipe", "find_recipe", "with_bits"]


def _fully_connected(name: str, summary: str, dataset: str, width: int, **options: Any) -> Recipe:
    """FINN's networks for 28 x 28 images: three hidden layers of one width (Umuroglu et al., 2017, section 5)."""
    recipe = Recipe(
        name=name,
        summary=summary,
        dataset=dataset,
        input=InputRecipe(threshold=127.5),
        widths=(width,) * 3,
        epochs=120,
        batch=100,
        learning_rate=0.01,
        shape=(1, 28, 28),
        shift=(1, 1),
    )
    return replace(recipe, **options)


def _cnv(name: str, summary: str, dataset: str, **options: Any) -> Recipe:
    """FINN's CNV: a VGG-like network without padding (Umuroglu et al., 2017, section 5; there with 8-bit inputs)."""
    kernel = (3, 3)
    convs = tuple(ConvRecipe(channels, kernel, pool=pool) for channels in (64, 128, 256) for pool in (None, (2, 2)))
    recipe = Recipe(
        name=name,
        summary=summary,
        dataset=dataset,
        input=InputRecipe(bits=8),
        widths=(512, 512),
        epochs=200,
        batch=100,
        learning_rate=0.005,
        shape=(3, 32, 32),
        # The last convolution leaves one position, which needs no pool.
        convs=(*convs[:-1], replace(convs[-1], pool=None)),
        shift=(4, 4),
    )
    return replace(recipe, **options)


def _resnet() -> Recipe:
    """ResNet-20 for CIFAR-10 (He et al., 2016, section 4.2) with Bi-Real Net's shortcuts around every convolution.

    Where a stage halves the map and doubles the channels, the convolution has no shortcut: what is carried on are whole
    numbers of every channel (:mod:`bnnhw.training.shortcut`), and there are none of the new ones. Its last map is
    pooled to 4 x 4 bits, each of which the classes weigh by itself, instead of averaged.
    """
    around = {"kernel": (3, 3), "padding": (1, 1, 1, 1)}
    stages = [
        [ConvRecipe(channels, stride=stride, **around), *[ConvRecipe(channels, shortcut=True, **around)] * shortcuts]
        for channels, stride, shortcuts in ((16, (1, 1), 6), (32, (2, 2), 5), (64, (2, 2), 5))
    ]
    convs = [conv for stage in stages for conv in stage]
    return Recipe(
        name="cifar10-resnet",
        summary="CIFAR-10, a residual network of 18 convolutions of 16, 32 and 64 channels; fits an ECP5 of 45k",
        dataset="cifar10",
        input=InputRecipe(bits=8),
        widths=(),
        epochs=300,
        batch=100,
        learning_rate=0.002,
        shape=(3, 32, 32),
        # Around pixels is 0, one of their values; around bits -1.
        convs=(replace(convs[0], padding_value=0), *convs[1:-1], replace(convs[-1], pool=(2, 2))),
        shift=(4, 4),
        mirror=True,
    )


def _mobile() -> Recipe:
    """MobileNet's blocks (Howard et al., 2017, section 3.1), small, of weights of +1 and -1 and activations of 2 bits.

    A depthwise convolution sums only 9 products: its activations of two bits carry more of them than signs would.
    """
    depthwise = {"kernel": (3, 3), "padding": (1, 1, 1, 1), "padding_value": 0, "depthwise": True, "bits": 2}
    convs = [ConvRecipe(32, (3, 3), padding=(1, 1, 1, 1), padding_value=0, bits=2)]
    for channels, stride in ((64, 1), (128, 2), (128, 1), (256, 2), (256, 1)):
        convs.append(ConvRecipe(convs[-1].channels, stride=(stride, stride), **depthwise))
        convs.append(ConvRecipe(channels, (1, 1), bits=2))
    return Recipe(
        name="cifar10-mobile",
        summary="CIFAR-10, depthwise and pointwise convolutions as in MobileNet, to 256 channels; fits an ECP5 of 25k",
        dataset="cifar10",
        input=InputRecipe(bits=8),
        widths=(),
        epochs=200,
        batch=100,
        learning_rate=0.003,
        shape=(3, 32, 32),
        convs=(*convs[:-1], replace(convs[-1], pool=(2, 2))),
        shift=(4, 4),
        mirror=True,
    )


def _conv_net() -> Recipe:
    """BinaryNet's network for CIFAR-10 (Courbariaux, Hubara et al., 2016, section 2.2), padded with elements."""
    convs = tuple(
        ConvRecipe(channels, (3, 3), padding=(1, 1, 1, 1), pool=pool, order="pool-norm-sign")
        for channels in (128, 256, 512)
        for pool in (None, (2, 2))
    )
    return Recipe(
        name="cifar10-binarynet",
        summary="CIFAR-10, BinaryNet's ConvNet: 6 convolutions of 128 to 512 channels, 2 x 1024 neurons",
        dataset="cifar10",
        input=InputRecipe(bits=8),
        widths=(1024, 1024),
        epochs=300,
        batch=50,
        learning_rate=0.003,
        loss="squared-hinge",
        shape=(3, 32, 32),
        # Pixels are padded with black, bits with -1.
        convs=(replace(convs[0], padding_value=0), *convs[1:]),
        shift=(4, 4),
        mirror=True,
    )


def _lookup(name: str, chip: str, neurons: int, **options: Any) -> Recipe:
    """Truth tables of four black-and-white pixels each, summed up by class."""
    recipe = Recipe(
        name=name,
        summary=f"MNIST, black and white, {neurons:,} truth tables of 4 inputs; a frame per cycle of {chip}",
        dataset="mnist",
        input=InputRecipe(threshold=127.5),
        widths=(),
        epochs=20,
        batch=100,
        learning_rate=0.01,
        shape=(1, 28, 28),
        lookup=LookupRecipe((neurons,), temperature=8.0, rarest=0.01),
    )
    return replace(recipe, **options)


_ALL = (
    Recipe(
        name="digits",
        summary="scikit-learn's 8x8 digits, 4-bit pixels; fits an iCE40 UP5K",
        dataset="digits",
        input=InputRecipe(bits=4),
        widths=(96, 64),
        epochs=200,
        batch=64,
        learning_rate=0.01,
    ),
    Recipe(
        name="ecg5000",
        summary="normal or abnormal heartbeats of 140 samples, 4 bits; fits an iCE40 UP5K",
        dataset="ecg5000",
        input=InputRecipe(bits=4, scale=0.5, signed=True),
        widths=(),
        epochs=60,
        batch=50,
        learning_rate=0.01,
        shape=(1, 1, 140),
        convs=(
            ConvRecipe(8, (1, 9), stride=(1, 2), pool=(1, 2)),
            ConvRecipe(16, (1, 5), pool=(1, 2)),
        ),
    ),
    Recipe(
        name="fsdd-mfcc",
        summary="ten spoken digits, 10 cepstral coefficients x 49 frames, 3 bits; fits an iCE40 UP5K",
        dataset="fsdd",
        input=InputRecipe(bits=3, signed=True),
        widths=(),
        epochs=100,
        batch=100,
        learning_rate=0.01,
        shape=(10, 1, 49),
        convs=(
            ConvRecipe(24, (1, 5), pool=(1, 2)),
            ConvRecipe(32, (1, 5), pool=(1, 4)),
        ),
    ),
    _fully_connected("mnist-tfc", "MNIST, 3 x 64 neurons, black and white; fits an iCE40 UP5K", "mnist", 64),
    _fully_connected("mnist-sfc", "MNIST, 3 x 256 neurons, black and white", "mnist", 256),
    _fully_connected("mnist-lfc", "MNIST, 3 x 1024 neurons, black and white", "mnist", 1024, learning_rate=0.005),
    _fully_connected(
        "fashion-sfc",
        "Fashion-MNIST, 3 x 256 neurons, 3-bit pixels",
        "fashion-mnist",
        256,
        input=InputRecipe(bits=3, scale=32.0),
    ),
    Recipe(
        name="mnist-binarynet",
        summary="MNIST, BinaryNet's MLP: 3 x 4096 neurons, 8-bit pixels, shift-based training",
        dataset="mnist",
        input=InputRecipe(bits=8),
        widths=(4096,) * 3,
        epochs=200,
        batch=100,
        learning_rate=2.0**-10,
        loss="squared-hinge",
        components=Components(norm="shift"),
        optimizer="shift-adamax",
    ),
    _cnv(
        "cifar10-cnv",
        "CIFAR-10, FINN's CNV: 6 convolutions of 64 to 256 channels, 2 x 512 neurons",
        "cifar10",
        mirror=True,
    ),
    _conv_net(),
    _resnet(),
    _mobile(),
    _cnv(
        "svhn-cnv",
        "house numbers, FINN's CNV: 6 convolutions of 64 to 256 channels, 2 x 512 neurons",
        "svhn",
        epochs=60,
    ),
    Recipe(
        name="earbud",
        summary="double tap, single tap, slide or nothing from 3 axes x 96 samples, 4 bits; fits an iCE40 UP5K",
        dataset="earbud",
        input=InputRecipe(bits=4, scale=2.0**-4, signed=True),
        widths=(32,),
        epochs=40,
        batch=50,
        learning_rate=0.01,
        shape=(3, 1, 96),
        convs=(
            ConvRecipe(24, (1, 7), pool=(1, 2)),
            ConvRecipe(32, (1, 9), pool=(1, 2)),
        ),
        shift=(0, 2),
    ),
    Recipe(
        name="digits-lookup",
        summary="scikit-learn's 8x8 digits, 2-bit pixels, 300 truth tables of 4 inputs; a frame per cycle of a UP5K",
        dataset="digits",
        input=InputRecipe(bits=2, scale=4.0),
        widths=(),
        epochs=60,
        batch=32,
        learning_rate=0.02,
        lookup=LookupRecipe((300,), temperature=4.0),
    ),
    Recipe(
        name="ecg5000-lookup",
        summary="normal or abnormal heartbeats, levels fitted to each sample, 100 truth tables of 4 inputs",
        dataset="ecg5000",
        input=InputRecipe(bits=3, levels="ranked", per="channel"),
        widths=(),
        epochs=40,
        batch=50,
        learning_rate=0.02,
        lookup=LookupRecipe((100,), temperature=16.0),
    ),
    Recipe(
        name="ecg5000-lookup-conv",
        summary="normal or abnormal heartbeats, 3 bits, 24 truth tables at every eighth of 140 samples, 60 behind them",
        dataset="ecg5000",
        input=InputRecipe(bits=3, levels="ranked", per="channel"),
        widths=(),
        epochs=40,
        batch=50,
        learning_rate=0.02,
        shape=(1, 1, 140),
        convs=(ConvRecipe(24, (1, 16), stride=(1, 8)),),
        lookup=LookupRecipe((60,), temperature=8.0),
    ),
    Recipe(
        name="fsdd-lookup",
        summary="ten spoken digits, 10 cepstral coefficients x 49 frames, 3 bits, 600 truth tables of 4 inputs",
        dataset="fsdd",
        input=InputRecipe(bits=3, signed=True),
        widths=(),
        epochs=40,
        batch=100,
        learning_rate=0.02,
        shape=(10, 1, 49),
        shift=(0, 2),
        lookup=LookupRecipe((600,), temperature=8.0, rarest=0.02),
    ),
    _lookup("mnist-lookup-up5k", "a UP5K", 1400),
    _lookup("mnist-lookup-ecp5", "an ECP5 of 12k", 2400, shift=(1, 1), epochs=24, batch=200, learning_rate=0.015),
    _lookup("mnist-lookup-ecp5-small", "an ECP5, of few of its LUT4", 800),
    Recipe(
        name="mnist-sparse",
        summary="MNIST, black and white, 1,000 neurons of 15 inputs, classes of 127; a frame per cycle of an ECP5",
        dataset="mnist",
        input=InputRecipe(threshold=127.5),
        widths=(1000,),
        epochs=20,
        batch=100,
        learning_rate=0.003,
        components=Components(fan_ins=(15, 127), rarest=0.01, narrowing=0.5),
    ),
)

RECIPES: dict[str, Recipe] = {recipe.name: recipe for recipe in _ALL}


def find_recipe(name: str) -> Recipe:
    """The recipe of that name; :class:`~bnnhw.errors.RequestError` lists the known ones."""
    try:
        return RECIPES[name]
    except KeyError:
        raise RequestError(f"recipe must be one of {', '.join(sorted(RECIPES))}, not {name!r}") from None
