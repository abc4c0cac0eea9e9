"""Ports of the host whose far end is a FIFO beside the board: FTDI's by libusb, any other as a serial port."""

from __future__ import annotations

import time
from typing import Any

from bnnhw.errors import RequestError, ToolError
from bnnhw.links.host import Port
from bnnhw.links.packets.serial_port import open_serial

__all__ = ["FtdiFifo", "open_port"]

PATIENCE_S = 0.01
"""How long a read waits, as that of a serial port."""

LATENCY_MS = 1
"""After which an FTDI chip sends what it holds, where the board has not asked it to."""


class FtdiFifo:
    """An FT232H or a channel of an FT2232H whose EEPROM says FIFO.

    Parameters
    ----------
    device
        A ``pyftdi.ftdi.Ftdi`` that is open.
    """

    def __init__(self, device: Any) -> None:
        self._device = device
        device.set_latency_timer(LATENCY_MS)
        # What an earlier program left.
        device.purge_buffers()

    def write(self, data: bytes, /) -> int:
        self._device.write_data(data)
        return len(data)

    def read(self, size: int = 1, /) -> bytes:
        end = time.monotonic() + PATIENCE_S
        while not (found := bytes(self._device.read_data(size))) and time.monotonic() < end:
            pass
        return found

    def close(self) -> None:
        self._device.close()


def open_port(name: str) -> Port:
    """Opens the way to a FIFO.

    Parameters
    ----------
    name : str
        pyftdi's ``ftdi://ftdi:232h/1``, ``ftdi://ftdi:2232h/2``; or a serial port, which the same chips are too by the
        operating system's driver, and which a microcontroller is.

    Raises
    ------
    RequestError
        When it can't be opened.
    ToolError
        When the library that opens it is not installed.
    """
    if not name.startswith("ftdi://"):
        return open_serial(name, also="ftdi://VENDOR:PRODUCT/INTERFACE")
    try:
        from pyftdi.ftdi import Ftdi, FtdiError  # pyright: ignore[reportMissingImports]
        from pyftdi.usbtools import UsbToolsError  # pyright: ignore[reportMissingImports]
    except ImportError:
        raise ToolError(f"pyftdi is missing, needed for {name}: pip install 'bnnhw[parallel]'") from None
    device: Any = Ftdi()
    try:
        device.open_from_url(name)
        return FtdiFifo(device)
    except (FtdiError, UsbToolsError, OSError, ValueError) as error:
        device.close()
        raise RequestError(f"port {name}: {error}") from error
