"""Ports and registers of the SPI link's parts, as their descriptions state them."""

from __future__ import annotations

from amaranth.lib import wiring

from bnnhw.links.spi.gateware import SpiLink
from bnnhw.links.spi.slave import SpiSlave
from bnnhw.rtl.emit import port_signals
from rtl_tests.packets.accelerator import SumAccelerator
from rtl_tests.storage import register_bits

LINES = {"sck": 1, "cs_n": 1, "mosi": 1, "miso": 1, "selected": 1}


def ports(component: wiring.Component) -> dict[str, int]:
    return {port: len(value) for port, (value, _) in port_signals(component).items()}


def test_ports() -> None:
    streams = {f"{name}_{part}": 8 if part == "payload" else 1 for name in ("received", "send")
               for part in ("payload", "valid", "ready")}  # fmt: skip
    slave, link = SpiSlave(), SpiLink(SumAccelerator(8, 24), classes=4, identity=0)
    register_bits(slave)
    assert ports(slave) == LINES | {"end": 1} | streams
    assert ports(link) == LINES | {"error": 1, "activity": 1}
    register_bits(link)


def test_registers() -> None:
    shifted = 3 + 7 + 8 + 1 + 8 + 1 + 1  # bits counted, before the last, a byte and its mark; one out, its mark, miso
    fifo = 6 * 3 + 1 + 2 * 2 * 3 + 2  # Amaranth's: two places three times, its reset, two crossings, that of the reset
    crossing = 2 + 1 + 2 + 1 + 2  # a byte, whether it was taken, the end, what it was, the wait behind it
    assert register_bits(SpiSlave()) == shifted + fifo + crossing
