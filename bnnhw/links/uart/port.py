"""The port of a serial link on the host."""

from __future__ import annotations

from bnnhw.errors import RequestError
from bnnhw.links.host import Port

__all__ = ["open_port"]


def open_port(name: str, baud: int) -> Port:
    """Opens a serial port.

    Raises
    ------
    RequestError
        When it can't be opened; lists those that there are.
    """
    import serial
    from serial.tools import list_ports

    try:
        return serial.Serial(name, baud, timeout=0.01, write_timeout=10)
    except (serial.SerialException, ValueError) as error:
        known = ", ".join(port.device for port in list_ports.comports()) or "none"
        raise RequestError(f"port {name}: {error}; ports there are: {known}") from error
