"""What a kind of layer says about channels that nobody reads: the protocol, and who keeps it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from bnnhw.ir import Layer
from bnnhw.registry import Registry

__all__ = ["LIVENESS", "UNKNOWN", "Channels", "Codes", "Liveness", "Place"]

Channels: TypeAlias = NDArray[np.bool_]
"""One flag for each channel of a map; a vector of N elements has N channels."""

Codes: TypeAlias = NDArray[np.int64]
"""The code of each channel that is the same for every input and at every position, :data:`UNKNOWN` of the others."""

UNKNOWN = -1


@dataclass(frozen=True)
class Place:
    """Where a layer stands.

    Parameters
    ----------
    given : Codes
        Of the channels that come in.
    drops : bool
        Whether it may leave inputs out.
    last : bool
        Whether what it emits goes to the network's output, which can add what was constant in it.
    """

    given: Codes
    drops: bool
    last: bool = False


class Liveness(Protocol):
    """What layers of one kind read, and what is left of them without some of their channels.

    Attributes
    ----------
    drops : bool
        Whether layers without a weight matrix may leave out inputs that are wanted of them for nothing; of others their
        folding says so.
    """

    drops: bool

    def gives_less(self, layer: Any, given_less: bool) -> bool:
        """Whether it can give less than all its channels, where it may be given less, or not."""
        ...

    def constants(self, layer: Any, place: Place) -> Codes:
        """The channels it gives that are the same for every input."""
        ...

    def reads(self, layer: Any, wanted: Channels, place: Place) -> Channels:
        """The channels that come in and must be there for those that are wanted."""
        ...

    def without(self, layer: Any, taken: Channels, wanted: Channels, place: Place) -> tuple[Layer, int]:
        """The layer with only the taken channels coming in, the wanted ones given; and what its numbers lack.

        ``taken`` are those that it :meth:`reads`, or more. The integer was constant in all numbers of a last layer that
        emits its accumulators; 0 of every other.
        """
        ...


LIVENESS: Registry[Liveness] = Registry("a way to leave channels out", "bnnhw/lowering/live/{kind}.py")
"""By kind of layer. Layers of other kinds read all that comes in, and give all that they have."""
