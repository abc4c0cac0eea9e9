"""Ports and registers of the serial link's parts, as their descriptions state them."""

from __future__ import annotations

from typing import Any

import pytest

from bnnhw.links.axi_stream.gateware import AxiStream
from bnnhw.links.packets.buffer import FrameBuffer
from bnnhw.links.packets.crc import SerialCrc
from bnnhw.links.packets.frame import PacketReceiver, PacketTransmitter
from bnnhw.links.packets.packet import PacketType
from bnnhw.links.packets.reply import ReplyEncoder
from bnnhw.links.uart.gateware import UartLink
from bnnhw.links.uart.uart import UartRx, UartTx
from bnnhw.rtl.emit import port_signals
from rtl_tests.packets.accelerator import SumAccelerator
from rtl_tests.storage import memories, register_bits


def reply_encoder() -> ReplyEncoder:
    return ReplyEncoder(PacketType.RESULT, 5, bytes(10))


def stream(name: str, width: int) -> dict[str, int]:
    return {f"{name}_payload": width, f"{name}_valid": 1, f"{name}_ready": 1}


PORTS: dict[str, tuple[Any, dict[str, int]]] = {
    "uart transmitter": (lambda: UartTx(13), stream("input", 8) | {"tx": 1}),
    "uart receiver": (lambda: UartRx(13), {"rx": 1, "overrun": 1} | stream("output", 8 + 1)),
    "frame buffer": (
        lambda: FrameBuffer(5),
        {"write": 1, "index": 16, "data": 8, "commit": 1, "overrun": 1} | stream("tags", 8) | stream("output", 8),
    ),
    "packet receiver": (
        lambda: PacketReceiver({1: 0, 2: 5}, 40),
        stream("input", 8 + 1)
        | {"end": 1, "payload_valid": 1, "payload_index": 16, "payload_data": 8, "done": 1, "kind": 8, "error": 8},
    ),
    "CRC": (lambda: SerialCrc(2), {"start": 1, "step": 1, "drain": 1, "data": 2, "crc": 8, "differs": 1}),
    "packet transmitter": (
        PacketTransmitter, stream("header", 8 + 16) | stream("payload", 8) | stream("output", 8)
    ),
    "reply encoder": (
        reply_encoder,
        stream("reply", 5 * 8) | {"error": 1, "error_code": 8, "error_kind": 8, "info_request": 1}
        | stream("header", 8 + 16) | stream("payload", 8),
    ),
    "serial link": (
        lambda: UartLink(SumAccelerator(8, 24), classes=4, divisor=4, timeout=100, identity=0),
        {"rx": 1, "tx": 1, "error": 1, "activity": 1},
    ),
    "AXI4-Stream": (
        lambda: AxiStream(SumAccelerator(8, 24), data_width=16, result_width=32, own_clock=True),
        {"aclk": 1, "aresetn": 1, "frame_error": 1}
        | {"s_axis_tdata": 16, "s_axis_tvalid": 1, "s_axis_tready": 1, "s_axis_tlast": 1}
        | {"m_axis_tdata": 32, "m_axis_tvalid": 1, "m_axis_tready": 1, "m_axis_tlast": 1, "m_axis_tkeep": 4},
    ),
    "AXI4-Stream, a beat per result": (
        lambda: AxiStream(SumAccelerator(8, 24), data_width=8),
        {"frame_error": 1}
        | {"s_axis_tdata": 8, "s_axis_tvalid": 1, "s_axis_tready": 1, "s_axis_tlast": 1}
        # A class of 2 bits in a byte, a score of 20 in three.
        | {"m_axis_tdata": 8 + 24, "m_axis_tvalid": 1, "m_axis_tready": 1, "m_axis_tlast": 1},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", PORTS)
def test_ports(name: str) -> None:
    make, due = PORTS[name]
    component = make()
    assert {port: len(value) for port, (value, _) in port_signals(component).items()} == due
    register_bits(component)


STORAGE: dict[str, tuple[Any, int]] = {
    # The ten bits of a byte on the line, how many are left, the time of one.
    "uart transmitter": (lambda: UartTx(13), 10 + 4 + 4),
    # The synchronizer, the time of a bit, bits left, a byte, a byte offered, five states.
    "uart receiver": (lambda: UartRx(13), 2 + 4 + 4 + 8 + (8 + 1 + 1) + 3),
    # Which banks are full, the two in use, whether one is claimed; a position of eight; what is at the output.
    "frame buffer": (lambda: FrameBuffer(7), 2 + 1 + 1 + 1 + 3 + 3),
    "CRC": (SerialCrc, 32),
    # Type and length; bytes left and their number; silence of up to 63; marks; what is told; eight states; the CRC,
    # bytes of it left, bits of a byte.
    "packet receiver": (lambda: PacketReceiver({1: 0, 2: 5}, 63), 8 + 16 + 16 + 16 + 6 + 4 + (1 + 8) + 3 + 32 + 2 + 3),
    # Bytes left, six states, the CRC, bytes of it sent, bits of a byte.
    "packet transmitter": (PacketTransmitter, 16 + 3 + 32 + 2 + 3),
    # The longest payload, ten bytes; its type and length; an error and what is pending.
    "reply encoder": (reply_encoder, 80 + 8 + 4 + 1 + (1 + 16) + 1),
}


@pytest.mark.parametrize("name", STORAGE)
def test_registers(name: str) -> None:
    make, due = STORAGE[name]
    assert register_bits(make()) == due


def test_two_banks() -> None:
    """Each of a power of two of bytes, a tag among them."""
    for size, bytes_each in ((3, 4), (4, 8), (7, 8), (8, 16)):
        assert list(memories(FrameBuffer(size)).values()) == [(2 * bytes_each, 8)]
