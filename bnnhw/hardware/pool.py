"""Pooling: the words of a window's taps, reduced to one."""

from __future__ import annotations

import numpy as np
from amaranth.hdl import Cat, Const, Elaboratable, Module, Mux, Signal, Value, unsigned
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out
from numpy.typing import NDArray

from bnnhw.folding.pool import inverter_pipeline, pool_pipeline
from bnnhw.ir import MaxPool, SumPool

__all__ = ["ChannelInverter", "PoolReduce"]


class PoolReduce(wiring.Component):
    """Reduces the taps of a window, channel by channel, to their maximum, minimum or sum.

    It stands behind a window unit that gives channel word by channel word. A channel that takes the minimum comes in
    complemented (:class:`ChannelInverter`, in front of the window unit), in which its order is reversed: so the window
    unit needs one padding code only, the least, and this unit knows only maxima. It complements such a channel's
    maximum on its way out.

    With ``p`` of :func:`bnnhw.folding.pool.pool_pipeline`:

    - Input: ``p.words_in`` words a frame; for each position of the window, for each channel word, ``p.area`` taps.
      Channel ``c`` is lane ``c % lanes`` of channel word ``c // lanes``. Lanes past the last channel are ignored.
    - Output: ``p.words_out`` words a frame, position by position, ``ceil(channels / lanes)`` a position.
    - II = ``p.words_in`` cycles a frame, without a bubble between words or frames. Latency = ``p.latency``: a word is
      offered in the cycle after its last tap.
    - Stalls: a word's last tap waits until the word before has left the output register.
    - Storage: two registers a lane, and where channels differ in what they take a table of that.

    Parameters
    ----------
    layer : MaxPool or SumPool
    lanes : int
        Elements a word.

    Members
    -------
    input : stream of ``unsigned(lanes * layer.input.bits)``
    output : stream of ``unsigned(lanes * layer.output.bits)``
    """

    def __init__(self, layer: MaxPool | SumPool, lanes: int) -> None:
        if lanes < 1:
            raise ValueError(f"lanes must be positive, not {lanes}")
        self.layer = layer
        self.lanes = lanes
        self.pipeline = pool_pipeline(layer, lanes)
        super().__init__(
            {
                "input": In(stream.Signature(unsigned(lanes * layer.input.bits))),
                "output": Out(stream.Signature(unsigned(lanes * layer.output.bits))),
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        area = self.pipeline.area
        tap, first, last = Signal(range(area)), Signal(init=1), Signal(init=area == 1)
        valid, accept, finishes = Signal(), Signal(), Signal()
        held = Signal(len(self.output.payload), reset_less=True)
        # With several taps a word the register has been emptied by the time the next one is due, if it is taken at
        # once; nothing but a register then stands before the input's ready.
        room = ~valid | self.output.ready if area == 1 else ~valid
        m.d.comb += [
            self.input.ready.eq(~last | room),
            accept.eq(self.input.valid & self.input.ready),
            finishes.eq(accept & last),
            self.output.valid.eq(valid),
            self.output.payload.eq(held),
        ]
        results = self._reduced(m, accept, first)
        if isinstance(self.layer, MaxPool):
            inverted = _inverted(m, self.layer.minimum, self.lanes, finishes)
            results = [r ^ bit.replicate(len(r)) for r, bit in zip(results, inverted, strict=True)]
        with m.If(self.output.ready):
            m.d.sync += valid.eq(0)
        with m.If(accept):
            m.d.sync += first.eq(last)
            if area > 1:
                m.d.sync += [tap.eq(Mux(last, 0, tap + 1)), last.eq(~last & (tap == area - 2))]
        with m.If(finishes):
            m.d.sync += [valid.eq(1), held.eq(Cat(*results))]
        return m

    def _reduced(self, m: Module, accept: Value, first: Value) -> list[Value]:
        """Each lane's reduction of the taps accepted before and the one that is offered."""
        dtype, out = self.layer.input, self.layer.output
        results: list[Value] = []
        for lane in range(self.lanes):
            element: Value = self.input.payload.word_select(lane, dtype.bits)
            total = Signal(out.bits, name=f"total_{lane}", reset_less=True)
            reduced = Signal(out.bits, name=f"reduced_{lane}")
            value = element.as_signed() if dtype.kind == "int" else element
            if isinstance(self.layer, SumPool):
                joined: Value = total + value
            elif dtype.bits == 1:
                joined = total | element
            else:
                joined = Mux(value > (total.as_signed() if dtype.kind == "int" else total), element, total)
            m.d.comb += reduced.eq(Mux(first, value, joined))
            with m.If(accept):
                m.d.sync += total.eq(reduced)
            results.append(reduced)
        return results


class ChannelInverter(wiring.Component):
    """Complements the codes of the channels that a pool takes the minimum of: wires and inverters.

    The complement of a code reverses the order of its type, unsigned or two's complement. A layer with no such channel
    needs none; where all channels are such ones it has no register.

    With ``p`` of :func:`bnnhw.folding.pool.inverter_pipeline`:

    - Input, output: ``p.words`` words a frame; channel ``c`` of a position is lane ``c % lanes`` of its word
      ``c // lanes``.
    - II = ``p.words`` cycles a frame. Latency = ``p.words - 1``: a word is offered while it is offered.
    - Stalls: with the output.
    - Storage: a counter of the channel words, and the inversion of the next one.

    Parameters
    ----------
    layer : MaxPool
    lanes : int
        Elements a word.

    Members
    -------
    input, output : streams of ``unsigned(lanes * layer.input.bits)``
    """

    def __init__(self, layer: MaxPool, lanes: int) -> None:
        if lanes < 1:
            raise ValueError(f"lanes must be positive, not {lanes}")
        self.layer = layer
        self.lanes = lanes
        self.pipeline = inverter_pipeline(layer, lanes)
        payload = unsigned(lanes * layer.input.bits)
        super().__init__({"input": In(stream.Signature(payload)), "output": Out(stream.Signature(payload))})

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        accept = Signal()
        inverted = _inverted(m, self.layer.minimum, self.lanes, accept)
        mask = Cat(*(bit.replicate(self.layer.input.bits) for bit in inverted))
        m.d.comb += [
            self.output.valid.eq(self.input.valid),
            self.output.payload.eq(self.input.payload ^ mask),
            self.input.ready.eq(self.output.ready),
            accept.eq(self.input.valid & self.output.ready),
        ]
        return m


def _inverted(m: Module, minimum: NDArray[np.bool_], lanes: int, advance: Value) -> list[Value]:
    """For each lane whether its channel takes the minimum; the channel word is the next one after each ``advance``."""
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
