"""A microcontroller between: the host's port, the virtual one, and the program for an RP2040."""

from __future__ import annotations

import importlib.util
import io
import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from bnnhw.errors import CheckError, RequestError
from bnnhw.links.spi import port as ports
from bnnhw.links.spi.bridge import Bridge
from bnnhw.links.spi.host import Polling
from bnnhw.links.spi.port import bridged, open_port


class Inverter:
    """Transactions that give every byte inverted."""

    def __init__(self) -> None:
        self.now = 0.0
        self.sent: list[bytes] = []
        self.back = b""

    def clock(self) -> float:
        return self.now

    def write(self, data: bytes, /) -> int:
        self.sent.append(data)
        self.back += bytes(value ^ 0xFF for value in data)
        return len(data)

    def read(self, size: int = 1, /, wait_s: float = 0.0) -> bytes:
        self.now += wait_s
        back, self.back = self.back[:size], self.back[size:]
        return back


def test_transactions_in_pieces() -> None:
    """Of any size, several at once."""
    line = Inverter()
    bridge, said = Bridge(line), bridged(b"\x01\x02\x03") + bridged(b"\x04") + bridged(bytes(300))
    for at in range(0, len(said), 5):
        bridge.write(said[at : at + 5])
    assert line.sent == [b"\x01\x02\x03", b"\x04", bytes(300)]
    assert bridge.read(4) == b"\xfe\xfd\xfc\xfb"


def test_a_transaction_that_is_not_whole() -> None:
    """Its beginning is forgotten after a silence, and the next one is whole."""
    line = Inverter()
    bridge = Bridge(line)
    bridge.write(bridged(b"\x01\x02\x03")[:4])
    bridge.read(1, wait_s=0.06)
    bridge.write(bridged(b"\x09"))
    assert line.sent == [b"\x09"]


class FakeSerial:
    """What pyserial's ``Serial`` is, as far as it is used, with a bridge behind it."""

    def __init__(self, name: str, timeout: float, write_timeout: float) -> None:
        self.bridge, self.stale, self.closed = Bridge(Inverter()), b"old", False

    def reset_input_buffer(self) -> None:
        self.stale = b""

    def write(self, data: bytes) -> int:
        return self.bridge.write(data)

    def read(self, size: int = 1) -> bytes:
        return self.stale or self.bridge.read(size)

    def close(self) -> None:
        self.closed = True


def test_port(monkeypatch: pytest.MonkeyPatch) -> None:
    """What an earlier program left is dropped; a write is a transaction."""
    import serial

    monkeypatch.setattr(serial, "Serial", FakeSerial)
    monkeypatch.setattr(ports, "BRIDGE_QUIET_S", 0.0)
    port: Any = open_port("/dev/ttyACM0", 20_000_000)
    assert port.write(b"\x0f\xf0") == 2
    assert port.read(5) == b"\xf0\x0f"
    assert port.longest == 4096
    port.close()


def test_a_port_that_there_is_not() -> None:
    with pytest.raises(RequestError, match=r"^port /nowhere: .*; ports there are: .+, and ftdi://VENDOR:PRODUCT/INTER"):
        open_port("/nowhere", 1)


def test_a_bridge_that_gives_nothing_back() -> None:
    class Deaf(Inverter):
        def read(self, size: int = 1, /, wait_s: float = 0.0) -> bytes:
            self.now += 0.01
            return b""

    line = Deaf()
    with pytest.raises(CheckError, match=r"^the port gave 0 of 16 bytes of a transaction back$"):
        Polling(line, line.clock).read(1)
    assert line.now < 2.1


@pytest.fixture
def program(root: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The example, under CPython: modules that only a microcontroller has are empty."""
    for name, values in {"machine": {"SPI": None, "Pin": None}, "micropython": {}}.items():
        module = ModuleType(name)
        vars(module).update(values)
        monkeypatch.setitem(sys.modules, name, module)
    spec = importlib.util.spec_from_file_location("bridge_example", root / "examples" / "rp2040_spi_bridge.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_program_of_the_rp2040(program: ModuleType) -> None:
    """The transactions that the host asks for, each selected by itself; one that breaks off is given up."""
    said = bridged(b"\x01\x02\x03") + bridged(b"") + bridged(bytes([4] * 300)) + bridged(b"\x05\x06")[:3]
    source, sink = io.BytesIO(said), io.BytesIO()
    selected: list[int] = []

    class Spi:
        def write_readinto(self, sent: memoryview, back: memoryview) -> None:
            assert selected[-1] == 0
            back[:] = bytes(value ^ 0xFF for value in sent)

    class Poll:
        def poll(self, wait_ms: int) -> bool:
            return source.tell() < len(said)

    for _ in range(4):
        program.transaction(Spi(), selected.append, source, sink, Poll(), bytearray(4096), bytearray(4096))
    assert sink.getvalue() == b"\xfe\xfd\xfc" + bytes([0xFB] * 300)
    assert selected == [0, 1] * 3
    assert re.search(
        r"SPI\(1, .*sck=Pin\(10\), mosi=Pin\(11\), miso=Pin\(8\)\)", Path(str(program.__file__)).read_text()
    )
