"""SPI ports of the host: of Linux, of FTDI's bridges, and of a microcontroller at a serial port."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Any

from bnnhw.errors import RequestError, ToolError
from bnnhw.links.host import Port
from bnnhw.links.packets.serial_port import open_serial

__all__ = ["BridgePort", "FtdiPort", "SpidevPort", "bridged", "open_port"]

SPIDEV_BYTES = 4096
"""What the Linux driver takes in one transaction; its parameter ``bufsiz`` says so, and spidev takes no more."""

FTDI_BYTES = 0xF000
"""What pyftdi takes in one transaction, about."""

BUFSIZ = Path("/sys/module/spidev/parameters/bufsiz")

BRIDGE_BYTES = 4096
"""What a microcontroller must take in one transaction."""

BRIDGE_QUIET_S = 0.1
"""Silence after which a microcontroller has given up a transaction that is not whole."""


class _Transactions:
    """What both kinds of ports have: a write is a transaction, and its bytes are read afterwards."""

    longest: int

    def __init__(self) -> None:
        self._back = bytearray()

    def write(self, data: bytes, /) -> int:
        self._back += self._transfer(data)
        return len(data)

    def read(self, size: int = 1, /) -> bytes:
        back = bytes(self._back[:size])
        del self._back[:size]
        return back

    def _transfer(self, data: bytes) -> bytes:
        raise NotImplementedError


class SpidevPort(_Transactions):
    """``/dev/spidevB.C`` of Linux: a Raspberry Pi's header, for one.

    Parameters
    ----------
    device
        A ``spidev.SpiDev`` that is open.
    """

    def __init__(self, device: Any, sck_hz: int) -> None:
        super().__init__()
        self._device = device
        device.mode = 0
        device.bits_per_word = 8
        device.max_speed_hz = sck_hz
        try:
            self.longest = min(SPIDEV_BYTES, int(BUFSIZ.read_text(encoding="ascii")))
        except (OSError, ValueError):
            self.longest = SPIDEV_BYTES

    def _transfer(self, data: bytes) -> bytes:
        return bytes(self._device.xfer2(list(data)))

    def close(self) -> None:
        self._device.close()


class FtdiPort(_Transactions):
    """A bridge with an MPSSE: FT232H, FT2232H, FT4232H.

    Parameters
    ----------
    controller
        A ``pyftdi.spi.SpiController`` that is configured.
    select : int
        Which select line: 0 is ADBUS3, 1 is ADBUS4.
    """

    longest = FTDI_BYTES

    def __init__(self, controller: Any, select: int, sck_hz: int) -> None:
        super().__init__()
        self._controller = controller
        self._port = controller.get_port(cs=select, freq=sck_hz, mode=0)

    def _transfer(self, data: bytes) -> bytes:
        return bytes(self._port.exchange(data, duplex=True))

    def close(self) -> None:
        self._controller.close()


def bridged(data: bytes) -> bytes:
    """A transaction as a microcontroller is asked for it: its length in two bytes, little endian, and its bytes."""
    return len(data).to_bytes(2, "little") + data


class BridgePort:
    """A microcontroller at a serial port that makes transactions and gives the bytes back that came.

    Parameters
    ----------
    serial : Port
        Which is told each transaction as :func:`bridged` has it.
    """

    longest = BRIDGE_BYTES

    def __init__(self, serial: Port) -> None:
        self._serial = serial

    def write(self, data: bytes, /) -> int:
        self._serial.write(bridged(data))
        return len(data)

    def read(self, size: int = 1, /) -> bytes:
        return self._serial.read(size)

    def close(self) -> None:
        self._serial.close()


def open_port(name: str, sck_hz: int) -> Port:
    """Opens an SPI port.

    Parameters
    ----------
    name : str
        ``/dev/spidevB.C``; pyftdi's ``ftdi://ftdi:2232h/1``, behind ``?cs=`` which of its select lines; or a serial
        port, at which a microcontroller is that knows its own rate.

    Raises
    ------
    RequestError
        When it can't be opened.
    ToolError
        When the library that opens it is not installed.
    """
    if name.startswith("ftdi://"):
        return _open_ftdi(name, sck_hz)
    if (found := re.fullmatch(r"/dev/spidev(\d+)\.(\d+)", name)) is not None:
        return _open_spidev(name, int(found[1]), int(found[2]), sck_hz)
    return _open_bridge(name)


def _open_bridge(name: str) -> Port:
    found = sorted(map(str, Path("/dev").glob("spidev*")))
    port = open_serial(name, others=tuple(found), also="ftdi://VENDOR:PRODUCT/INTERFACE")
    time.sleep(BRIDGE_QUIET_S)
    port.reset_input_buffer()
    return BridgePort(port)


def _open_spidev(name: str, bus: int, select: int, sck_hz: int) -> Port:
    try:
        import spidev  # pyright: ignore[reportMissingImports]
    except ImportError:
        raise ToolError(f"spidev is missing, needed for {name}: pip install 'bnnhw[spi]'") from None
    device: Any = spidev.SpiDev()
    try:
        device.open(bus, select)
        return SpidevPort(device, sck_hz)
    except OSError as error:
        device.close()
        known = ", ".join(str(path) for path in sorted(Path("/dev").glob("spidev*"))) or "none"
        raise RequestError(f"port {name}: {error}; ports there are: {known}") from error


def _open_ftdi(name: str, sck_hz: int) -> Port:
    try:
        from pyftdi.ftdi import FtdiError  # pyright: ignore[reportMissingImports]
        from pyftdi.spi import SpiController  # pyright: ignore[reportMissingImports]
        from pyftdi.usbtools import UsbToolsError  # pyright: ignore[reportMissingImports]
    except ImportError:
        raise ToolError(f"pyftdi is missing, needed for {name}: pip install 'bnnhw[spi]'") from None
    url, _, query = name.partition("?")
    if query and not re.fullmatch(r"cs=[0-4]", query):
        raise RequestError(f"port {name}: what follows ? must be cs=0 to cs=4, not {query!r}")
    select = int(query[-1]) if query else 0
    controller: Any = SpiController(cs_count=select + 1)
    try:
        controller.configure(url)
        return FtdiPort(controller, select, sck_hz)
    except (FtdiError, UsbToolsError, OSError, ValueError) as error:
        controller.close()
        raise RequestError(f"port {name}: {error}") from error
