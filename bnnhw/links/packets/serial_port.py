"""Serial ports of the host, whatever is behind them."""

from __future__ import annotations

from typing import Any

from bnnhw.errors import RequestError

__all__ = ["open_serial"]


def open_serial(name: str, *baud: int, others: tuple[str, ...] = (), also: str = "") -> Any:
    """Opens a serial port: a ``serial.Serial``.

    Parameters
    ----------
    name : str
        In the operating system.
    baud : int, optional
        Where it means something.
    others : tuple of str
        Ports of other kinds that are there, for the error.
    also : str
        How ports are named that can't be listed, for the error.

    Raises
    ------
    RequestError
        When it can't be opened; lists those that there are.
    """
    import serial
    from serial.tools import list_ports

    try:
        return serial.Serial(name, *baud, timeout=0.01, write_timeout=10)
    except (serial.SerialException, ValueError) as error:
        known = ", ".join((*others, *(port.device for port in list_ports.comports()))) or "none"
        known += f", and {also}" if also else ""
        raise RequestError(f"port {name}: {error}; ports there are: {known}") from error
