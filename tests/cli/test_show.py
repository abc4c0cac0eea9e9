"""`bnnhw show` of a network that has every kind of layer."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from bnnhw.flow.show import describe
from bnnhw.ir import (
    Affine,
    BitMatrix,
    Conv2d,
    DataType,
    Dense,
    InputSpec,
    MaxPool,
    Network,
    Output,
    Quantize,
    Residual,
    SumPool,
    Thresholds,
    WeightPlane,
    Window,
    archive,
)
from bnnhw.report.network import picture
from tests.cli.conftest import run

BIPOLAR = DataType("bipolar", 1)


def _matrix(name: str, neurons: int, synapses: int, dtype: DataType = BIPOLAR, planes: int = 1) -> Dense:
    bits = BitMatrix.from_bits(np.zeros((neurons, synapses), np.uint8))
    return Dense(name, dtype, tuple(WeightPlane(1 << i, bits) for i in range(planes)), None)


@pytest.fixture
def network() -> Network:
    pixels = DataType("uint", 8)
    first = _matrix("first", 4, 27, pixels)
    first = Dense("first", pixels, first.weights, Thresholds(np.zeros((4, 1), int), BIPOLAR))
    shape = (4, 6, 6)
    signs = Quantize("sign", shape, DataType("int", 6), Thresholds(np.array([[0], [1], [2], [3]]), BIPOLAR))
    inner = Residual("inner [x]", shape, BIPOLAR, (Affine("norm", shape, BIPOLAR, np.full(4, 9), np.full(4, -7)),))
    body = (
        inner,
        signs,
        Conv2d(Window(4, 6, 6, (3, 3), padding=(1, 1, 1, 1)), _matrix("spread", 4, 9), depthwise=True),
    )
    short = Conv2d(Window(4, 6, 6, (1, 1)), _matrix("short", 4, 4, planes=2))
    block = Residual("block", shape, BIPOLAR, body, (short,))
    top = MaxPool("top", Window(4, 6, 6, (2, 2), (2, 2)), block.output, np.zeros(4, bool))
    mean = SumPool("mean", Window(4, 3, 3, (2, 2)), block.output)
    last = _matrix("last", 10, 16, mean.output)
    layers = (Conv2d(Window(3, 8, 8, (3, 3)), first), block, top, mean, last, Output.plain("output", 10))
    return Network(InputSpec((3, 8, 8), pixels), layers)


EXPECTED = [
    # 36 positions x 27 synapses x 4 neurons.
    ("first", "conv", [3, 8, 8], [4, 6, 6], 1, 8, 1, 3888, None, None),
    # The types of both branches hold 0..15.
    ("block", "residual", [4, 6, 6], [4, 6, 6], 0, 1, 5, 0, None, None),
    # 9x - 7 is -16 or 2, its type holds -16..15; -1..1 is added to it.
    ("inner [x]", "residual", [4, 6, 6], [4, 6, 6], 0, 1, 6, 0, "block", "body"),
    ("norm", "affine", [4, 6, 6], [4, 6, 6], 0, 1, 5, 0, "inner [x]", "body"),
    ("sign", "quantize", [4, 6, 6], [4, 6, 6], 0, 6, 1, 0, "block", "body"),
    # 36 positions x 9 taps x 4 channels.
    ("spread", "depthwise", [4, 6, 6], [4, 6, 6], 1, 1, 4, 1296, "block", "body"),
    # 36 positions x 4 synapses x 4 neurons; 1 and 2 times 4 counts each: 0..12.
    ("short", "conv", [4, 6, 6], [4, 6, 6], 2, 1, 4, 576, "block", "shortcut"),
    ("top", "max-pool", [4, 6, 6], [4, 3, 3], 0, 5, 5, 0, None, None),
    # 4 times 0..31.
    ("mean", "sum-pool", [4, 3, 3], [4, 2, 2], 0, 5, 7, 0, None, None),
    ("last", "dense", [16], [10], 1, 7, None, 160, None, None),
    ("output", "output", [10], [10], 0, None, None, 0, None, None),
]


def test_describe(network: Network) -> None:
    keys = ("name", "kind", "input_shape", "output_shape", "weight_bits", "input_bits", "activation_bits", "macs")
    rows = describe(network)["layers"]
    assert isinstance(rows, list)
    assert [tuple(row[key] for key in (*keys, "residual", "branch")) for row in rows] == EXPECTED
    for row in rows:
        assert (row["inputs"], row["outputs"]) == (np.prod(row["input_shape"]), np.prod(row["output_shape"]))


def test_show(network: Network, tmp_path: Path) -> None:
    path = tmp_path / "maps.bnn"
    archive.save(network, path)
    result = run("show", path, "--json")
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout) == describe(network)
    lines = [" ".join(line.split()) for line in run("show", path).stdout.splitlines()]
    assert lines[:2] == ["input 3 x 8 x 8, uint8", "samples are uint8 themselves, without thresholds"]
    assert lines[3:] == [
        "first conv 3 x 8 x 8 4 x 6 x 6 1 1 3888",
        "block residual 4 x 6 x 6 4 x 6 x 6 0 5 0",
        "body: inner [x] residual 4 x 6 x 6 4 x 6 x 6 0 6 0",
        "body: norm affine 4 x 6 x 6 4 x 6 x 6 0 5 0",
        "body: sign quantize 4 x 6 x 6 4 x 6 x 6 0 1 0",
        "body: spread depthwise 4 x 6 x 6 4 x 6 x 6 1 4 1296",
        "shortcut: short conv 4 x 6 x 6 4 x 6 x 6 2 4 576",
        "top max-pool 4 x 6 x 6 4 x 3 x 3 0 5 0",
        "mean sum-pool 4 x 3 x 3 4 x 2 x 2 0 7 0",
        "last dense 16 10 1 160",
        "output output 10 10 0 0",
    ]


def test_report_draws_it(network: Network) -> None:
    """The report's boxes are made of the same object, and where branches meet."""
    drawn = picture(
        describe(network), {"layers": [{"name": "spread", "pe": 2, "simd": 1, "cycles": 648, "memory": "lut"}]}
    )
    kinds = {row[0]: row[1] for row in EXPECTED}
    assert [box.title for box in drawn.boxes] == [n for n, kind in kinds.items() if kind not in ("residual", "output")]
    assert {join.title for join in drawn.joins} == {name for name, kind in kinds.items() if kind == "residual"}
    assert [(box.folding, box.cycles) for box in drawn.boxes if box.title == "spread"] == [("PE 2 × SIMD 1, lut", 648)]


INPUTS: list[tuple[InputSpec, dict[str, object], list[str]]] = [
    (
        InputSpec((2, 3, 4), DataType("uint", 2), (0.5, 1.5, 2.5)),
        {"per": "input", "rows": 1, "levels": 3, "range": [0.5, 2.5], "falling": 0},
        ["input 2 x 3 x 4, uint2", "thresholds 3, one row for all elements, from 0.5 to 2.5"],
    ),
    (
        InputSpec((2, 3, 4), BIPOLAR, ((0.25,), (-3.0,)), (True, False), "hwc"),
        {"per": "channel", "rows": 2, "levels": 1, "range": [-3.0, 0.25], "falling": 1},
        [
            "input 2 x 3 x 4, bipolar",
            "samples 3 x 4 x 2, layout hwc",
            "thresholds 1, one row per channel, 2 rows, 1 of them falling, from -3 to 0.25",
        ],
    ),
    (
        InputSpec((3,), BIPOLAR, ((np.inf,), (2.0,), (1e9,))),
        {"per": "channel", "rows": 3, "levels": 1, "range": [2.0, 1e9], "falling": 0},
        ["input 3, bipolar", "thresholds 1, one row per channel, 3 rows, from 2 to 1e+09"],
    ),
    (
        InputSpec((1, 2, 2), BIPOLAR, tuple((float(n),) for n in range(4)), layout="wch"),
        {"per": "element", "rows": 4, "levels": 1, "range": [0.0, 3.0], "falling": 0},
        [
            "input 1 x 2 x 2, bipolar",
            "samples 2 x 1 x 2, layout wch",
            "thresholds 1, one row per element, 4 rows, from 0 to 3",
        ],
    ),
    (
        InputSpec((2,), BIPOLAR, (np.inf,)),
        {"per": "input", "rows": 1, "levels": 1, "range": None, "falling": 0},
        ["input 2, bipolar", "thresholds 1, one row for all elements, none of them finite"],
    ),
]


@pytest.mark.parametrize("spec, thresholds, lines", INPUTS)
def test_input(tmp_path: Path, spec: InputSpec, thresholds: dict[str, object], lines: list[str]) -> None:
    bits = BitMatrix.from_bits(np.zeros((2, spec.elements), np.uint8))
    path = tmp_path / "n.bnn"
    last = Dense("last", spec.dtype, (WeightPlane(1, bits),), None)
    archive.save(Network(spec, (last, Output.plain("output", 2))), path)
    assert json.loads(run("show", path, "--json").stdout)["input"] == {
        "shape": list(spec.shape),
        "type": str(spec.dtype),
        "bits": spec.dtype.bits,
        "elements": spec.elements,
        "sample_shape": list(spec.sample_shape),
        "layout": spec.layout,
        "thresholds": thresholds,
    }
    assert run("show", path).stdout.splitlines()[: len(lines)] == lines
