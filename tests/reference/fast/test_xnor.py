"""Popcounts of packed bits against NumPy, and the reference that uses them against the one that doesn't."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from bnnhw import reference
from bnnhw.ir import BitMatrix, Conv2d, DataType, Dense, InputSpec, Output, WeightPlane, Window
from bnnhw.ir.network import Network
from bnnhw.reference.conv import Convolution
from bnnhw.reference.fast import Packed, kernels
from bnnhw.reference.fast.conv import PackedConvolution
from bnnhw.reference.fast.packed import PackedProduct, packing_pays_for
from bnnhw.reference.fast.xnor import Panels, pack, xnor_popcounts
from bnnhw.reference.kernels import PLAIN
from bnnhw.reference.product import Product
from bnnhw.reference.streamlined import evaluate, trace
from bnnhw.reference.trained import evaluate_trained
from tests.map_strategies import map_networks
from tests.strategies import fixed, frames

WAYS = ("direct", "carry_save")


def matches(x: NDArray[np.uint8], w: NDArray[np.uint8]) -> NDArray[np.int64]:
    """The definition: in how many columns row and neuron agree."""
    return np.array([[int((row == neuron).sum()) for neuron in w] for row in x], np.int64).reshape(len(x), len(w))


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Each way of counting, whichever of them this machine would take."""
    from bnnhw.reference.fast import xnor_kernel

    monkeypatch.setattr(xnor_kernel, "counts_bits_in_vectors", lambda: request.param == "direct")
    return request.param


@pytest.mark.parametrize("columns", [1, 27, 63, 64, 65, 511, 512, 513, 640, 1024, 1600])
@pytest.mark.parametrize("rows, neurons", [(1, 1), (1, 33), (3, 32), (4, 8), (5, 31), (9, 70), (8, 64)])
def test_equals_the_definition(way: str, rows: int, neurons: int, columns: int) -> None:
    generator = np.random.default_rng(columns)
    x, w = (generator.integers(0, 2, (count, columns), np.uint8) for count in (rows, neurons))
    found = xnor_popcounts(pack(x), pack(w), columns)
    assert found.dtype == np.int32
    np.testing.assert_array_equal(found, matches(x, w))


@fixed
@given(st.integers(1, 11), st.integers(1, 70), st.integers(1, 1300), st.sampled_from(WAYS))
def test_any_shape(rows: int, neurons: int, columns: int, which: str) -> None:
    generator = np.random.default_rng((rows, neurons, columns))
    x, w = (generator.integers(0, 2, (count, columns), np.uint8) for count in (rows, neurons))
    from bnnhw.reference.fast import xnor_kernel

    panels = Panels(pack(w))
    panels._count = getattr(xnor_kernel, which)
    np.testing.assert_array_equal(panels.popcounts(pack(x), columns), matches(x, w))


def test_more_rows_than_a_block(way: str) -> None:
    generator = np.random.default_rng(0)
    columns = 1 << 15
    x, w = generator.integers(0, 2, (67, columns), np.uint8), generator.integers(0, 2, (3, columns), np.uint8)
    np.testing.assert_array_equal(xnor_popcounts(pack(x), pack(w), columns), matches(x, w))


def test_all_equal_and_all_different(way: str) -> None:
    x = np.array([[1] * 1000, [0] * 1000], np.uint8)
    np.testing.assert_array_equal(xnor_popcounts(pack(x), pack(x), 1000), [[1000, 0], [0, 1000]])


@pytest.mark.parametrize("threads", [2, 3, 8])
def test_threads(threads: int) -> None:
    generator = np.random.default_rng(threads)
    x, w = generator.integers(0, 2, (7, 100), np.uint8), generator.integers(0, 2, (40, 100), np.uint8)
    np.testing.assert_array_equal(xnor_popcounts(pack(x), pack(w), 100, threads), matches(x, w))


def test_rows_of_any_layout() -> None:
    generator = np.random.default_rng(0)
    x, w = generator.integers(0, 2, (6, 128), np.uint8), generator.integers(0, 2, (5, 128), np.uint8)
    words = pack(x)
    words.setflags(write=False)
    for rows in (words, np.asfortranarray(words), np.repeat(words, 2, axis=0)[::2]):
        np.testing.assert_array_equal(xnor_popcounts(rows, pack(w), 128), matches(x, w))
    assert xnor_popcounts(words[:0], pack(w), 128).shape == (0, 5)


@pytest.mark.parametrize("columns", [1, 8, 63, 64, 72, 784, 1024])
def test_pack_keeps_every_bit_and_pads_with_zeros(columns: int) -> None:
    bits = np.random.default_rng(columns).integers(0, 2, (5, columns), np.uint8)
    words = pack(bits * np.uint8(4))
    assert words.shape == (5, -(-columns // 64))
    np.testing.assert_array_equal(np.bitwise_count(words).sum(axis=1), bits.sum(axis=1))
    unpacked = np.unpackbits(words.view(np.uint8), axis=1, bitorder="little")
    np.testing.assert_array_equal(unpacked[:, :columns], bits)


def test_errors() -> None:
    words = np.zeros((2, 3), np.uint64)
    with pytest.raises(ValueError, match=r"^x_words must be uint64 of shape \(rows, words\), not int64 of \(2, 3\)$"):
        xnor_popcounts(words.astype(np.int64), words, 10)
    with pytest.raises(ValueError, match=r"^w_words must be uint64 of shape \(rows, words\), not uint64 of \(3,\)$"):
        xnor_popcounts(words, words[0], 10)
    with pytest.raises(ValueError, match=r"^x_words must have the 3 words per row of the weights, not 2$"):
        xnor_popcounts(words[:, :2], words, 10)
    with pytest.raises(ValueError, match=r"^columns must be in 0\.\.192 for 3 words per row, not 193$"):
        xnor_popcounts(words, words, 193)
    with pytest.raises(ValueError, match=r"^threads must be at least 1, not 0$"):
        xnor_popcounts(words, words, 192, 0)
    message = r"^out must be a C-contiguous int32 array of \(2, 2\), not int64 of \(2, 2\)$"
    with pytest.raises(ValueError, match=message):
        Panels(words).popcounts(words, 192, out=np.zeros((2, 2), np.int64))


def test_out_takes_the_result() -> None:
    words = np.arange(6, dtype=np.uint64).reshape(2, 3)
    out = np.full((2, 2), -1, np.int32)
    assert Panels(words).popcounts(words, 192, out=out) is out
    np.testing.assert_array_equal(out, xnor_popcounts(words, words, 192))


def dense(
    generator: np.random.Generator, dtype: DataType, coefficients: tuple[int, ...], shape: tuple[int, int]
) -> Dense:
    planes = tuple(WeightPlane(c, BitMatrix.from_bits(generator.integers(0, 2, shape))) for c in coefficients)
    return Dense("layer", dtype, planes, None)


@pytest.mark.parametrize("text", ["bipolar", "uint1", "uint3", "int2", "int8"])
@pytest.mark.parametrize("coefficients", [(1,), (1, 2), (-3,)])
def test_planes_and_coefficients(text: str, coefficients: tuple[int, ...]) -> None:
    generator = np.random.default_rng(0)
    dtype = DataType.parse(text)
    layer = dense(generator, dtype, coefficients, (37, 130))
    codes = generator.integers(0, dtype.levels, (9, 130), np.uint8)
    plain, counted = Product(layer), PackedProduct(layer)
    np.testing.assert_array_equal(counted.accumulators(codes), plain.accumulators(codes))
    np.testing.assert_array_equal(counted.dots(codes), plain.dots(codes))
    np.testing.assert_array_equal(counted.output(codes), plain.output(codes))


@pytest.mark.parametrize("padding_code", [0, 1, 2])
@pytest.mark.parametrize("channels", [3, 64, 70])
def test_convolution(channels: int, padding_code: int) -> None:
    generator = np.random.default_rng(channels)
    dtype = DataType("uint", 2)
    window = Window(channels, 7, 6, (3, 2), (2, 1), (1, 2), (1, 0, 2, 1))
    layer = dense(generator, dtype, (1,), (11, channels * window.area))
    conv = Conv2d(window, layer, padding_code)
    codes = generator.integers(0, 4, (5, window.elements), np.uint8)
    counted = Packed(lambda *_: True).step(conv)
    np.testing.assert_array_equal(counted(codes), PackedConvolution(conv).output(codes))
    np.testing.assert_array_equal(counted(codes), Convolution(conv).output(codes))


@fixed
@given(st.data())
def test_networks(data: st.DataObject) -> None:
    network: Network = data.draw(map_networks(streamlined=data.draw(st.booleans())))
    codes = data.draw(frames(network, 3))
    results = []
    for way in (PLAIN, Packed(lambda *_: True)):
        if network.streamlined:
            scores = evaluate(network, codes, kernels=way).scores
            results.append(trace(network, codes, way) | {"scores": scores})
        else:
            results.append({"scores": evaluate_trained(network, codes, kernels=way).scores})
    assert results[0].keys() == results[1].keys()
    for name, expected in results[0].items():
        np.testing.assert_array_equal(results[1][name], expected, err_msg=name)


def test_rule(monkeypatch: pytest.MonkeyPatch) -> None:
    generator = np.random.default_rng(0)
    bipolar, byte = DataType("bipolar", 1), DataType("int", 8)
    assert packing_pays_for(dense(generator, bipolar, (1,), (4, 64)))
    assert not packing_pays_for(dense(generator, bipolar, (1,), (4, 16)))
    assert not packing_pays_for(dense(generator, byte, (1,), (4, 27)), 9)
    assert packing_pays_for(dense(generator, bipolar, (1,), (4, 9 * 64)), 9)
    assert not packing_pays_for(dense(generator, bipolar, (1,), (4, 9)), 9)
    # 64 * 2**25 = 2**31: an accumulator would no longer fit.
    assert packing_pays_for(dense(generator, bipolar, ((1 << 25) - 1,), (4, 64)))
    assert not packing_pays_for(dense(generator, bipolar, (1 << 25,), (4, 64)))


def test_a_few_frames_do_not_start_numba() -> None:
    source = (
        "import sys, numpy as np\n"
        "import bnnhw.cli, bnnhw.reference\n"
        "from bnnhw.ir import *\n"
        "d = DataType('bipolar', 1)\n"
        "w = (WeightPlane(1, BitMatrix.from_bits(np.ones((10, 64), np.uint8))),)\n"
        "n = Network(InputSpec((64,), d), (Dense('a', d, w, None), Output.plain('o', 10)))\n"
        "bnnhw.reference.evaluate(n, np.zeros((100, 64), np.uint8))\n"
        "assert 'numba' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", source], check=True)


def test_started_loops_are_used(monkeypatch: pytest.MonkeyPatch) -> None:
    generator = np.random.default_rng(0)
    layer = dense(generator, DataType("bipolar", 1), (1,), (1000, 1000))
    network = Network(InputSpec((1000,), layer.input), (layer, Output.plain("out", 1000)))
    monkeypatch.setattr(kernels, "ready", lambda: False)
    assert not kernels.packing_pays(network, kernels._START_MACS // 1_000_000)
    assert kernels.packing_pays(network, kernels._START_MACS // 1_000_000 + 1)
    assert kernels.kernels_for(network, 1) is PLAIN
    monkeypatch.setattr(kernels, "ready", lambda: True)
    assert isinstance(kernels.kernels_for(network, 1), Packed)


def test_the_oracle_does_not_know_its_kernels() -> None:
    for path in Path(reference.__file__).parent.glob("*.py"):
        if path.name != "__init__.py":
            assert not re.search(r"import.*(\bfast\b|numba)|reference\.fast.* import", path.read_text()), path.name
