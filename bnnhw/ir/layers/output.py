"""The end of a network: scores and a class."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from bnnhw.errors import NetworkError
from bnnhw.ir.activation import check_steps
from bnnhw.ir.codec import CODECS, Codec, LayerReader, LayerWriter
from bnnhw.ir.steps import Step

__all__ = ["Output"]


@dataclass(frozen=True, eq=False)
class Output:
    """The end of a network: scores and a class.

    One score per class, and the class with the highest, the lowest index on a tie; or a single score, which decides
    between two classes: 1 where it is not negative, 0 where it is.

    Parameters
    ----------
    name : str
    multiplier, offset : int64 array (classes,)
        ``score = multiplier * acc + offset``, ``acc`` the number that the layer before emits. Streamlining chooses them
        so that the class is that of the trained network.
    steps : tuple of Step
        What a network that is not streamlined does to the dot products of its last layer, or to the numbers that this
        emits where it has no matrix or an activation; empty afterwards.
    """

    kind: ClassVar[str] = "output"

    name: str
    multiplier: NDArray[np.int64]
    offset: NDArray[np.int64]
    steps: tuple[Step, ...] = ()

    def __post_init__(self) -> None:
        for name in ("multiplier", "offset"):
            array = np.array(getattr(self, name), np.int64)
            if array.ndim != 1 or len(array) < 1:
                raise NetworkError(f"layer {self.name}: {name} must have one value per class")
            array.setflags(write=False)
            object.__setattr__(self, name, array)
        if len(self.multiplier) != len(self.offset):
            raise NetworkError(f"layer {self.name}: multiplier and offset must have the same length")
        try:
            check_steps(self.steps, self.classes)
        except NetworkError as error:
            raise NetworkError(f"layer {self.name}: {error}") from None

    @classmethod
    def plain(cls, name: str, classes: int) -> Output:
        """Scores that are the accumulators themselves."""
        return cls(name, np.ones(classes, np.int64), np.zeros(classes, np.int64))

    @property
    def classes(self) -> int:
        """How many scores there are."""
        return len(self.multiplier)

    @property
    def labels(self) -> int:
        """How many classes are told apart: one score decides between two."""
        return max(self.classes, 2)

    def decide(self, scores: NDArray[np.int64] | NDArray[np.float64]) -> NDArray[np.int64]:
        """The class of each frame: int64 (frames,) of scores (frames, classes)."""
        return (scores[:, 0] >= 0 if self.classes == 1 else scores.argmax(axis=1)).astype(np.int64)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Output):
            return NotImplemented
        return (
            self.name == other.name
            and np.array_equal(self.multiplier, other.multiplier)
            and np.array_equal(self.offset, other.offset)
            and self.steps == other.steps
        )

    __hash__ = None  # type: ignore[assignment]


def _describe(layer: Output, out: LayerWriter) -> dict[str, Any]:
    out.array("multiplier", layer.multiplier, "<i8")
    out.array("offset", layer.offset, "<i8")
    return {"classes": layer.classes, "steps": out.steps(layer.steps)}


def _read(entry: LayerReader) -> Output:
    classes = entry.size("classes")
    multiplier, offset = (entry.array(name, "<i8", (classes,)) for name in ("multiplier", "offset"))
    return Output(entry.name, multiplier, offset, entry.steps(classes))


CODECS.add(Output, Codec(_describe, _read))
