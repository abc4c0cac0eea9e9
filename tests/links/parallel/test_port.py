"""The host's port: FTDI's FIFO by a library that stands in for the real one, any other as a serial port."""

from __future__ import annotations

import re
import sys
from types import ModuleType
from typing import Any

import pytest

from bnnhw import links
from bnnhw.errors import RequestError, ToolError
from bnnhw.links.packets import serial_port


class UsbToolsError(Exception):
    pass


class FakeFtdi:
    """What pyftdi's ``Ftdi`` is, as far as it is used; gives back what it is told, in pieces, late."""

    made: list[FakeFtdi] = []

    def __init__(self) -> None:
        self.url, self.latency, self.closed, self.held, self.asked = "", 0, False, b"old", 0
        self.made.append(self)

    def open_from_url(self, url: str) -> None:
        if "none" in url:
            raise UsbToolsError("No USB device matches URL")
        self.url = url

    def set_latency_timer(self, milliseconds: int) -> None:
        self.latency = milliseconds

    def purge_buffers(self) -> None:
        self.held = b""

    def write_data(self, data: bytes) -> int:
        self.held += data
        return len(data)

    def read_data(self, size: int) -> bytearray:
        self.asked += 1
        if self.asked % 3:
            return bytearray()
        found, self.held = self.held[:size], self.held[size:]
        return bytearray(found)

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def pyftdi(monkeypatch: pytest.MonkeyPatch) -> list[FakeFtdi]:
    FakeFtdi.made.clear()
    for name, values in {
        "pyftdi": {},
        "pyftdi.ftdi": {"Ftdi": FakeFtdi, "FtdiError": OSError},
        "pyftdi.usbtools": {"UsbToolsError": UsbToolsError},
    }.items():
        module = ModuleType(name)
        vars(module).update(values)
        monkeypatch.setitem(sys.modules, name, module)
    return FakeFtdi.made


def open_port(name: str) -> Any:
    link: Any = links.get("parallel")
    return link.open_port(name)


def test_ftdi(pyftdi: list[FakeFtdi]) -> None:
    """What an earlier program left is dropped; a read waits until something comes, and not for long."""
    port = open_port("ftdi://ftdi:232h/1")
    (device,) = pyftdi
    assert (device.url, device.latency, device.held) == ("ftdi://ftdi:232h/1", 1, b"")
    assert port.write(b"\x01\x02\x03") == 3
    assert port.read(2) + port.read(256) == b"\x01\x02\x03"
    assert port.read(1) == b""
    port.close()
    assert device.closed


def test_ftdi_that_can_not_be_opened(pyftdi: list[FakeFtdi]) -> None:
    with pytest.raises(RequestError, match=r"^port ftdi://none/1: No USB device matches URL$"):
        open_port("ftdi://none/1")
    assert pyftdi[0].closed


def test_the_library_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("pyftdi", "pyftdi.ftdi"):
        monkeypatch.setitem(sys.modules, module, None)
    message = "pyftdi is missing, needed for ftdi://ftdi:232h/1: pip install 'bnnhw[parallel]'"
    with pytest.raises(ToolError, match=f"^{re.escape(message)}$"):
        open_port("ftdi://ftdi:232h/1")


def test_a_serial_port(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whose rate means nothing."""
    import serial

    opened: list[Any] = []
    monkeypatch.setattr(serial, "Serial", lambda *args, **options: opened.append((args, options)))
    open_port("/dev/ttyUSB0")
    assert opened == [(("/dev/ttyUSB0",), {"timeout": 0.01, "write_timeout": 10})]
    assert serial_port.open_serial("COM4", 9600) is None
    assert opened[1][0] == ("COM4", 9600)


def test_a_port_that_there_is_not() -> None:
    with pytest.raises(
        RequestError, match=r"^port /nowhere: .*; ports there are: .+, and ftdi://VENDOR:PRODUCT/INTERFACE$"
    ):
        open_port("/nowhere")
