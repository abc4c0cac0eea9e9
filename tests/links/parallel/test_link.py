"""The parallel port as a link: rates, clocks, pins, and what its interface says."""

from __future__ import annotations

import re
import struct
from typing import Any

import pytest

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
from bnnhw.links.parallel import Parallel
from bnnhw.links.parallel.timing import Timing
from bnnhw.links.pins import board_platform
from bnnhw.rtl.accelerator import Accelerator
from bnnhw.rtl.emit import emit
from tests.build.networks import random_folded

GRAPH = random_folded([19, 8, 4], [(4, 5), (2, 4)]).graph(technology("generic"))
NO_PIN = "pins of icebreaker: 'pmod_7' must be CONNECTOR_NUMBER:PIN or a pin of the package, such as 'pmod_0:1'"
CONTROL = "rxf_n=34,txe_n=31,rd_n=43,wr_n=38,siwu_n=42"


def test_link() -> None:
    link = links.get("parallel")
    assert isinstance(link, Parallel)
    assert link.settings == {"strobe_ns": 60, "quiet_ns": 40, "ready_ns": 63}
    assert link.reserve(64, technology("ice40")).lut4 > 500
    assert link.configured(strobe_ns=1000).timing(12.0) == Timing(12, 1, 1)


@pytest.mark.parametrize("bits, sent, received", [(8, 10, 13), (200, 34, 13)])
@pytest.mark.parametrize("clock_mhz, read, write, pair", [(12.0, 4, 5, 9), (30.0, 6, 7, 13), (80.0, 13, 14, 23)])
def test_rate(bits: int, sent: int, received: int, clock_mhz: float, read: int, write: int, pair: int) -> None:
    """Cycles of the bytes of both packets, by turns as far as there are such both ways."""
    frame = Frame(bits, 1, 1, bits, 4, 9, False)
    both = min(sent, received)
    cycles = both * pair + (sent - both) * read + (received - both) * write
    assert Parallel().frames_per_s(frame, clock_mhz) == clock_mhz * 1e6 / cycles
    assert Parallel().made(clock_mhz) == {"cycles_per_byte_in": read, "cycles_per_byte_out": write}


def test_what_a_clock_makes() -> None:
    assert Parallel().note(30.0) == "parallel port: 6 and 7 cycles per byte make 5.00 MB/s in, 4.29 MB/s out at most"


@pytest.mark.parametrize("name", ["strobe_ns", "quiet_ns", "ready_ns"])
def test_times_are_positive(name: str) -> None:
    Parallel().check_clock(1.0)
    with pytest.raises(RequestError, match=f"^{name} must be positive, not 0$"):
        Parallel(**{name: 0}).check_clock(30.0)


def test_what_the_gateware_is_told() -> None:
    accelerator: Any = Accelerator(GRAPH)
    made: Any = Parallel().gateware(accelerator, Setting(4, 0xCAFE0001, 12.0))
    emit(made, "parallel_link", "ice40")
    assert struct.unpack(INFO_FORMAT, made.core.info)[1:] == (0xCAFE0001, 3, 4, 1)
    assert (made.timing, made.core.timeout) == (Timing(1, 1, 1), 1_200_001)


def test_what_it_says_of_itself() -> None:
    said = Parallel().interface(GRAPH, Setting(4, 1, 30.0)).describe(30.0)
    assert said["protocol"] == "parallel"
    known = {"ports", "packet", "handshake", "strobe_cycles", "quiet_cycles", "cycles_per_byte"}
    assert {name: said["input"][name] for name in known} == {
        "ports": {"flag": "rxf_n", "strobe": "rd_n", "data": "d_i"},
        "packet": {"type": 2, "payload": ["tag", "frame"]},
        "handshake": "FT245, asynchronous",
        "strobe_cycles": 2,
        "quiet_cycles": 2,
        "cycles_per_byte": 6,
    }
    assert {name: said["output"][name] for name in ("ports", "packet", "cycles_per_byte")} == {
        "ports": {"flag": "txe_n", "strobe": "wr_n", "data": "d_o", "enable": "driven", "send_on": "siwu_n"},
        "packet": {"type": 0x82},
        "cycles_per_byte": 7,
    }
    core = predict(GRAPH)
    assert said["cycles_per_frame"] == max(12 * 13, core.cycles_per_frame)
    assert said["latency_cycles"] == 12 * 6 + core.latency_cycles + 12 * 7


def test_testbench() -> None:
    """Packets beside it, and the replies that a host would read as their results."""
    interface = Parallel().interface(GRAPH, Setting(4, 1, 30.0))
    files = interface.testbench(Bench("eye", [1, 2, 3, 4], [(n, n + 1) for n in range(4)], ("eye.v",)))
    assert len(files["eye_tb_frames.hex"].split()) == 3 * 12
    replies = list(Decoder().feed(bytes.fromhex(files["eye_tb_results.hex"].replace("\n", ""))))
    assert replies == [BoardResult(n, n, n + 1) for n in range(3)]
    assert "localparam real ANSWER = 14.0;" in files["eye_tb.v"]
    assert "localparam real READY = 19.0;" in files["eye_tb.v"]


@pytest.mark.parametrize("name", ["icebreaker", "ecpix5-85f", "ulx3s-12f", "icestick"])
def test_pins(name: str) -> None:
    """Each line at its pin of the top; the eight of data go both ways, and what drives them is the module's."""
    board = with_link(boards.get(name), "parallel")
    pins = pins_of(board)
    assert list(pins) == ["d", "rxf_n", "txe_n", "rd_n", "wr_n", "siwu_n"]
    link = board_link(board)
    top = link.top(board, board.clock(board.clock_mhz), "parallel_link")
    plan = board_platform(board, link).prepare(top, "top", emit_src=False)
    text = plan.files[f"top.{board.family.build_tools().constraints}"]
    text = text.decode() if isinstance(text, bytes) else text
    lines = [set(re.findall(r"[\w.\[\]]+", line)) for line in text.splitlines()]
    for signal, names in pins.items():
        for number, pin in enumerate(names.split()):
            port = f"parallel_0__{signal}__io" + (f"[{number}]" if signal == "d" else "")
            assert any({port, pin} <= line for line in lines), (port, pin)
    rtlil = plan.files["top.il"]
    rtlil = rtlil.decode() if isinstance(rtlil, bytes) else rtlil
    ports = re.findall(r"connect \\(\w+) ", rtlil[rtlil.index("cell \\parallel_link \\link") :])
    assert {"clk", "rst", "d_i", "d_o", "driven", "rxf_n", "txe_n", "rd_n", "wr_n", "siwu_n"} <= set(ports)


def test_pins_of_ones_choice() -> None:
    """Of the package, of connectors, or a connector that has as many as are wanted."""
    board = boards.get("icebreaker")
    for data, found in (
        ("pmod_0:4/2/pmod_0:3/4/44/46/48/3", "45 2 47 4 44 46 48 3"),
        ("pmod_0", "4 2 47 45 3 48 46 44"),
    ):
        assert pins_of(with_link(board, "parallel", f"d={data},{CONTROL}"))["d"] == found


@pytest.mark.parametrize(
    "pins, message",
    [
        ("d=4/2/47", "pins of icebreaker: d must have 8 pins, not 3"),
        (
            "d=pmod_7",
            NO_PIN,
        ),
        ("d=4/2/47/45/3/48/46/4", "pins of icebreaker: d and d are both 4"),
        ("d=4/2/47/45/3/48/46/34", "pins of icebreaker: d and rxf_n are both 34"),
    ],
)
def test_pins_that_do_not_do(pins: str, message: str) -> None:
    with pytest.raises(RequestError, match=f"^{re.escape(message)}$"):
        with_link(boards.get("icebreaker"), "parallel", f"{pins},{CONTROL}")


def test_one_pin_is_no_more() -> None:
    with pytest.raises(RequestError, match=r"^pins of icebreaker: rx must have 1 pin, not 2$"):
        with_link(boards.get("icebreaker"), "uart", "rx=4/2,tx=47")
    form = "d=PIN/.../PIN,rxf_n=PIN,txe_n=PIN,rd_n=PIN,wr_n=PIN,siwu_n=PIN"
    with pytest.raises(RequestError, match=f"^pins must be {re.escape(form)}: rxf_n is missing in 'd=pmod_0'$"):
        with_link(boards.get("icebreaker"), "parallel", "d=pmod_0")
