# amaranth: UnusedElaboratable=no
"""Frames of the chip through accelerators: counts, and cycles by the accelerator's own latency and interval."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from bnnhw.dataflow.frame import Frame
from bnnhw.devices import technology
from bnnhw.folding import FoldedNetwork, LayerFolding, predict
from bnnhw.ir import Dense, InputSpec, Lookup, Network, Output
from bnnhw.ir.types import DataType
from bnnhw.links.packets.counting import CountService
from bnnhw.links.packets.packet import COUNTS_FORMAT, PacketType, encode_packet
from bnnhw.links.packets.protocol import BoardCounts, Decoder, encode_count
from bnnhw.links.store.contents import StoredFrames
from bnnhw.links.uart.gateware import UartLink
from bnnhw.reference import evaluate
from bnnhw.rtl.accelerator import Accelerator
from rtl_tests.streams import run
from rtl_tests.uart.line import drive_line, read_line
from tests.layers import random_layer

FRAMES = 7


def dense(sizes: Sequence[int], dtype: str, foldings: Sequence[LayerFolding]) -> FoldedNetwork:
    rng = np.random.default_rng(sum(sizes))
    layers: list[Dense] = []
    last = len(sizes) - 2
    for i, (synapses, neurons) in enumerate(zip(sizes, sizes[1:], strict=False)):
        output = None if i == last else "bipolar"
        layers.append(random_layer(rng, neurons, synapses, dtype if i == 0 else "bipolar", output, name=f"fc{i}"))
    network = Network(InputSpec((sizes[0],), DataType.parse(dtype)), (*layers, Output.plain("out", sizes[-1])))
    return FoldedNetwork(network, tuple(foldings))


def lookups() -> FoldedNetwork:
    """Twelve tables of two of nine inputs, and sums in the fabric."""
    rng = np.random.default_rng(5)
    bit = DataType("bipolar", 1)
    tables = Lookup("tables", 9, bit, rng.integers(0, 5, (12, 2)), rng.integers(0, 2, (12, 4), np.uint8), bit)
    sums = random_layer(rng, 3, 12, "bipolar", None, name="sums")
    network = Network(InputSpec((9,), bit), (tables, sums, Output.plain("out", 3)))
    return FoldedNetwork(network, (LayerFolding(3, 12, "constant", "spatial"),))


CASES = {
    "folded, a word per element": dense((6, 4), "uint2", [LayerFolding(1, 1)]),
    "folded, words that do not divide": dense((11, 6, 3), "bipolar", [LayerFolding(2, 4), LayerFolding(1, 3)]),
    "spatial": dense((9, 3), "bipolar", [LayerFolding(3, 9, "constant", "spatial")]),
    "lookup": lookups(),
}


class Bench:
    """A service, and what a host at its packets would do."""

    def __init__(self, folded: FoldedNetwork, *, wrong: int = 2, planted: int = 0, labelled: bool = True) -> None:
        graph = folded.graph(technology("generic"))
        self.cycles = predict(graph)
        spec = folded.network.input
        rng = np.random.default_rng(8)
        codes = rng.integers(0, spec.dtype.levels, (FRAMES, spec.elements)).astype(np.uint8)
        self.due = evaluate(folded.network, codes).classes.astype(np.int64)
        labels = self.due.copy()
        labels[-wrong or FRAMES :] = (labels[-wrong or FRAMES :] + 1) % 3
        self.labels = labels if labelled else None
        expected = self.due.copy()
        expected[:planted] = (expected[:planted] + 1) % 3
        read = graph.nodes[0].unit.read
        frame = Frame.of(graph)
        self.store = StoredFrames.of(frame, codes, expected, self.labels, read)
        self.accelerator: Any = Accelerator(graph)
        self.dut = CountService(self.accelerator, self.store)

    def run(self, *numbers: int) -> list[BoardCounts]:
        found: list[BoardCounts] = []
        dut = self.dut

        async def host(ctx: Any) -> None:
            for number in numbers:
                for index, value in enumerate(number.to_bytes(3, "little")):
                    ctx.set(dut.write, 1)
                    ctx.set(dut.index, index)
                    ctx.set(dut.data, value)
                    await ctx.tick()
                ctx.set(dut.write, 0)
                await ctx.tick()
                assert ctx.get(dut.overrun) == 0
                ctx.set(dut.commit, 1)
                await ctx.tick()
                ctx.set(dut.commit, 0)
                while not ctx.get(dut.reply.valid):
                    await ctx.tick()
                # It waits until it is taken.
                await ctx.tick().repeat(3)
                payload = ctx.get(dut.reply.payload).to_bytes(sum(COUNTS_FORMAT), "little")
                ctx.set(dut.reply.ready, 1)
                await ctx.tick()
                ctx.set(dut.reply.ready, 0)
                found.extend(Decoder().feed(encode_packet(PacketType.COUNTS, payload)))  # type: ignore[arg-type]
                await ctx.tick()
                assert not ctx.get(dut.reply.valid)

        run(dut, host)
        return found

    def due_of(self, number: int, different: NDArray[np.bool_] | None = None) -> BoardCounts:
        places = np.arange(number) % FRAMES
        wrong = 0 if self.labels is None else int((self.due != self.labels)[places].sum())
        cycles = self.cycles.latency_cycles + (number - 1) * self.cycles.cycles_per_frame
        return BoardCounts(number, wrong, 0 if different is None else int(different[places].sum()), cycles)


@pytest.mark.parametrize("name", CASES)
def test_counts_and_cycles(name: str) -> None:
    """One frame takes the latency; each more the interval, whether it goes round or not."""
    bench = Bench(CASES[name])
    numbers = (1, 2, FRAMES, 3 * FRAMES + 2, 1)
    assert bench.run(*numbers) == [bench.due_of(number) for number in numbers]


def test_more_frames_than_a_part_of_a_counter_holds() -> None:
    bench = Bench(CASES["lookup"], wrong=FRAMES)
    assert bench.cycles.cycles_per_frame == 1
    assert bench.run(256, 257, 600) == [bench.due_of(number) for number in (256, 257, 600)]


@pytest.mark.parametrize("name", ["folded, words that do not divide", "lookup"])
def test_classes_that_are_not_the_references_are_counted(name: str) -> None:
    """Faults planted in what is due of the first three frames."""
    bench = Bench(CASES[name], planted=3)
    differs = np.arange(FRAMES) < 3
    for number, found in zip((2, FRAMES, 10), bench.run(2, FRAMES, 10), strict=True):
        assert found == bench.due_of(number, differs)


def test_frames_without_labels_are_never_wrong() -> None:
    bench = Bench(CASES["spatial"], labelled=False)
    assert bench.store.classes.shape[1] == bench.store.class_bits
    assert bench.run(FRAMES) == [bench.due_of(FRAMES)]


def test_only_what_is_read_is_kept() -> None:
    """The tables read the first five of nine bits."""
    kept = Bench(CASES["lookup"]).store.kept
    assert set(kept) <= {0, 1, 2, 3, 4}
    assert Bench(CASES["folded, a word per element"]).store.kept == (0, 1)


def test_words_of_another_width_are_refused() -> None:
    store, other = Bench(CASES["lookup"]).store, Bench(CASES["folded, a word per element"])
    with pytest.raises(ValueError, match=f"^{re.escape('frames must be in words of 2 bits, not 9')}$"):
        CountService(other.accelerator, store)


def test_over_a_serial_line() -> None:
    """Packets of a host; one that comes while frames are under way is an overrun, and a frame is no known packet."""
    divisor = 4
    bench = Bench(CASES["folded, a word per element"])
    dut = UartLink(bench.accelerator, classes=4, divisor=divisor, timeout=400, identity=7, store=bench.store)
    replies: list[Any] = []
    decoder = Decoder()
    many = 200

    async def host(ctx: Any) -> None:
        await drive_line(ctx, dut.rx, divisor, encode_count(3))
        await ctx.tick().repeat(4000)
        await drive_line(ctx, dut.rx, divisor, encode_count(many) + encode_count(5))
        await ctx.tick().repeat(4000)
        await drive_line(ctx, dut.rx, divisor, encode_packet(PacketType.FRAME, b"12") + encode_count(5))

    async def board(ctx: Any) -> None:
        while len(replies) < 5:
            replies.extend(decoder.feed(bytes([await read_line(ctx, dut.tx, divisor)])))

    run(dut, host, board)
    assert bench.cycles.cycles_per_frame * many > 12 * 10 * divisor
    counts = [reply for reply in replies if isinstance(reply, BoardCounts)]
    assert counts == [bench.due_of(number) for number in (3, many, 5)]
    assert [(reply.code, reply.kind) for reply in replies if not isinstance(reply, BoardCounts)] == [(6, 3), (4, 2)]
