"""The serial link on a line that damages what passes (:mod:`rtl_tests.packets.campaign`).

A bit of a fault may be a start bit, a stop bit or a pause.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from bnnhw.links.packets.device import Device
from bnnhw.links.uart.gateware import UartLink
from rtl_tests.packets.campaign import FAULTS, FOLDED, FaultyLine
from rtl_tests.packets.streamed import StreamPort, compiled_stream

__all__ = ["LINE"]

DIVISOR = 4
TIMEOUT = 40 * DIVISOR
"""The board's: 4 bytes of silence. Times stand in the order of the real ones, and are shorter."""

QUIET = 64 * DIVISOR
PATIENCE = 30 * DIVISOR
REPLY = 600 * DIVISOR
"""Cycles that the host waits: for the line to be quiet, in one read, for a reply."""


@cache
def _program() -> Path:
    main = Path(__file__).with_name("faulty_line.cpp").read_text(encoding="utf-8")
    return compiled_stream(
        "uart_link",
        lambda accelerator: UartLink(
            accelerator, classes=FOLDED.network.output.classes, divisor=DIVISOR, timeout=TIMEOUT, identity=0xCAFE0001
        ),
        main.replace("DIVISOR;", f"{DIVISOR};", 1),
    )


LINE = FaultyLine(
    FAULTS,
    lambda seed, every, kinds: StreamPort(_program(), seed, every, kinds, PATIENCE),
    lambda port: Device(port, timeout_s=REPLY, quiet_s=QUIET, clock=port.clock),
)
