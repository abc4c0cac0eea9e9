"""What a way to compute a matrix layer, an engine, says of itself, and the choice of one layer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import ClassVar, Protocol

from bnnhw.dataflow.unit import Unit
from bnnhw.devices import Technology
from bnnhw.errors import FoldingError
from bnnhw.files import LATER
from bnnhw.ir import Dense, Layer
from bnnhw.registry import Registry

__all__ = ["ENGINES", "WRITABLE", "Engine", "LayerFolding", "most_vectors"]


class Engine(Protocol):
    """A way to compute a layer that has a weight matrix.

    Attributes
    ----------
    kind : str
        The word in a folding.
    options : mapping of str to tuple of str
        Words that a folding may say of this engine: its attributes and what each may be.
    most_vectors : int
        Vectors that may share a weight word at most; 1 where an engine says nothing.
    """

    kind: ClassVar[str]
    options: Mapping[str, tuple[str, ...]]
    most_vectors: ClassVar[int] = 1

    def check(self, layer: Layer, folding: LayerFolding) -> None:
        """Refuse what can't be built: :class:`~bnnhw.errors.FoldingError`, with the nearest legal values."""
        ...

    def unit(self, layer: Layer, folding: LayerFolding, technology: Technology) -> Unit:
        """The unit that computes a layer."""
        ...

    def describe(self, folding: LayerFolding) -> str:
        """A folding in words, for comments and tables."""
        ...

    def candidates(self, layer: Layer) -> Iterable[LayerFolding]:
        """The foldings of a layer that are worth comparing."""
        ...


ENGINES: Registry[Engine] = Registry("an engine", "the folder of its unit in bnnhw/units")
"""All engines by name; each is registered where its unit is."""


WRITABLE = ("block", "spram")
"""Memories that can be written while the device runs."""


def most_vectors(engine: str) -> int:
    """Vectors that may share a weight word of an engine at most."""
    return getattr(ENGINES.named(engine), "most_vectors", 1)


@dataclass(frozen=True)
class LayerFolding:
    """How one layer is folded.

    Parameters
    ----------
    pe : int
        Neurons computed side by side; 1..N. When it does not divide N the last fold is padded and the
        surplus dropped. In a depthwise convolution of M neurons per channel a divisor or a multiple of M:
        part of one channel, or whole channels.
    simd : int
        Inputs consumed side by side; 1..K. When it does not divide K the last word is padded.
    memory : str
        Where the weights live: ``"lut"`` (ROM in logic), ``"block"`` (block RAM) or ``"spram"`` (large single-port
        memories, and block RAM for the columns that fill none, :func:`bnnhw.dataflow.loads.banks`); of the engines
        ``"spatial"`` and ``"lookup"`` ``"constant"``.
    engine : str
        ``"folded"``: weights in memory, PE * SIMD synapses per cycle. ``"spatial"``: weights in the fabric, all of them
        in each cycle. ``"lookup"``: neurons of few weights other than zero as truth tables, all in each cycle.
    planes : str
        How the bit planes of an input of several bits are taken: ``"parallel"``, side by side, each with popcounts of
        its own, or ``"serial"``, one after another through the same ones (bit-serial).
    vectors : int
        M, vectors that share a weight word: positions of a convolution, or frames of a fully connected layer. Each has
        PE * SIMD lanes of its own.
    writable : bool
        Whether weights and thresholds can be replaced while the device runs: of a memory that is block RAM or SPRAM.
    columns : bool
        Whether the taps of a convolution come as columns of its kernel, side by side, instead of one per cycle.
    thresholds : str
        Where the thresholds of the engine ``"folded"`` live: ``"lut"`` (in logic; of a writable layer in what suits
        their depth) or ``"block"`` (block RAM). Those of a layer that has one neuron fold are constants either way.
    """

    pe: int
    simd: int
    memory: str = "block"
    engine: str = "folded"
    planes: str = "parallel"
    vectors: int = 1
    writable: bool = False
    columns: bool = False
    thresholds: str = field(default="lut", metadata=LATER)

    def __post_init__(self) -> None:
        if self.pe < 1 or self.simd < 1:
            raise FoldingError(f"folding: PE and SIMD must be positive, not {self.pe} and {self.simd}")
        if self.vectors < 1:
            raise FoldingError(f"folding: vectors must be positive, not {self.vectors}")
        if self.engine not in ENGINES:
            raise FoldingError(f"folding: engine must be one of {', '.join(ENGINES)}, not {self.engine!r}")
        for key, words in ENGINES.named(self.engine).options.items():
            value = getattr(self, key)
            if value not in words:
                raise FoldingError(f"folding: {key} must be one of {', '.join(words)}, not {value!r}")
        most = most_vectors(self.engine)
        if self.vectors > most:
            raise FoldingError(
                f"folding: vectors must be at most {most} with the engine {self.engine}, not {self.vectors}"
            )
        if self.writable and self.memory not in WRITABLE:
            raise FoldingError(
                f"folding: memory must be one of {', '.join(WRITABLE)} where weights are writable, not {self.memory!r}"
            )

    def most_vectors(self, matrix: Dense) -> int:
        """How many vectors may share a weight word of a matrix.

        The SF words of each come one per cycle, and NF words of results leave, within the ``SF * NF`` cycles, times the
        bit-serial planes, in which all weights are read.
        """
        serial = matrix.input.bits if self.planes == "serial" else 1
        return serial * min(-(-matrix.neurons // self.pe), -(-matrix.synapses // self.simd))

    def fitted(self, matrix: Dense) -> LayerFolding:
        """The folding for what is left of a matrix."""
        less = replace(self, pe=min(self.pe, matrix.neurons), simd=min(self.simd, matrix.synapses))
        return replace(less, vectors=min(less.vectors, less.most_vectors(matrix)))
