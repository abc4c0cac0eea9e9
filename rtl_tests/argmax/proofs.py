"""The proofs of output units."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from bnnhw.ir import Output
from bnnhw.units.argmax.contract import ArgmaxContract
from bnnhw.units.argmax.model import ArgmaxUnit
from bnnhw.units.argmax.rtl import Argmax
from rtl_tests.formal.case import Case

__all__ = ["PROOFS"]


def _argmax(
    synapses: int, lanes: int, multiplier: list[int], offset: list[int], every_cycle: bool = False
) -> Callable[[], Argmax]:
    """Behind a binary layer of so many synapses, whose accumulators count from 0."""
    output = Output("output", np.array(multiplier), np.array(offset))
    return lambda: Argmax(ArgmaxUnit(output, (0, synapses), lanes, every_cycle=every_cycle))


PROOFS: dict[str, Case] = {
    "argmax": Case(ArgmaxContract, _argmax(3, 2, [1, 1, 1], [0, 0, 0]), quick=True, faults=10),
    "argmax-affine": Case(ArgmaxContract, _argmax(1, 2, [1, -2, 3], [0, 2, -1])),
    "decision": Case(ArgmaxContract, _argmax(3, 1, [-1], [1])),
    "decision-padded": Case(ArgmaxContract, _argmax(3, 2, [1], [-2])),
    "argmax-one-word": Case(ArgmaxContract, _argmax(1, 3, [1, 1, 1], [0, 1, 0])),
    "argmax-every-cycle": Case(ArgmaxContract, _argmax(3, 3, [1, 1, 1], [0, 0, 0], every_cycle=True)),
}
