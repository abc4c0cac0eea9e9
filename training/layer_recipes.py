"""What a recipe says of the layers of a network. Importing it needs no torch."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

from bnnhw.errors import RequestError
from bnnhw.training.limits import MAX_BITS, check_bits, check_share, check_sizes, one_of

__all__ = ["ACTIVATIONS", "ORDERS", "USUAL", "Components", "ConvRecipe", "LookupRecipe"]

Order: TypeAlias = Literal["norm-sign-pool", "pool-norm-sign"]
ORDERS: tuple[Order, ...] = get_args(Order)
"""What follows a convolution: BinaryNet's later users pool bits; BinaryNet and XNOR-Net pool accumulators."""

ActivationName: TypeAlias = Literal["sign", "stochastic", "rsign", "rprelu-rsign"]
ACTIVATIONS: tuple[ActivationName, ...] = get_args(ActivationName)

Learned: TypeAlias = Literal["tables", "gates"]

Norm: TypeAlias = Literal["batch", "shift"]


@dataclass(frozen=True)
class ConvRecipe:
    """A convolution and what follows it up to the next layer.

    Parameters
    ----------
    channels : int
        Of the output.
    kernel, stride, dilation : (int, int)
        Vertical, horizontal.
    padding : (int, int, int, int)
        Top, left, bottom, right.
    padding_value : int
        -1 or +1 around bits; 0 too around elements of several bits.
    depthwise : bool
    pool : (int, int), optional
        Window of a max pool, which is its stride too.
    order : str
        One of :data:`ORDERS`; without a pool all are one.
    bits : int
        Of an element of the output: 1 for a sign, 2 to 8 for
        :class:`~bnnhw.training.quantize.QuantActivation`.
    shortcut : bool
        Bi-Real Net's (:mod:`bnnhw.training.shortcut`): what the activation before this convolution is taken of is added
        behind its norm. Needs a block before it that ends in its activation, and as many channels as come in.
    """

    channels: int
    kernel: tuple[int, int]
    stride: tuple[int, int] = (1, 1)
    dilation: tuple[int, int] = (1, 1)
    padding: tuple[int, int, int, int] = (0, 0, 0, 0)
    padding_value: int = -1
    depthwise: bool = False
    pool: tuple[int, int] | None = None
    order: Order = "norm-sign-pool"
    bits: int = 1
    shortcut: bool = False

    @property
    def tabulated(self) -> bool:
        """Whether truth tables can be the neurons."""
        return self.bits == 1 and self.padding_value != 0 and not self.depthwise and not self.shortcut

    def __post_init__(self) -> None:
        one_of("order", self.order, ORDERS)
        check_bits(self.bits)
        check_sizes("channels", self.channels)
        for name in ("kernel", "stride", "dilation", "pool"):
            check_sizes(name, *(getattr(self, name) or ()))
        check_sizes("padding", *self.padding, least=0)
        if self.padding_value not in (-1, 0, 1):
            raise RequestError(f"padding_value must be -1, 0 or 1, not {self.padding_value!r}")
        if self.shortcut and self.pool is not None and self.order != "norm-sign-pool":
            raise RequestError("a convolution with a shortcut must pool behind its sign, if at all")


@dataclass(frozen=True)
class Components:
    """What the blocks of a network are made of.

    Parameters
    ----------
    estimator : str
        A name of :data:`bnnhw.training.estimators.ESTIMATORS`, for weights and activations.
    activation : str
        One of :data:`ACTIVATIONS`.
    norm : str
        ``"batch"`` or ``"shift"``.
    scaled : bool
        Weights times XNOR-Net's alpha.
    fan_in : int, optional
        Limit for the neurons of the hidden fully connected layers (:mod:`bnnhw.training.fan_in`).
    fan_ins : tuple of int
        Instead, one for each fully connected layer, the classes' last; as many as there are inputs limit nothing.
    rarest : float
        Inputs at their least value, or above it, in less than this share of the samples are not kept by the first
        layer, where it is limited.
    narrowing : float
        Share of the epochs, less than 1, in which the limits fall from all inputs to what they are.
    thermometer : int, optional
        Bits for each element of the input, each with a learned threshold.
    """

    estimator: str = "clipped"
    activation: ActivationName = "sign"
    norm: Norm = "batch"
    scaled: bool = False
    fan_in: int | None = None
    fan_ins: tuple[int, ...] = ()
    rarest: float = 0.0
    narrowing: float = 0.0
    thermometer: int | None = None

    def __post_init__(self) -> None:
        one_of("activation", self.activation, ACTIVATIONS)
        one_of("norm", self.norm, get_args(Norm))
        check_sizes("fan_in", *(() if self.fan_in is None else (self.fan_in,)))
        check_sizes("fan_ins", *self.fan_ins)
        if self.fan_ins and self.fan_in is not None:
            raise RequestError("fan_ins must be left out where fan_in is given")
        check_share("rarest", self.rarest)
        if not 0 <= self.narrowing < 1:
            raise RequestError(f"narrowing must be in 0..1, 1 excluded, not {self.narrowing!r}")
        check_sizes("thermometer", *(() if self.thermometer is None else (self.thermometer,)))


USUAL = Components()
"""What blocks are made of unless a recipe says otherwise."""


@dataclass(frozen=True)
class LookupRecipe:
    """Layers of learned truth tables (:mod:`bnnhw.training.lookup`), in place of all that has weights.

    Convolutions of the recipe are tables at every position (:mod:`bnnhw.training.lookup_conv`), of as many inputs.

    Elements of several bits come in as a unary code, a bit per threshold of the input.

    Parameters
    ----------
    neurons : tuple of int
        Of each layer; those of the last are summed up by class, so they are a multiple of the classes. None behind
        convolutions: then the elements of the map are summed, the channels of a class side by side.
    fan_in : int
        Inputs of a neuron; 4 fill a LUT4.
    learned : str
        ``"tables"``, or ``"gates"`` of two inputs (:mod:`bnnhw.training.gates`), where ``fan_in`` is 2.
    choices : int
        Of gates: candidates for each input.
    temperature : float
        What the class sums are divided by for the loss. It decides much: too low a one fits few samples, and from too
        high a one little is learned.
    rarest : float
        Inputs of which one value is rarer than this share of the samples are not read: training is quicker by as much.
    """

    neurons: tuple[int, ...]
    fan_in: int = 4
    temperature: float = 8.0
    rarest: float = 0.0
    learned: Learned = "tables"
    choices: int = 8

    def __post_init__(self) -> None:
        check_sizes("neurons", *self.neurons)
        if not 1 <= self.fan_in <= MAX_BITS:
            raise RequestError(f"fan_in of a lookup layer must be in 1..{MAX_BITS}, not {self.fan_in!r}")
        one_of("learned of lookup layers", self.learned, get_args(Learned))
        if self.learned == "gates" and self.fan_in != 2:
            raise RequestError(f"fan_in of a layer of gates must be 2, not {self.fan_in!r}")
        check_sizes("choices", self.choices)
        if not 0 < self.temperature < math.inf:
            raise RequestError(f"temperature must be a number above 0, not {self.temperature!r}")
        check_share("rarest", self.rarest)
