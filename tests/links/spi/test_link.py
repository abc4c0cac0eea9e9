"""The SPI link: rates, clocks, pins, and what its interface says."""

from __future__ import annotations

import re
import struct
from dataclasses import replace
from typing import Any

import pytest
from amaranth.build import Pins, Resource
from amaranth_boards.icebreaker import ICEBreakerPlatform

from bnnhw import boards, links
from bnnhw.dataflow.frame import Frame
from bnnhw.devices import technology
from bnnhw.errors import RequestError
from bnnhw.flow.pins import pins_of, with_link
from bnnhw.folding import predict
from bnnhw.links import Setting, board_link
from bnnhw.links.interface import Bench
from bnnhw.links.packets.packet import INFO_FORMAT
from bnnhw.links.packets.protocol import BoardResult, Decoder
from bnnhw.links.pins import board_platform
from bnnhw.links.spi import Spi
from bnnhw.rtl.accelerator import Accelerator
from bnnhw.rtl.emit import emit
from tests.build.networks import random_folded

GRAPH = random_folded([19, 8, 4], [(4, 5), (2, 4)]).graph(technology("generic"))


def test_link() -> None:
    link = links.get("spi")
    assert isinstance(link, Spi)
    assert link.settings == {"sck_hz": 20_000_000}
    assert link.reserve(64, technology("ice40")).lut4 > 500
    assert link.configured(sck_hz=1_000_000).frames_per_s(Frame(8, 1, 1, 8, 4, 9, False), 12.0) < 1e4


@pytest.mark.parametrize("bits, sent, received", [(8, 10, 13), (200, 34, 13)])
def test_rate(bits: int, sent: int, received: int) -> None:
    """Eight bits per byte of a frame's packet, or of a result's."""
    frame = Frame(bits, 1, 1, bits, 4, 9, False)
    assert Spi(20_000_000).frames_per_s(frame, 12.0) == 20_000_000 / (8 * max(sent, received))


def test_clocks() -> None:
    """SCK may be twice the clock."""
    Spi().check_clock(10.0)
    Spi(60_000_000).check_clock(30.0)
    message = "clock must be at least 10 MHz for the 20000000 Hz of SCK, not 9.9"
    with pytest.raises(RequestError, match=f"^{re.escape(message)}$"):
        Spi().check_clock(9.9)
    with pytest.raises(RequestError, match=r"^SCK must be positive, not 0$"):
        Spi(0).check_clock(30.0)


def test_what_the_gateware_is_told() -> None:
    accelerator: Any = Accelerator(GRAPH)
    made: Any = Spi().gateware(accelerator, Setting(4, 0xCAFE0001, 12.0))
    emit(made, "spi_link", "ice40")
    assert struct.unpack(INFO_FORMAT, made.core.info)[1:] == (0xCAFE0001, 3, 4, 1)
    assert made.core.timeout is None


def test_what_it_says_of_itself() -> None:
    """At 12 MHz and SCK of 20 MHz a byte is 4.8 cycles."""
    said = Spi().interface(GRAPH, Setting(4, 1, 12.0)).describe(12.0)
    assert said["protocol"] == "spi"
    known = {"ports", "packet", "mode", "bit_order", "sck_hz", "gap_cycles"}
    assert {name: said["input"][name] for name in known} == {
        "ports": {"clock": "sck", "select": "cs_n", "line": "mosi"},
        "packet": {"type": 2, "payload": ["tag", "frame"]},
        "mode": 0,
        "bit_order": "most significant first",
        "sck_hz": 20_000_000,
        "gap_cycles": 2,
    }
    assert {name: said["output"][name] for name in ("ports", "packet", "idle")} == {
        "ports": {"line": "miso", "enable": "selected"},
        "packet": {"type": 0x82},
        "idle": 0x3C,
    }
    packet, reply, core = 58, 58, predict(GRAPH)
    assert said["cycles_per_frame"] == max(packet, core.cycles_per_frame)
    assert said["latency_cycles"] == packet + core.latency_cycles + reply


def test_testbench() -> None:
    """Packets beside it, and the replies that a host would read as their results."""
    interface = Spi().interface(GRAPH, Setting(4, 1, 12.0))
    files = interface.testbench(Bench("eye", [1, 2, 3, 4], [(n, n + 1) for n in range(4)], ("eye.v",)))
    assert len(files["eye_tb_frames.hex"].split()) == 3 * 12
    replies = list(Decoder().feed(bytes.fromhex(files["eye_tb_results.hex"].replace("\n", ""))))
    assert replies == [BoardResult(n, n, n + 1) for n in range(3)]
    text = files["eye_tb.v"]
    assert "localparam real HALF = 3.000;" in text and "IDLE = 8'h3c;" in text


FLASH = {"sck": "15", "cs_n": "16", "mosi": "14", "miso": "17"}


@pytest.mark.parametrize(
    "name, pins",
    [
        ("pico-ice", FLASH),
        ("icebreaker", FLASH),
        # Digilent's Pmod of type 2 at the first Pmod of the board.
        ("icestick", {"sck": "81", "cs_n": "78", "mosi": "79", "miso": "80"}),
        ("colorlight-i5", {"sck": "F20", "cs_n": "C17", "mosi": "B18", "miso": "B20"}),
    ],
)
def test_pins(name: str, pins: dict[str, str]) -> None:
    """Each at its pin of the top, MISO driven while the board is selected alone, SCK constrained to its rate."""
    board = with_link(boards.get(name), "spi")
    assert pins_of(board) == pins
    link = board_link(board)
    assert link.name == "spi"
    plan = board_platform(board, link).prepare(
        link.top(board, board.clock(board.clock_mhz), "spi_link"), "top", emit_src=False
    )
    text = plan.files[f"top.{board.family.build_tools().constraints}"]
    text = text.decode() if isinstance(text, bytes) else text
    lines = [set(re.findall(r"[\w.]+", line)) for line in text.splitlines()]
    for signal, pin in pins.items():
        assert any({f"spi_0__{signal}__io", pin} <= line for line in lines), (signal, pin)
    assert any({"spi_sck"} <= line and line & {"20.0", "20000000.0"} for line in lines)
    rtlil = plan.files["top.il"]
    rtlil = rtlil.decode() if isinstance(rtlil, bytes) else rtlil
    ports = re.findall(r"connect \\(\w+) ", rtlil[rtlil.index("cell \\spi_link \\link") :])
    assert {"clk", "rst", "sck", "cs_n", "mosi", "miso", "selected"} <= set(ports)
    assert re.search(r"wire width 1 \\spi_sck", rtlil) and "attribute \\keep 1" in rtlil


def test_pins_of_ones_choice() -> None:
    """On any board; where none are usual, they must be chosen."""
    chosen = with_link(boards.get("upduino-v3"), "spi", "sck=j_0:7,cs_n=j_0:8,mosi=j_0:9,miso=2")
    assert pins_of(chosen) == {"sck": "23", "cs_n": "25", "mosi": "26", "miso": "2"}
    assert chosen.links == ("spi", "uart")
    message = (
        "upduino-v3 has no connector that is usual for link spi; choose pins: --pins sck=PIN,cs_n=PIN,mosi=PIN,miso=PIN"
    )
    with pytest.raises(RequestError, match=f"^{re.escape(message)}$"):
        with_link(boards.get("upduino-v3"), "spi")
    with pytest.raises(RequestError, match=r"^link of a board must be one of parallel, spi, uart, not 'axis'$"):
        with_link(boards.get("icebreaker"), "axis")
    with pytest.raises(RequestError, match=r"^pins must be sck=PIN,cs_n=PIN,mosi=PIN,miso=PIN: .* 'rx'$"):
        with_link(boards.get("icebreaker"), "spi", "rx=1")


def test_a_pmod_whose_pins_are_taken_is_passed_over() -> None:
    """A lamp is at the first pin of the first connector: the link is at the next one."""

    class Lamp(ICEBreakerPlatform):
        resources = [*ICEBreakerPlatform.resources, Resource("lamp", 0, Pins("4", dir="o"))]

    plain = replace(boards.get("icebreaker"), links=("uart",), pins={})
    assert pins_of(with_link(plain, "spi"))["cs_n"] == "4"
    lit = replace(plain, leds=(("lamp", 0),), platform=Lamp)
    assert pins_of(with_link(lit, "spi")) == {"cs_n": "43", "mosi": "38", "miso": "34", "sck": "31"}


def test_the_link_that_a_board_has_first() -> None:
    board = boards.get("icebreaker")
    assert with_link(board, "uart") is with_link(board, None) is board
    assert board_link(with_link(board, "spi")).name == "spi"
