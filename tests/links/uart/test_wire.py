"""What boards that were programmed once rely on: bytes on the wire, the host's window, pins, what the gateware is told.

Values are written out: a board made by an older release must understand them.
"""

from __future__ import annotations

import re
import struct
from typing import Any

import pytest

from bnnhw import boards, links
from bnnhw.devices import technology
from bnnhw.errors import CheckError, RequestError
from bnnhw.links import Setting, board_link
from bnnhw.links.packets.device import Device
from bnnhw.links.packets.packet import INFO_FORMAT, PacketType, crc32, encode_packet
from bnnhw.links.packets.protocol import BoardError, BoardInfo, BoardResult, Decoder, encode_frame, encode_info_request
from bnnhw.links.packets.serial_port import open_serial
from bnnhw.links.uart import Uart
from bnnhw.rtl.accelerator import Accelerator
from bnnhw.rtl.emit import emit
from tests.build.networks import random_folded
from tests.links.packets.test_device import Board, device, frames_of


def packet(kind: int, payload: str) -> bytes:
    data = bytes.fromhex(payload)
    body = bytes([kind, len(data), 0]) + data
    return b"\xa5" + body + crc32(body).to_bytes(4, "little")


def test_what_the_host_sends() -> None:
    assert encode_info_request() == packet(1, "")
    assert encode_frame(b"\x11\x22\x33", 7) == packet(2, "07112233")
    # The longest: its length is 0xFFFF.
    assert encode_frame(bytes(0xFFFE), 7)[:5] == b"\xa5\x02\xff\xff\x07"


@pytest.mark.parametrize(
    "kind, payload, reply",
    [
        (0x81, "01 78563412 0300 0a00 02", BoardInfo(1, 0x12345678, 3, 10, 2)),
        (0x82, "07 0901 feff", BoardResult(7, 0x109, -2)),
        (0x82, "07 0901 80", BoardResult(7, 0x109, -128)),
        (0x83, "06 02", BoardError(6, 2)),
        # Of the right type, and no reply: too short, too long, unknown.
        (0x81, "01 78563412 0300 0a00", None),
        (0x81, "01 78563412 0300 0a00 02 00", None),
        (0x82, "07 0901", None),
        (0x83, "06", None),
        (0x83, "06 02 00", None),
        (0x84, "06 02", None),
    ],
)
def test_what_the_host_understands(kind: int, payload: str, reply: object) -> None:
    assert list(Decoder().feed(packet(kind, payload) + bytes(80))) == ([] if reply is None else [reply])


@pytest.mark.parametrize(
    "code, reason",
    [(1, "bad crc"), (2, "framing"), (3, "truncated"), (4, "bad type"), (5, "bad length"), (6, "overrun")],
)
def test_reasons(code: int, reason: str) -> None:
    assert BoardError(code, 2).reason == reason


def test_a_length_that_no_reply_has_is_noise() -> None:
    """64 bytes are waited for; 65 would be another byte's value that looked like the beginning of a packet."""
    reply = packet(0x83, "06 02")
    for length, found in ((64, []), (65, [BoardError(6, 2)])):
        decoder = Decoder()
        assert list(decoder.feed(b"\xa5\x82" + length.to_bytes(2, "little") + reply)) == found
        assert decoder.skipped == (4 if found else 0)


def test_the_second_version_is_the_one_that_is_spoken() -> None:
    assert device(Board(version=2)).info.version == 2
    with pytest.raises(CheckError, match=r"^the board speaks version 3 of the protocol, this host 2$"):
        device(Board(version=3))


class Slow(Board):
    """A board that answers only once the host waits, and counts the frames that it holds meanwhile."""

    def __init__(self) -> None:
        super().__init__()
        self.held: list[bytes] = []
        self.most = 0

    def write(self, data: bytes) -> int:
        self.sent += 1
        self.held.append(data)
        self.most = max(self.most, len(self.held))
        return len(data)

    def read(self, size: int = 1) -> bytes:
        if not self.answers and self.held:
            self.answers += self._answer(self.held.pop(0))
        return super().read(size)


def test_the_host_is_four_frames_ahead_and_no_more() -> None:
    board = Slow()
    assert len(list(device(board).run(frames_of(20)))) == 20
    assert board.most == 4


def test_five_attempts() -> None:
    """A frame is sent four times more; so is the first question. A reply begins the count anew."""
    board = Board()
    host = device(board)
    board.damage = lambda sent: b""
    with pytest.raises(CheckError, match=r"^the link failed 5 times in a row, the last time with: no reply$"):
        list(host.run(frames_of(1)))
    assert (board.sent, host.resent) == (1 + 5, 4)
    silent = Board(lambda sent: b"")
    with pytest.raises(CheckError, match=r"^no board answers: 5 requests without a reply$"):
        device(silent)
    assert silent.sent == 5
    # Three losses before every reply that comes: never five in a row.
    lossy = Board()
    host = device(lossy)
    lossy.damage = lambda sent: sent if lossy.sent % 4 == 1 else b""
    assert len(list(host.run(frames_of(3)))) == 3
    assert host.resent >= 4


def test_how_long_the_host_waits() -> None:
    """A second for a reply, then until the line has been quiet for 0.15 s; the board's time goes in steps of 10 ms."""
    board = Board()
    host = Device(board, clock=board.clock)
    assert 0.15 <= board.now < 0.2
    board.damage, before = (lambda sent: b""), board.now
    with pytest.raises(CheckError):
        list(host.run(frames_of(1)))
    assert 5 + 4 * 0.15 <= board.now - before < 5 + 4 * 0.15 + 0.3


@pytest.mark.parametrize("figures", [(2, 4, 10), (1, 5, 10), (1, 4, 11)])
def test_any_other_figure_is_another_design(figures: tuple[int, int, int]) -> None:
    board = Board()
    host = device(board)
    host.check(host.info.identity, 4, 10)
    with pytest.raises(CheckError, match="program it first"):
        host.check(host.info.identity + figures[0] - 1, *figures[1:])


def test_a_port_is_read_in_short_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that a deadline is kept to 10 ms; a write that gets nowhere ends after 10 s."""
    import serial

    opened: list[Any] = []
    monkeypatch.setattr(serial, "Serial", lambda *args, **options: opened.append((args, options)))
    open_serial("/dev/some", 9600)
    assert opened == [(("/dev/some", 9600), {"timeout": 0.01, "write_timeout": 10})]


def test_what_the_gateware_is_told() -> None:
    """Cycles per bit; a tenth of a second in cycles; what the board will say of itself."""
    folded = random_folded([19, 8, 4], [(4, 5), (2, 4)])
    accelerator: Any = Accelerator(folded.graph(technology("ice40")))
    made: Any = Uart(500_000).gateware(accelerator, Setting(4, 0xCAFE0001, 12.0))
    emit(made, "uart_link", "ice40")
    assert (made.divisor, made.core.frame_bytes) == (24, 3)
    assert 1_200_000 <= made.core.timeout <= 1_200_001
    assert struct.unpack(INFO_FORMAT, made.core.info) == (2, 0xCAFE0001, 3, 4, 1)
    assert list(Decoder().feed(encode_packet(PacketType.INFO, made.core.info))) == [BoardInfo(2, 0xCAFE0001, 3, 4, 1)]


def test_link() -> None:
    """A million baud; what it takes was synthesized for iCE40, its frame buffer is one block RAM."""
    link = links.get("uart")
    assert isinstance(link, Uart)
    assert link.settings == {"baud": 1_000_000}
    assert link.reserve(64, technology("ice40")).lut4 > 500
    assert link.configured(baud=9600) == Uart(9600)
    assert [name for name, link in links.LINKS.items() if not link.every_score] == ["parallel", "spi", "uart"]


@pytest.mark.parametrize(
    "clock, message",
    [
        (7.4, "clock must be at least 8 MHz {}, not 7.4; 7.4 MHz makes 925000 baud at most"),
        (8.4, "clock must be within 2 % of 8 or 9 MHz {}, not 8.4; 8.4 MHz makes 1050000 or 933333 baud"),
        (10.5, "clock must be within 2 % of 10 or 11 MHz {}, not 10.5; 10.5 MHz makes 1050000 or 954545 baud"),
    ],
)
def test_clocks_that_do_not_suit(clock: float, message: str) -> None:
    message = message.format("for the 1000000 baud of the serial link")
    with pytest.raises(RequestError, match=rf"^{re.escape(message)}$"):
        Uart().check_clock(clock)


@pytest.mark.parametrize(
    "clock, baud, divisor, made, note",
    [
        (30.0, 3_000_000, 10, 3e6, "3,000,000 baud: 10 cycles per bit make 3,000,000, 0.00 % off"),
        (80.0, 3_000_000, 27, 80e6 / 27, "3,000,000 baud: 27 cycles per bit make 2,962,963, -1.23 % off"),
    ],
)
def test_what_a_clock_makes(clock: float, baud: int, divisor: int, made: float, note: str) -> None:
    """Stated exactly, for a host that wants to know."""
    link = Uart(baud)
    assert link.made(clock) == {"cycles_per_bit": divisor, "baud_made": made, "baud_error": made / baud - 1}
    assert link.note(clock) == note


def test_a_rate_is_positive() -> None:
    with pytest.raises(RequestError, match=r"^baud rate must be positive, not 0$"):
        Uart(0).check_clock(30.0)


@pytest.mark.parametrize("clock", [8.0, 8.1, 10.2, 25.5])
def test_clocks_that_suit(clock: float) -> None:
    Uart().check_clock(clock)


def test_pins_of_a_top() -> None:
    """Both lines of the serial port, the error lamp and the activity lamp, each on its pin."""
    board = boards.get("icebreaker")
    top = board_link(board).top(board, board.clock(30.0), "uart_link")
    plan = board.platform().prepare(top, "top", emit_src=False)
    pins = dict(re.findall(r"(?m)^set_io (\w+?)__io (\d+)$", plan.files["top.pcf"]))
    assert pins == {"clk12_0": "35", "uart_0__rx": "6", "uart_0__tx": "9", "led_r_0": "11", "led_g_0": "37"}
    text = plan.files["top.il"]
    instance = text[text.index("cell \\uart_link \\link") :]
    ports = dict(re.findall(r"connect \\(\w+) (\S+)", instance[: instance.index("\n  end")]))
    assert set(ports) == {"clk", "rst", "rx", "tx", "error", "activity"}

    def lamp(name: str) -> str:
        cell = text[text.index(f"cell \\top.{name} ") :]
        return re.findall(r"connect \\(\w+) ", cell[: cell.index("\n  end")])[-1]

    assert (lamp("error_led"), lamp("activity_led")) == ("led_r_0__io", "led_g_0__io")
