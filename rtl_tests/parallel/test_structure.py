"""Ports and registers of the parallel port's parts, as their descriptions state them."""

from __future__ import annotations

from amaranth.lib import wiring

from bnnhw.links.parallel.bus import ParallelBus
from bnnhw.links.parallel.gateware import ParallelLink
from bnnhw.links.parallel.timing import Timing
from bnnhw.rtl.emit import port_signals
from rtl_tests.packets.accelerator import SumAccelerator
from rtl_tests.storage import register_bits

LINES = {"rxf_n": 1, "txe_n": 1, "rd_n": 1, "wr_n": 1, "siwu_n": 1, "d_i": 8, "d_o": 8, "driven": 1}


def ports(component: wiring.Component) -> dict[str, int]:
    return {port: len(value) for port, (value, _) in port_signals(component).items()}


def test_ports() -> None:
    streams = {f"{name}_{part}": 8 if part == "payload" else 1 for name in ("received", "send")
               for part in ("payload", "valid", "ready")}  # fmt: skip
    timing = Timing(2, 2, 2)
    bus = ParallelBus(timing)
    link = ParallelLink(SumAccelerator(8, 24), classes=4, timing=timing, timeout=9, identity=0)
    register_bits(bus)
    assert ports(bus) == LINES | streams
    assert ports(link) == LINES | {"error": 1, "activity": 1}
    register_bits(link)


def test_registers() -> None:
    """A byte each way, the strobes, the flags' synchronizers, the state, its timer, whose turn it is, and what asks."""
    for timing, timer, asks in ((Timing(1, 1, 1), 2, 5), (Timing(5, 4, 6), 3, 5), (Timing(16, 1, 1), 4, 6)):
        bytes_, lines, flags, state = 8 + 1 + 8 + 1, 3, 4, 2
        assert register_bits(ParallelBus(timing)) == bytes_ + lines + flags + state + timer + 1 + asks
