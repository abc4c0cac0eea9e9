"""How frames and results lie in beats, and what an interface says of them, against their definitions."""

from __future__ import annotations

import random
import re
from typing import Any

import pytest

from bnnhw import links
from bnnhw.dataflow.frame import Frame
from bnnhw.devices import technology
from bnnhw.errors import RequestError
from bnnhw.folding import predict
from bnnhw.links import Link, Setting
from bnnhw.links.axi_stream import Axi
from bnnhw.links.interface import Beats, Bench, Field, behind_converter, result_fields
from bnnhw.links.packets.protocol import BoardResult, Decoder
from bnnhw.links.uart import Uart
from tests.build.networks import random_folded

GRAPH = random_folded([19, 8, 4], [(4, 5), (2, 4)]).graph(technology("generic"))
SETTING = Setting(4, 0x1234, 12.0)


@pytest.mark.parametrize("bits, width", [(1, 8), (8, 8), (9, 8), (20, 7), (21, 7), (3, 32), (64, 1)])
def test_beats_are_the_string_cut(bits: int, width: int) -> None:
    """The least significant bits first; together they are the string, the last with no more bits than are left."""
    beats = Beats(bits, width)
    for value in {0, 1, (1 << bits) - 1, random.Random(bits).getrandbits(bits)}:
        parts = beats.cut(value)
        assert len(parts) == beats.count
        assert all(part < 1 << width for part in parts)
        assert parts[-1] < 1 << beats.last_bits
        assert sum(part << width * place for place, part in enumerate(parts)) == value
    assert 0 < beats.last_bits <= width
    assert (beats.count - 1) * width + beats.last_bits == bits


def test_beats_in_hex() -> None:
    """A line per beat, as many digits as a beat needs."""
    assert Beats(12, 5).hex([0xABC, 1]) == "1c\n15\n02\n01\n00\n00\n"
    assert Beats(12, 4).hex([0xABC]) == "c\nb\na\n"


def test_fields_of_a_result() -> None:
    """One above the other; in whole bytes each begins on one."""
    frame = Frame(19, 1, 5, 4, index_bits=3, score_bits=9, score_signed=True, scores=2)
    assert result_fields(frame, whole_bytes=False) == (
        Field("index", 0, 3, False),
        Field("score", 3, 9, True),
        Field("score_0", 12, 9, True),
        Field("score_1", 21, 9, True),
    )
    assert result_fields(frame, whole_bytes=True) == (
        Field("index", 0, 8, False),
        Field("score", 8, 16, True),
        Field("score_0", 24, 16, True),
        Field("score_1", 40, 16, True),
    )


@pytest.mark.parametrize("link", [links.get("stream"), Axi(16, 8), Axi(16), Uart()])
@pytest.mark.parametrize("hidden", [8, 300])
def test_a_result_is_packed_as_its_fields_say(link: Link, hidden: int) -> None:
    """With scores of up to 300 a score has more bytes than a class."""
    graph = random_folded([19, hidden, 4], [(hidden, 5), (2, 10 if hidden == 300 else 4)]).graph(technology("generic"))
    interface = link.interface(graph, SETTING)
    given = tuple(-2 - place if field.signed else place + 1 for place, field in enumerate(interface.fields))
    packed = interface.packed(given)
    assert packed < 1 << interface.result.bits
    for field, due in zip(interface.fields, given, strict=True):
        number = packed >> field.offset & (1 << field.bits) - 1
        assert number - ((number >> field.bits - 1) << field.bits) * field.signed == due
    assert interface.fields[-1].offset + interface.fields[-1].bits == interface.result.bits


def test_values_are_the_class_the_highest_score_and_every_score() -> None:
    graph = random_folded([19, 8, 4], [(4, 5), (2, 4)]).graph(technology("generic"), scores=True)
    assert links.get("axis").interface(graph, SETTING).values(2, [3, -1, 9, 0]) == (2, 9, 3, -1, 9, 0)
    assert links.get("stream").interface(GRAPH, SETTING).values(2, [3, -1, 9, 0]) == (2, 9)
    assert links.get("uart").interface(GRAPH, SETTING).values(2, [3, -1, 9, 0]) == (2, 9)


def test_what_a_stream_says() -> None:
    """19 bits in words of 5; the index of 4 classes takes 2 bits of a result, the score the rest."""
    due = predict(GRAPH)
    said = links.get("stream").interface(GRAPH, SETTING).describe(12.0)
    packing = {"packing": "contiguous, the least significant bit of the first beat first", "byte_order": "little"}
    (_, score_bits, signed) = GRAPH.result.fields[1]
    assert said == {
        "protocol": "stream",
        "clock": {"port": "clk", "edge": "rising", "mhz": 12.0},
        "reset": {"port": "rst", "active": "high", "synchronous": True},
        "input": {
            "ports": {"data": "input_payload", "valid": "input_valid", "ready": "input_ready"},
            "bits": 19,
            "beat_bits": 5,
            "beats": 4,
            "last_beat_bits": 4,
            **packing,
        },
        "output": {
            "ports": {"data": "output_payload", "valid": "output_valid", "ready": "output_ready"},
            **dict.fromkeys(("bits", "beat_bits", "last_beat_bits"), 2 + score_bits),
            "beats": 1,
            **packing,
            "fields": [
                {"name": "index", "offset": 0, "bits": 2, "signed": False},
                {"name": "score", "offset": 2, "bits": score_bits, "signed": signed},
            ],
        },
        "cycles_per_frame": due.cycles_per_frame,
        "latency_cycles": due.latency_cycles,
    }


def test_what_a_serial_line_says() -> None:
    """12 cycles per bit at 12 MHz and a million baud; a packet is 6 bytes and its payload, ten bits per byte."""
    said = Uart().interface(GRAPH, SETTING).describe(12.0)
    assert said["protocol"] == "uart"
    assert {name: said["input"][name] for name in ("ports", "packet", "baud", "cycles_per_bit", "bits", "beats")} == {
        "ports": {"line": "rx"},
        "packet": {"type": 2, "payload": ["tag", "frame"]},
        "baud": 1_000_000,
        "cycles_per_bit": 12,
        "bits": 19,
        "beats": 3,
    }
    assert said["output"]["packet"] == {"type": 0x82}
    assert [(field["name"], field["offset"], field["bits"], field["signed"]) for field in said["output"]["fields"]] == [
        ("tag", 0, 8, False),
        ("index", 8, 16, False),
        ("score", 24, 8, True),
    ]
    packet, reply = 120 * (8 + 1 + 3), 120 * (8 + 4)
    core = predict(GRAPH)
    assert core.cycles_per_frame < packet
    assert said["cycles_per_frame"] == packet
    assert said["latency_cycles"] == packet + core.latency_cycles + reply


@pytest.mark.parametrize("width", [1, 5, 8, 64])
def test_a_converter_in_front(width: int) -> None:
    """It takes beats and gives the accelerator's words; all else stays, one stream further."""
    graph = behind_converter(GRAPH, width)
    front, *others = graph.nodes
    assert (front.unit.inputs[0].width, front.unit.inputs[0].words) == (width, -(-19 // width))
    assert (front.unit.outputs[0].width, front.unit.outputs[0].words) == (GRAPH.input.width, GRAPH.input.words)
    assert (front.sources, front.sinks) == ((0,), (1,))
    assert [node.unit for node in others] == [node.unit for node in GRAPH.nodes]
    assert [(node.sources, node.sinks) for node in others] == [
        (tuple(n + 1 for n in node.sources), tuple(n + 1 for n in node.sinks)) for node in GRAPH.nodes
    ]
    assert (graph.output, graph.input.width) == (GRAPH.output + 1, width)


def bench_of(link: Link, count: int) -> tuple[dict[str, str], list[int], list[tuple[int, ...]]]:
    generator = random.Random(count)
    frames = [generator.getrandbits(19) for _ in range(count)]
    results = [(n % 4, n + 1) for n in range(count)]
    interface = link.interface(GRAPH, SETTING)
    return interface.testbench(Bench("eye", frames, results, ("eye.v",))), frames, results


def numbers(text: str, name: str) -> int:
    found = re.search(rf"localparam {name} = (\d+);", text)
    assert found, name
    return int(found[1])


def test_testbench_of_streams() -> None:
    """Frames and results lie beside it, beat by beat; its limits leave room for pauses."""
    files, frames, results = bench_of(links.get("stream"), 5)
    assert list(files) == ["eye_tb.v", "eye_tb_frames.hex", "eye_tb_results.hex"]
    beats = [int(line, 16) for line in files["eye_tb_frames.hex"].split()]
    assert [sum(beat << 5 * place for place, beat in enumerate(beats[4 * n : 4 * n + 4])) for n in range(5)] == frames
    assert [int(line, 16) for line in files["eye_tb_results.hex"].split()] == [i | s << 2 for i, s in results]
    text, core = files["eye_tb.v"], predict(GRAPH)
    assert numbers(text, "BEATS") == 4 and numbers(text, "FRAMES") == 5
    assert numbers(text, "LIMIT") >= 4 * (5 * core.cycles_per_frame + core.latency_cycles)
    assert numbers(text, "DRAIN") > core.latency_cycles


def test_testbench_of_a_serial_line() -> None:
    """Three frames in packets, and the replies that a host would read as their results."""
    files, frames, results = bench_of(Uart(), 5)
    sent = bytes.fromhex(files["eye_tb_frames.hex"].replace("\n", ""))
    assert len(sent) == 3 * 12
    assert [int.from_bytes(sent[12 * n + 5 : 12 * n + 8], "little") for n in range(3)] == frames[:3]
    assert [sent[12 * n + 4] for n in range(3)] == [0, 1, 2]
    replies = list(Decoder().feed(bytes.fromhex(files["eye_tb_results.hex"].replace("\n", ""))))
    assert replies == [BoardResult(n, *results[n]) for n in range(3)]
    text = files["eye_tb.v"]
    assert [numbers(text, name) for name in ("FRAMES", "PACKET", "REPLY", "DIVISOR")] == [3, 12, 12, 12]
    # A frame's packet, the accelerator, and the reply, more than once.
    assert numbers(text, "LIMIT") >= 2 * (12 + 12) * 10 * 12


@pytest.mark.parametrize("options, due", [({}, (32, None)), ({"data_width": 8}, (8, None)),
                                          ({"data_width": None, "result_width": 64}, (32, 64))])  # fmt: skip
def test_options_of_a_link(options: dict[str, Any], due: tuple[int, int | None]) -> None:
    """What is not given stays."""
    link = links.get("axis").configured(**options)
    assert isinstance(link, Axi)
    assert (link.data_width, link.result_width) == due
    assert links.get("stream").configured(data_width=None) is links.get("stream")
    with pytest.raises(RequestError, match=r"^link stream has no data width$"):
        links.get("stream").configured(data_width=8)
    with pytest.raises(RequestError, match=r"^link uart has no result width$"):
        Uart().configured(baud=9600, result_width=8)
