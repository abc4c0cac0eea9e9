"""A network together with how each of its layers is spread over time: the only thing hardware is made of."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from bnnhw.errors import FoldingError
from bnnhw.ir import Conv2d, Dense, Network, walk

__all__ = ["ENGINES", "MEMORIES", "PLANES", "FoldedNetwork", "LayerFolding", "depthwise_misfit", "divisors"]

ENGINES = ("folded",)
MEMORIES = ("lut", "block")
PLANES = ("parallel", "serial")


@dataclass(frozen=True)
class LayerFolding:
    """How one layer is folded.

    Parameters
    ----------
    pe : int
        Neurons computed side by side; 1..N. When it does not divide N the last fold is padded and the
        surplus dropped. In a depthwise convolution of M neurons a channel a divisor or a multiple of M:
        part of one channel, or whole channels.
    simd : int
        Inputs consumed side by side; 1..K. When it does not divide K the last word is padded.
    memory : str
        Where the weights live: ``"lut"`` (ROM in logic) or ``"block"`` (block RAM).
    engine : str
        ``"folded"``.
    planes : str
        How the bit planes of an input of several bits are taken: ``"parallel"``, side by side, each with popcounts of
        its own, or ``"serial"``, one after another through the same ones.
    """

    pe: int
    simd: int
    memory: str = "block"
    engine: str = "folded"
    planes: str = "parallel"

    def __post_init__(self) -> None:
        if self.pe < 1 or self.simd < 1:
            raise FoldingError(f"folding: PE and SIMD must be positive, not {self.pe} and {self.simd}")
        if self.memory not in MEMORIES:
            raise FoldingError(f"folding: memory must be one of {', '.join(MEMORIES)}, not {self.memory!r}")
        if self.engine not in ENGINES:
            raise FoldingError(f"folding: engine must be one of {', '.join(ENGINES)}, not {self.engine!r}")
        if self.planes not in PLANES:
            raise FoldingError(f"folding: planes must be one of {', '.join(PLANES)}, not {self.planes!r}")

    def neuron_folds(self, layer: Dense) -> int:
        """NF = ceil(N / PE)."""
        return -(-layer.neurons // self.pe)

    def synapse_folds(self, layer: Dense) -> int:
        """SF = ceil(K / SIMD)."""
        return -(-layer.synapses // self.simd)

    def channels(self, multiplier: int) -> int:
        """Channels side by side in a depthwise unit of ``multiplier`` neurons a channel."""
        return max(self.pe // multiplier, 1)

    def serial_planes(self, layer: Dense) -> int:
        """Planes taken one after another: the bits of an input element, or 1 where they are taken side by side."""
        return layer.input.bits if self.planes == "serial" else 1

    def interval(self, layer: Dense) -> int:
        """II: cycles a vector, ``SF * NF`` times the serial planes."""
        return self.synapse_folds(layer) * self.neuron_folds(layer) * self.serial_planes(layer)


def divisors(size: int) -> list[int]:
    """All divisors, ascending."""
    return [d for d in range(1, size + 1) if size % d == 0]


def depthwise_misfit(pe: int, multiplier: int, neurons: int) -> str | None:
    """Why a depthwise unit of so many neurons, ``multiplier`` a channel, can't have ``pe``; None if it can."""
    if pe % multiplier == 0 or multiplier % pe == 0:
        return None
    nearest = _nearest([*divisors(multiplier), *range(multiplier, neurons + 1, multiplier)], pe)
    return (
        f"PE of a depthwise convolution must be a divisor or a multiple of its {multiplier} neurons a channel, "
        f"not {pe}; nearest: {nearest}"
    )


def _nearest(legal: list[int], value: int) -> str:
    below = max((d for d in legal if d <= value), default=min(legal))
    above = min((d for d in legal if d >= value), default=max(legal))
    return str(below) if below == above else f"{below} or {above}"


@dataclass(frozen=True)
class FoldedNetwork:
    """A streamlined network and one folding for each of its matrix layers.

    Raises :class:`~bnnhw.errors.FoldingError`, naming the layer and the nearest legal values, for a
    folding that can't be built.
    """

    network: Network
    foldings: tuple[LayerFolding, ...]

    def __post_init__(self) -> None:
        if not self.network.streamlined:
            raise FoldingError("only a streamlined network can be folded: run the streamlining passes first")
        layers = self.network.matrices
        if len(self.foldings) != len(layers):
            raise FoldingError(f"folding: must have {len(layers)} layers, not {len(self.foldings)}")
        for layer, folding in self.pairs:
            for word, value, size in (("PE", folding.pe, layer.neurons), ("SIMD", folding.simd, layer.synapses)):
                if value > size:
                    raise FoldingError(
                        f"layer {layer.name}: {word} must be at most {size}, not {value}; "
                        f"nearest without padding: {_nearest(divisors(size), value)}"
                    )
            convolution = self.convolutions.get(layer.name)
            if convolution is not None and convolution.depthwise:
                misfit = depthwise_misfit(folding.pe, convolution.multiplier, layer.neurons)
                if misfit is not None:
                    raise FoldingError(f"layer {layer.name}: {misfit}")
                if folding.simd != 1:
                    raise FoldingError(
                        f"layer {layer.name}: SIMD of a depthwise convolution must be 1, not {folding.simd}"
                    )

    @cached_property
    def derived(self) -> dict[tuple[str, str], object]:
        """What was derived from it for a technology and is costly to derive again; see :mod:`bnnhw.folding.chain`."""
        return {}

    @cached_property
    def convolutions(self) -> dict[str, Conv2d]:
        """The convolutions by name."""
        return {layer.name: layer for layer in walk(self.network.layers) if isinstance(layer, Conv2d)}

    def vectors(self, layer: Dense) -> int:
        """Vectors a frame that a weight matrix is multiplied by: the positions of a convolution, otherwise 1."""
        convolution = self.convolutions.get(layer.name)
        return 1 if convolution is None else convolution.window.positions

    @cached_property
    def bound(self) -> int:
        """Cycles a frame of the slowest matrix-vector unit: no frame takes less."""
        return max(self.vectors(layer) * folding.interval(layer) for layer, folding in self.pairs)

    @property
    def pairs(self) -> tuple[tuple[Dense, LayerFolding], ...]:
        """Each matrix layer with its folding, in order."""
        return tuple(zip(self.network.matrices, self.foldings, strict=True))
