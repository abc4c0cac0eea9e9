"""The links: found by their folders, each whole, and what a board may ask of them."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bnnhw import boards, links
from bnnhw.boards import BOARDS
from bnnhw.dataflow.frame import Frame
from bnnhw.devices import technology
from bnnhw.errors import RequestError
from bnnhw.flow.pins import with_link
from bnnhw.links import DEFAULT, LINKS, BoardLink, board_link
from bnnhw.links.packets.counting import CountService
from bnnhw.links.packets.packet import PacketType, encode_packet, packet_bytes
from bnnhw.links.packets.protocol import encode_frame
from bnnhw.links.store.contents import StoredFrames
from bnnhw.links.uart import Uart
from bnnhw.rtl.accelerator import Accelerator
from bnnhw.rtl.emit import emit, port_signals
from tests.build.networks import random_folded

TINY = random_folded([16, 8, 4], [(4, 8), (2, 4)])


def frame_of(bits: int, score_bits: int = 9, signed: bool = False) -> Frame:
    """A frame of so many bits, one a word."""
    return Frame(bits, 1, 1, bits, 4, score_bits, signed)


def test_order() -> None:
    """The default first, then what needs no board: the order of `bnnhw generate --help`."""
    assert list(LINKS) == ["stream", "axis", "parallel", "spi", "uart"]
    assert LINKS[DEFAULT].bare
    assert [name for name, link in LINKS.items() if link.bare] == [DEFAULT]


@pytest.mark.parametrize("name", LINKS)
def test_every_link_is_whole(name: str) -> None:
    link = links.get(name)
    assert link.name == name and link.module.isidentifier()
    assert link.needs_board == isinstance(link, BoardLink) == bool(link.why_board)
    board = boards.get("icebreaker")
    graph = TINY.graph(board.family.technology)
    setting = links.Setting(4, 0x1234, board.clock_mhz)
    gateware = link.gateware(Accelerator(graph), setting)  # type: ignore[arg-type]
    ports = port_signals(gateware)
    # Frames go in and results come out.
    assert {direction for _, direction in ports.values()} == {"i", "o"}
    assert f"module \\{link.module}\n" in emit(gateware, link.module, board.family.name).rtlil


@pytest.mark.parametrize("name", [name for name, link in LINKS.items() if link.needs_board])
def test_links_of_boards_say_what_they_take(name: str) -> None:
    link = board_link(with_link(boards.get("icebreaker"), name))
    taken = link.reserve(64, technology("ice40"))
    assert taken.lut4 > 0 and taken.ff > 0
    assert 0 < link.frames_per_s(frame_of(1000), 30.0) < link.frames_per_s(frame_of(100), 30.0)
    assert all(isinstance(value, int) for value in link.settings.values())


@pytest.mark.parametrize("name", [name for name, link in LINKS.items() if link.needs_board])
def test_links_of_boards_have_both_ends(name: str, root: Path) -> None:
    """What a virtual board has at its pins, what is said of it, and lines with faults for it."""
    link = board_link(with_link(boards.get("icebreaker"), name))
    assert "class Host {" in link.far_end()
    assert link.summary and link.protocol_version == 2
    assert set(link.widths) | set(link.enables) | set(link.pin_clocks) <= set(link.pins)
    for page in ("links.md", "verilog.md"):
        assert f"`{name}`" in (root / "docs" / page).read_text()
    assert "\nLINE = FaultyLine(" in (root / "rtl_tests" / name / "faults.py").read_text()


@pytest.mark.parametrize("name", [name for name, link in LINKS.items() if isinstance(link, BoardLink)])
def test_links_of_boards_count_frames_on_the_chip(name: str) -> None:
    """Whoever says that it can has what does it behind its pins, and no buffer for frames."""
    link: Any = links.get(name)
    graph = TINY.graph(technology("ice40"))
    frame = Frame.of(graph)
    codes = np.zeros((3, frame.elements), np.uint8)
    store = StoredFrames.of(frame, codes, np.arange(3))
    setting = links.Setting(4, 0x1234, boards.get("icebreaker").clock_mhz, store)
    accelerator: Any = Accelerator(graph)
    assert link.counts
    made = link.gateware(accelerator, setting)
    assert isinstance(made.core.service, CountService)
    text = emit(made, link.module, "ice40").rtlil
    assert "core.service.feed" in text and "core.service.buffer" not in text


@pytest.mark.parametrize("name", BOARDS)
def test_every_board_has_a_link_that_there_is(name: str) -> None:
    assert board_link(BOARDS[name]).name == BOARDS[name].links[0]
    for link in BOARDS[name].links:
        assert board_link(BOARDS[name], link).name == link


def test_unknown() -> None:
    with pytest.raises(RequestError, match=r"^link must be one of stream, axis, parallel, spi, uart, not 'pcie'$"):
        links.get("pcie")


def test_a_board_that_asks_for_what_there_is_not() -> None:
    """The board says it has pins for a link, and nobody wrote the link."""

    @dataclass(frozen=True)
    class Other:
        name: str = "other"
        links: tuple[str, ...] = ("jtag",)

    with pytest.raises(RequestError, match=r"^link 'jtag' of other must have a folder in bnnhw/links, and has none$"):
        board_link(Other())


def test_clock_and_rate() -> None:
    Uart().check_clock(30.0)
    message = "clock must be at least 72 MHz for the 9000000 baud of the serial link, not 30; 30 MHz makes "
    message += "3750000 baud at most"
    with pytest.raises(RequestError, match=f"^{re.escape(message)}$"):
        Uart(9_000_000).check_clock(30.0)


@pytest.mark.parametrize("bits", [1, 8, 9, 32, 33, 40, 41, 200])
@pytest.mark.parametrize("score_bits, signed", [(1, True), (8, True), (8, False), (16, False)])
def test_rate_of_the_serial_link(bits: int, score_bits: int, signed: bool) -> None:
    """Ten bits per byte of the packets that are really sent; a small frame waits for the packet of its result."""
    sent = len(encode_frame(bytes(-(-bits // 8)), 0))
    score = -(-(score_bits + (not signed)) // 8)
    answered = len(encode_packet(PacketType.RESULT, bytes(3 + score)))
    frame = frame_of(bits, score_bits, signed)
    assert Uart(1_000_000).frames_per_s(frame, 30.0) == 1_000_000 / (10 * max(sent, answered))
    assert packet_bytes(bits, score) == (sent, answered)


def test_what_the_command_line_lists_costs_nothing() -> None:
    code = "import sys, bnnhw.links; print([name for name in ('amaranth', 'numpy', 'serial') if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
