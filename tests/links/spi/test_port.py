"""Ports of transactions: Linux's and FTDI's, by libraries that stand in for the real ones."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from bnnhw.errors import RequestError, ToolError
from bnnhw.links.spi import port as ports
from bnnhw.links.spi.port import open_port


class FakeSpidev:
    """What spidev's ``SpiDev`` is, as far as it is used."""

    def __init__(self) -> None:
        self.opened: tuple[int, int] | None = None
        self.closed = False

    def open(self, bus: int, device: int) -> None:
        if bus == 9:
            raise FileNotFoundError(2, "No such file or directory")
        self.opened = (bus, device)

    def xfer2(self, values: list[int]) -> list[int]:
        return [value ^ 0xFF for value in values]

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def spidev(monkeypatch: pytest.MonkeyPatch) -> list[FakeSpidev]:
    made: list[FakeSpidev] = []

    def make() -> FakeSpidev:
        made.append(FakeSpidev())
        return made[-1]

    monkeypatch.setitem(sys.modules, "spidev", SimpleNamespace(SpiDev=make))
    return made


def test_linux(spidev: list[FakeSpidev], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Mode 0 and the rate that was asked for; a write is a transaction, and its bytes are read afterwards."""
    monkeypatch.setattr(ports, "BUFSIZ", tmp_path / "bufsiz")
    port: Any = open_port("/dev/spidev1.2", 20_000_000)
    device: Any = spidev[0]
    assert (device.opened, device.mode, device.bits_per_word, device.max_speed_hz) == ((1, 2), 0, 8, 20_000_000)
    assert port.write(b"\x01\x02\x03") == 3
    assert port.read(2) + port.read(5) == b"\xfe\xfd\xfc"
    assert port.longest == 4096
    port.close()
    assert device.closed
    # What the driver was loaded with, and no more than the library takes.
    for said, longest in (("2048\n", 2048), ("65536\n", 4096), ("?\n", 4096)):
        (tmp_path / "bufsiz").write_text(said)
        port = open_port("/dev/spidev1.2", 1)
        assert port.longest == longest


def test_linux_without_the_port(spidev: list[FakeSpidev]) -> None:
    with pytest.raises(RequestError, match=r"^port /dev/spidev9\.0: .*No such file or directory; ports there are: .+$"):
        open_port("/dev/spidev9.0", 1)
    assert spidev[0].closed


class FakeController:
    """What pyftdi's ``SpiController`` is, as far as it is used."""

    made: list[FakeController] = []

    def __init__(self, cs_count: int) -> None:
        self.cs_count, self.url, self.closed = cs_count, "", False
        self.made.append(self)

    def configure(self, url: str) -> None:
        if "none" in url:
            raise UsbToolsError("No USB device matches URL")
        self.url = url

    def get_port(self, cs: int, freq: float, mode: int) -> Any:
        self.port = (cs, freq, mode)
        return SimpleNamespace(exchange=lambda out, duplex: bytearray(out[::-1]) if duplex else b"")

    def close(self) -> None:
        self.closed = True


class UsbToolsError(Exception):
    pass


@pytest.fixture
def pyftdi(monkeypatch: pytest.MonkeyPatch) -> list[FakeController]:
    FakeController.made.clear()
    for name, values in {
        "pyftdi": {},
        "pyftdi.ftdi": {"FtdiError": OSError},
        "pyftdi.spi": {"SpiController": FakeController},
        "pyftdi.usbtools": {"UsbToolsError": UsbToolsError},
    }.items():
        module = ModuleType(name)
        vars(module).update(values)
        monkeypatch.setitem(sys.modules, name, module)
    return FakeController.made


@pytest.mark.parametrize(
    "name, url, select",
    [("ftdi://ftdi:2232h/1", "ftdi://ftdi:2232h/1", 0), ("ftdi://ftdi:2232h/1?cs=1", "ftdi://ftdi:2232h/1", 1)],
)
def test_ftdi(pyftdi: list[FakeController], name: str, url: str, select: int) -> None:
    port: Any = open_port(name, 15_000_000)
    (controller,) = pyftdi
    assert (controller.url, controller.cs_count, controller.port) == (url, select + 1, (select, 15_000_000, 0))
    assert port.longest == 0xF000
    port.write(b"\x01\x02\x03")
    assert port.read(3) == b"\x03\x02\x01"
    port.close()
    assert controller.closed


def test_ftdi_that_can_not_be_opened(pyftdi: list[FakeController]) -> None:
    with pytest.raises(RequestError, match=r"^port ftdi://none/1: No USB device matches URL$"):
        open_port("ftdi://none/1", 1)
    assert pyftdi[0].closed
    message = "port ftdi://ftdi:2232h/1?x: what follows ? must be cs=0 to cs=4, not 'x'"
    with pytest.raises(RequestError, match=f"^{re.escape(message)}$"):
        open_port("ftdi://ftdi:2232h/1?x", 1)


@pytest.mark.parametrize("library, name", [("spidev", "/dev/spidev0.0"), ("pyftdi", "ftdi://ftdi:232h/1")])
def test_a_library_that_is_missing(library: str, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (library, f"{library}.ftdi"):
        monkeypatch.setitem(sys.modules, module, None)
    message = f"{library} is missing, needed for {name}: pip install 'bnnhw[spi]'"
    with pytest.raises(ToolError, match=f"^{re.escape(message)}$"):
        open_port(name, 1)
