"""What contracts compare a unit's words with: definitions without folding or pipeline, over the words that went in."""

from __future__ import annotations

from collections.abc import Sequence

from amaranth.hdl import Const, Module, Signal, Value

from bnnhw.ir import DataType
from bnnhw.rtl.stream_contract import Way

__all__ = ["Capture", "lanes_agree", "number", "sized"]


class Capture:
    """The words of the frame that is followed.

    Parameters
    ----------
    m : Module
    way : Way
    payload : Value
        The word that enters.
    words : int
        Words per frame.
    name : str
        Of the registers.
    """

    def __init__(self, m: Module, way: Way, payload: Value, words: int, name: str = "followed") -> None:
        self.words = [Signal(len(payload), name=f"{name}_{i}") for i in range(words)]
        with m.If(way.watch.capturing), m.Switch(way.watch.in_index):
            for i, word in enumerate(self.words):
                with m.Case(i):
                    m.d.sync += word.eq(payload)

    def lanes(self, bits: int, signed: bool = False) -> list[Value]:
        """The lanes of all words, in order."""
        lanes: list[Value] = []
        for word in self.words:
            for lane in range(len(word) // bits):
                value = word[lane * bits : (lane + 1) * bits]
                lanes.append(value.as_signed() if signed else value)
        return lanes


def lanes_agree(payload: Value, bits: int, due: Sequence[Value]) -> Value:
    """Whether the first lanes are those that are due; the others are undefined."""
    agree: Value = Const(1)
    for lane, value in enumerate(due):
        agree = agree & (payload.word_select(lane, bits) == value[:bits])
    return agree


def number(code: Value, dtype: DataType) -> Value:
    """What a code stands for: the weighted sum of its bits; of a bipolar one twice the bit, less 1."""
    if dtype.kind == "bipolar":
        return 2 * code[0] - 1
    total: Value = Const(0)
    for bit, coefficient in enumerate(dtype.coefficients):
        total = total + code[bit] * coefficient
    return total


def sized(value: Value, bits: int) -> Value:
    """Two's complement of so many bits."""
    return (value + Const(0, bits + 1))[:bits]
