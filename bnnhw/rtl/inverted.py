"""Which lanes of a word hold channels that are complemented."""

from __future__ import annotations

import numpy as np
from amaranth.hdl import Const, Module, Mux, Signal, Value
from numpy.typing import NDArray

__all__ = ["inverted"]


def inverted(m: Module, minimum: NDArray[np.bool_], lanes: int, advance: Value) -> list[Value]:
    """Tell for each lane whether its channel takes the minimum; ``advance`` goes on to the next channel word."""
    folds = -(-len(minimum) // lanes)
    table = np.zeros((folds, lanes), np.bool_)
    table.reshape(-1)[: len(minimum)] = minimum
    if (table == table[0]).all():
        return [Const(int(bit), 1) for bit in table[0]]
    words = [sum(int(bit) << lane for lane, bit in enumerate(row)) for row in table]
    fold, following = Signal(range(folds), name="fold"), Signal(range(folds), name="following")
    mask = Signal(lanes, init=words[0], name="inverted")
    m.d.comb += following.eq(Mux(fold == folds - 1, 0, fold + 1))
    with m.If(advance):
        m.d.sync += fold.eq(following)
        with m.Switch(following):
            for number, word in enumerate(words):
                with m.Case(number):
                    m.d.sync += mask.eq(word)
    return [mask[lane] for lane in range(lanes)]
