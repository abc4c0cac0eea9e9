# amaranth: UnusedElaboratable=no
"""Images from a flash and from packets: what is written, and when frames are refused."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from bnnhw.dataflow.image import pack_image
from bnnhw.links.packets.packet import LOAD_BYTES, ErrorCode, LoadState
from bnnhw.links.weights import LoadSetting
from bnnhw.links.weights.control import WeightControl
from bnnhw.links.weights.flash import WAKE_US
from rtl_tests.streams import run

IDENTITY, OFFSET, CLOCK_MHZ = 0x89ABCDEF, 0x102000, 12.0
WORDS = np.random.default_rng(0).integers(0, 1 << 16, 70).astype(np.uint16)
IMAGE = pack_image(WORDS, IDENTITY)


@dataclass
class Flash:
    """SPI mode 0, asleep until it is woken."""

    contents: bytes
    bits: int = 0
    command: int = 0
    awake: bool = False
    selected: int = 0
    clock: int = 0

    def step(self, selected: int, clock: int, copi: int) -> int | None:
        """What it drives from here on, where that changes."""
        found = None
        if selected and not self.selected:
            self.bits = self.command = 0
        if self.selected and not selected:
            self.awake |= (self.bits, self.command) == (8, 0xAB)
        if selected and clock and not self.clock:
            self.command = (self.command << 1 | copi) & 0xFFFFFFFF if self.bits < 32 else self.command
            self.bits += 1
        elif selected and self.clock and not clock and self.bits >= 32:
            assert self.awake and self.command >> 24 == 0x03
            place, bit = divmod(self.bits - 32, 8)
            place += (self.command & 0xFFFFFF) - OFFSET
            byte = self.contents[place] if place < len(self.contents) else 0xFF
            found = byte >> (7 - bit) & 1
        self.selected, self.clock = selected, clock
        return found


def damaged(at: int) -> bytes:
    return IMAGE[:at] + bytes([IMAGE[at] ^ 0x10]) + IMAGE[at + 1 :]


@pytest.mark.parametrize(
    ("contents", "good", "written"),
    [
        (IMAGE, True, len(WORDS)),
        (b"", False, 0),
        (IMAGE[:-2], False, len(WORDS)),
        (IMAGE[:60], False, len(WORDS)),
        (damaged(12), False, len(WORDS)),
        (damaged(len(IMAGE) - 1), False, len(WORDS)),
        # Headers: another magic, identity, length.
        (damaged(0), False, 0),
        (pack_image(WORDS, IDENTITY ^ 1), False, 0),
        (pack_image(WORDS[:-1], IDENTITY), False, 0),
    ],
)
def test_flash_at_start(contents: bytes, good: bool, written: int) -> None:
    """Frames are refused until a good image is in the memories, and for good where there is none."""
    setting = LoadSetting(len(WORDS), OFFSET, starts=False, clock_mhz=CLOCK_MHZ)
    dut = WeightControl(setting, IDENTITY, 1)
    pins = dut.flash
    flash = Flash(contents)
    words: list[int] = []

    async def testbench(ctx: Any) -> None:
        refused: list[int] = []
        selected: list[int] = []
        last = 0
        for cycle in range(6000):
            driven = flash.step(*(ctx.get(pin) for pin in (pins.cs, pins.clk, pins.copi)))
            if driven is not None:
                ctx.set(pins.cipo, driven)
            if flash.selected and not last:
                selected.append(cycle)
            last = flash.selected
            if ctx.get(dut.load.write):
                words.append(ctx.get(dut.load.data))
            refused.append(ctx.get(dut.refuse))
            if refused[-1] != ErrorCode.LOADING and not flash.selected:
                break
            await ctx.tick()
        assert refused[-1] == (0 if good else ErrorCode.NO_WEIGHTS)
        assert refused[0] == ErrorCode.LOADING
        assert selected[1] - selected[0] > WAKE_US * CLOCK_MHZ
        assert len(words) == written
        assert not good or words == WORDS.tolist()

    run(dut, testbench)


@pytest.mark.parametrize("crc_bits", [1, 8])
@pytest.mark.parametrize("starts", [True, False])
def test_packets_between_frames(crc_bits: int, starts: bool) -> None:
    """A load waits for the frames inside; damage leaves no weights; a good image, new ones."""
    dut = WeightControl(LoadSetting(len(WORDS), starts=starts, packets=True), IDENTITY, crc_bits)
    gap = 8 // crc_bits
    words: list[int] = []
    starting: list[int] = []
    told: list[int] = []

    async def tick(ctx: Any, cycles: int = 1) -> None:
        for _ in range(cycles):
            if ctx.get(dut.load.write):
                words.append(ctx.get(dut.load.data))
            if ctx.get(dut.load.start):
                starting.append(len(words))
            if ctx.get(dut.told):
                told.append(ctx.get(dut.state))
            await ctx.tick()

    async def strobe(ctx: Any, name: str) -> None:
        ctx.set(getattr(dut, name), 1)
        await tick(ctx)
        ctx.set(getattr(dut, name), 0)

    async def packets(ctx: Any, image: bytes) -> None:
        for start in range(0, len(image), LOAD_BYTES):
            for byte in image[start : start + LOAD_BYTES].ljust(LOAD_BYTES, b"\0"):
                ctx.set(dut.data, byte)
                await strobe(ctx, "write")
                await tick(ctx, gap - 1)
            await tick(ctx, 4 * gap)
            await strobe(ctx, "chunk")
        await tick(ctx, 20)

    async def testbench(ctx: Any) -> None:
        assert ctx.get(dut.refuse) == (0 if starts else ErrorCode.NO_WEIGHTS)
        frames = 3 if starts else 0
        for _ in range(frames):
            await strobe(ctx, "accepted")
        await strobe(ctx, "begin")
        # What comes before the answers are on their way goes nowhere.
        for _ in range(frames):
            await tick(ctx, 5)
            assert ctx.get(dut.refuse) == ErrorCode.LOADING
            assert not told
            await strobe(ctx, "answered")
        await tick(ctx, 2)
        assert told == [LoadState.READY]
        await packets(ctx, damaged(100))
        assert told[1:] == [LoadState.BAD]
        assert ctx.get(dut.refuse) == ErrorCode.NO_WEIGHTS
        # A packet that is lost on the way, and a load that is begun anew in the middle of one.
        await strobe(ctx, "begin")
        await tick(ctx, 2)
        await strobe(ctx, "dropped")
        await tick(ctx, 2)
        assert ctx.get(dut.refuse) == ErrorCode.NO_WEIGHTS
        await strobe(ctx, "begin")
        await tick(ctx, 2)
        ctx.set(dut.data, IMAGE[0])
        await strobe(ctx, "write")
        await strobe(ctx, "begin")
        await tick(ctx, 2)
        assert ctx.get(dut.refuse) == ErrorCode.LOADING
        told.clear()
        await packets(ctx, IMAGE)
        assert told == [LoadState.GOOD]
        assert ctx.get(dut.refuse) == 0
        assert words[starting[-1] :] == WORDS.tolist()

    run(dut, testbench)
