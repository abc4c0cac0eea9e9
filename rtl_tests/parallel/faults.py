"""The parallel port on lines that damage what passes (:mod:`rtl_tests.packets.campaign`).

The bits of a byte are its eight lines in their order. What is lost and doubled are strobes as the far end sees them,
and bytes in its FIFO.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from bnnhw.links.packets.device import Device
from bnnhw.links.parallel.gateware import ParallelLink
from bnnhw.links.parallel.timing import Timing
from rtl_tests.packets.campaign import FAULTS, FOLDED, FaultyLine
from rtl_tests.packets.streamed import StreamPort, compiled_stream

__all__ = ["LINE"]

TIMING = Timing(2, 2, 2)

TIMEOUT = 60
"""The board's, in cycles: 10 bytes of silence. Times stand in the order of the real ones, and are shorter."""

QUIET, PATIENCE, REPLY = 120, 60, 1500
"""Cycles that the host waits: for the line to be quiet, in one read, for a reply."""

OWN = {"flag": "a flag says the opposite for 1 to 50 bytes"}


@cache
def _program() -> Path:
    classes = FOLDED.network.output.classes
    return compiled_stream(
        "parallel_link",
        lambda accelerator: ParallelLink(
            accelerator, classes=classes, timing=TIMING, timeout=TIMEOUT, identity=0xCAFE0001
        ),
        Path(__file__).with_name("faulty_bus.cpp").read_text(encoding="utf-8"),
    )


LINE = FaultyLine(
    FAULTS | OWN,
    lambda seed, every, kinds: StreamPort(_program(), seed, every, kinds, PATIENCE),
    lambda port: Device(port, timeout_s=REPLY, quiet_s=QUIET, clock=port.clock),
)
