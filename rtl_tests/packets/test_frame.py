"""Packets against their definition in bytes: every kind of damage, silence, gaps and stalls."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bnnhw.links.packets.crc import steps_per_byte
from bnnhw.links.packets.frame import PacketReceiver, PacketTransmitter
from bnnhw.links.packets.packet import CRC_BYTES, SYNC, ErrorCode, crc32, encode_packet
from rtl_tests.streams import idle, receive, run, send

LENGTHS = {1: 0, 2: 5}
TIMEOUT = 40
GOOD = encode_packet(2, bytes([1, 2, SYNC, 4, 5]))


def received(pieces: Sequence[tuple[bytes, int]], gap: int = 0, crc_bits: int = 1) -> list[tuple[int, int, bytes]]:
    """Sends bytes, each piece followed by some idle cycles; returns type, error and payload of each packet."""
    dut = PacketReceiver(LENGTHS, TIMEOUT, crc_bits)
    packets: list[tuple[int, int, bytes]] = []

    async def source(ctx: Any) -> None:
        for values, silence in pieces:
            await send(ctx, dut.input, [{"data": value, "framing_error": 0} for value in values], gap)
            await idle(ctx, silence + 1)

    async def watch(ctx: Any) -> None:
        payload = bytearray()
        signals = (dut.done, dut.kind, dut.error, dut.payload_valid, dut.payload_index, dut.payload_data)
        while True:
            _, _, done, kind, error, valid, index, value = await ctx.tick().sample(*signals)
            if valid:
                if index == 0:
                    payload.clear()
                assert index == len(payload)
                payload.append(value)
            if done:
                packets.append((kind, error, bytes(payload)))
                payload.clear()

    run(dut, source, background=[watch])
    return packets


@pytest.mark.parametrize("gap, crc_bits", [(0, 1), (1, 1), (TIMEOUT - 2, 1), (0, 2), (0, 4), (0, 8), (TIMEOUT - 2, 8)])
def test_good_packets(gap: int, crc_bits: int) -> None:
    """At full speed, and with the longest silence that is still allowed."""
    assert received([(GOOD + encode_packet(1) + GOOD, 1)], gap, crc_bits) == [
        (2, 0, GOOD[4:-CRC_BYTES]),
        (1, 0, b""),
        (2, 0, GOOD[4:-CRC_BYTES]),
    ]


@pytest.mark.parametrize("crc_bits", [1, 4, 8])
@pytest.mark.parametrize("position", range(1, len(GOOD)))
def test_every_byte_damaged(position: int, crc_bits: int) -> None:
    """Whatever byte is hit, the packet is reported and, after a silence, the next one works."""
    damaged = bytearray(GOOD)
    damaged[position] ^= 1 << position % 8
    packets = received([(bytes(damaged), 2 * TIMEOUT), (GOOD, 1)], crc_bits=crc_bits)
    assert packets[-1] == (2, 0, GOOD[4:-CRC_BYTES])
    errors = [error for _, error, _ in packets[:-1]]
    # A length that has grown ends in silence.
    assert errors and set(errors) <= {ErrorCode.BAD_CRC, ErrorCode.TRUNCATED}


@pytest.mark.parametrize("cut", range(1, len(GOOD)))
def test_cut_short_everywhere(cut: int) -> None:
    packets = received([(GOOD[:cut], TIMEOUT + 1), (GOOD, 1)])
    assert [(kind, error) for kind, error, _ in packets] == [(0 if cut == 1 else 2, ErrorCode.TRUNCATED), (2, 0)]


@pytest.mark.parametrize("silence", range(TIMEOUT - 3, TIMEOUT + 4))
def test_the_byte_that_ends_a_silence(silence: int) -> None:
    """It comes just in time, and its packet goes on; or it begins the next packet, in whatever cycle it comes."""
    first, second = received([(GOOD[:6], silence), (GOOD[6:], 1)]), received([(GOOD[:6], silence), (GOOD, 1)])
    in_time = first == [(2, 0, GOOD[4:-CRC_BYTES])]
    assert in_time == (silence < TIMEOUT - 1)
    if not in_time:
        assert [(kind, error) for kind, error, _ in second] == [(2, ErrorCode.TRUNCATED), (2, 0)]


def test_types_and_lengths() -> None:
    packets = received([(encode_packet(9, b"abc") + encode_packet(2, b"abcd") + encode_packet(1, b"x") + GOOD, 1)])
    assert [(kind, error) for kind, error, _ in packets] == [
        (9, ErrorCode.BAD_TYPE),
        (2, ErrorCode.BAD_LENGTH),
        (1, ErrorCode.BAD_LENGTH),
        (2, 0),
    ]


def test_bytes_between_packets_are_ignored() -> None:
    assert [error for _, error, _ in received([(b"\x00\xffnoise" + GOOD + b"\x01\x02" + GOOD, 1)])] == [0, 0]


def test_framing_error_is_reported_at_the_end_of_its_packet() -> None:
    dut = PacketReceiver(LENGTHS, TIMEOUT)
    errors: list[int] = []

    async def source(ctx: Any) -> None:
        words = [{"data": value, "framing_error": int(i == 5)} for i, value in enumerate(GOOD)]
        # Outside a packet a byte without a stop bit is noise, even if it looks like a sync byte.
        words.append({"data": SYNC, "framing_error": 1})
        words += [{"data": value, "framing_error": 0} for value in GOOD]
        await send(ctx, dut.input, words)
        await idle(ctx, 2)

    async def watch(ctx: Any) -> None:
        while True:
            _, _, done, error = await ctx.tick().sample(dut.done, dut.error)
            if done:
                errors.append(error)

    run(dut, source, background=[watch])
    assert errors == [ErrorCode.FRAMING, 0]


@pytest.mark.parametrize("bit", range(8))
def test_every_bit_of_the_crc_counts(bit: int) -> None:
    """Of each of its bytes, the last bit on the line too."""
    for place in range(1, CRC_BYTES + 1):
        damaged = bytearray(GOOD)
        damaged[-place] ^= 1 << bit
        packets = received([(bytes(damaged) + GOOD, 1)])
        assert [error for _, error, _ in packets] == [ErrorCode.BAD_CRC, 0]


async def count_cycles(ctx: Any, counted: list[int]) -> None:
    while True:
        counted.append(1)
        await ctx.tick()


@pytest.mark.parametrize("crc_bits", [1, 2, 4, 8])
def test_cycles_per_byte(crc_bits: int) -> None:
    """As many as steps of the CRC, at both ends; one more for the end of a packet that comes in."""
    words = [{"data": value, "framing_error": 0} for value in 5 * GOOD]
    payload = GOOD[4:-CRC_BYTES]
    receiver, transmitter = PacketReceiver(LENGTHS, TIMEOUT, crc_bits), PacketTransmitter(crc_bits)
    taken: list[int] = []
    sent: list[int] = []
    run(receiver, partial(send, port=receiver.input, words=words), background=[partial(count_cycles, counted=taken)])
    run(
        transmitter,
        partial(send, port=transmitter.header, words=5 * [{"kind": 2, "length": len(payload)}]),
        partial(send, port=transmitter.payload, words=5 * payload),
        partial(receive, port=transmitter.output, count=len(words)),
        background=[partial(count_cycles, counted=sent)],
    )
    steps = steps_per_byte(crc_bits)
    # The sync byte goes through no CRC.
    assert len(taken) - 2 <= steps * 5 * (len(GOOD) - 1) + 5 * 2
    assert len(sent) - 2 <= steps * len(words)


@pytest.mark.parametrize("bits", [0, 3, 16])
def test_steps_divide_a_byte(bits: int) -> None:
    with pytest.raises(ValueError, match=rf"^bits must be 1, 2, 4 or 8, not {bits}$"):
        steps_per_byte(bits)


@settings(max_examples=20)
@given(
    st.lists(st.binary(max_size=12), min_size=1, max_size=4),
    st.integers(0, 3),
    st.integers(0, 3),
    st.sampled_from([1, 2, 4, 8]),
)
def test_transmitter(payloads: list[bytes], gap: int, stall: int, crc_bits: int) -> None:
    dut = PacketTransmitter(crc_bits)
    expected = b"".join(encode_packet(0x80 + i, payload) for i, payload in enumerate(payloads))
    received: list[int] = []

    async def headers(ctx: Any) -> None:
        words = [{"kind": 0x80 + i, "length": len(payload)} for i, payload in enumerate(payloads)]
        await send(ctx, dut.header, words, gap)

    async def bodies(ctx: Any) -> None:
        await send(ctx, dut.payload, b"".join(payloads), gap)

    async def sink(ctx: Any) -> None:
        received.extend(await receive(ctx, dut.output, len(expected), stall))

    run(dut, headers, bodies, sink)
    assert bytes(received) == expected


def test_crc_is_the_catalogued_one() -> None:
    """The check value of CRC-32 (CRC-32/ISO-HDLC) in the reveng catalogue."""
    assert crc32(b"123456789") == 0xCBF43926
