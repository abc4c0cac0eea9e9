"""Every kind of layer in C: scores and classes of the reference, under the sanitizers, in words of 32 and 64 bits."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bnnhw import reference
from bnnhw.c import to_c
from bnnhw.errors import NetworkError
from bnnhw.ir import (
    Affine,
    BitMatrix,
    Concat,
    DataType,
    InputSpec,
    Layer,
    Lookup,
    Network,
    Output,
    Quantize,
    Residual,
    Thresholds,
    WeightPlane,
)
from tests.c.compiled import STRICT, results
from tests.layers import Branch, MapNetwork, random_layer, random_network

RNG = np.random.default_rng(5)


def ended(maps: MapNetwork) -> Network:
    return maps.folded().network


def chain(shape: tuple[int, ...], dtype: str, *layers: Layer, output: Output | None = None) -> Network:
    classes = layers[-1].shape_out[0]
    return Network(InputSpec(shape, DataType.parse(dtype)), (*layers, output or Output.plain("output", classes)))


def wide(low: int, high: int, levels: str, channels: int, dtype: str, name: str = "narrow") -> Quantize:
    """Thresholds of all the range, its ends among them."""
    out = DataType.parse(levels)
    values = np.sort(RNG.integers(low, high + 2, (channels, out.levels - 1)), axis=1)
    values[0, 0], values[-1, -1] = low, high + 1
    return Quantize(name, (channels, 1, 1), DataType.parse(dtype), Thresholds(values, out))


def joined(flat: bool) -> Concat:
    """Branches of several types: bits beside numbers, or of one type that words are copied of."""
    start = DataType("int", 3)

    def branch(outputs: int, kind: str | None, prefix: str) -> tuple[Layer, ...]:
        kernel = (2, 2) if flat and prefix == "b" else (1, 1)
        return tuple(Branch(RNG, (3, 4, 5), start, prefix).conv(outputs, kernel, (1, 1), output=kind).layers)

    return Concat(
        "joined", (3, 4, 5), start, branch(33, "uint2", "a"), branch(7, "uint2" if not flat else None, "b"), flat
    )


def networks() -> dict[str, Network]:
    """One or more of each kind, and what is at the edge of each."""
    bit = DataType("bipolar", 1)
    found = {
        "dense": MapNetwork((70, 1, 1)).dense(64, (1, 1)).dense(65, (1, 1)).dense(10, (1, 1), None),
        "one_word": MapNetwork((3, 1, 1), "int4").dense(5, (1, 1), "uint2").dense(4, (1, 1), None),
        "planes": MapNetwork((49, 1, 1), "int4")
        .dense(40, (1, 1), "int3", coefficients=(1, 2, -4))
        .dense(20, (1, 1), "uint8", coefficients=(1, 1))
        .dense(3, (1, 1), None, coefficients=(-3,)),
        "conv": MapNetwork((3, 9, 8), "int8")
        .conv(33, (3, 3), (1, 1), padding=(1, 0, 1, 2), code=200)
        .conv(8, (3, 2), (1, 1), stride=(2, 1), padding=(1, 1, 1, 1), code=1)
        .conv(5, (2, 2), (1, 1), dilation=(2, 3), padding=(2, 3, 2, 3), code=1, output="int2")
        .dense(10, (1, 1), None),
        "signal": MapNetwork((2, 1, 60), "uint3")
        .conv(16, (1, 9), (1, 1), stride=(1, 2), padding=(0, 4, 0, 4))
        .pool((1, 2), (1, 2))
        .conv(32, (1, 5), (1, 1), dilation=(1, 2))
        .dense(2, (1, 1), None),
        "depthwise": MapNetwork((6, 7, 7), "uint2")
        .conv(12, (3, 3), (1, 1), padding=(1, 1, 1, 1), code=3, depthwise=True)
        .conv(12, (7, 6), (1, 1), padding=(3, 3, 3, 3), code=1, depthwise=True, coefficients=(1, 2))
        .dense(4, (1, 1), None),
        "max_pool": MapNetwork((35, 6, 7))
        .pool((3, 2), (2, 2), padding=(1, 1, 1, 0), kind="mixed")
        .conv(9, (1, 1), (1, 1), output="int3")
        .pool((2, 3), (1, 1), padding=(1, 1, 0, 1), kind="mixed")
        .conv(9, (2, 2), (1, 1), output=None)
        .pool((2, 2), (1, 1), kind="mixed")
        .quantize("uint3")
        .dense(4, (1, 1), None),
        # Nothing reads a single element: the function that does would be one too many.
        "bits": MapNetwork((8, 6, 8)).pool((1, 1), (1, 1)).dense(2, (1, 1), None),
        "sum_pool": MapNetwork((5, 6, 6))
        .pool((3, 3), (2, 2), padding=(1, 1, 1, 1), kind="sum")
        .conv(9, (1, 1), (1, 1), output=None, coefficients=(40,))
        .pool((3, 3), (1, 1), kind="sum"),
        # Tables at every position: of elements beyond a word, padding of either bit and of codes, results of several.
        "lookup_conv": MapNetwork((35, 5, 4))
        .lookup(33, 4, (3, 2), padding=(1, 1, 1, 0), stride=(2, 1), code=1)
        .lookup(6, 8, (2, 2), dilation=(2, 1), padding=(1, 1, 1, 1), output="int3")
        .lookup(5, 2, (2, 1), padding=(1, 0, 1, 0), code=6, output="uint4")
        .dense(4, (1, 1), None),
        "residual": MapNetwork((4, 5, 5), "int3")
        .residual(
            lambda b: b.conv(4, (3, 3), (1, 1), padding=(1, 1, 1, 1), code=2).residual(
                lambda c: c.conv(4, (1, 1), (1, 1), output=None), lambda c: c.affine()
            ),
            lambda b: b.conv(4, (1, 1), (1, 1), output="uint4"),
        )
        .quantize()
        .residual(lambda b: b.conv(4, (1, 1), (1, 1), output=None))
        .quantize("int4")
        .dense(6, (1, 1), None),
        "single": MapNetwork((40, 1, 1)).dense(30, (1, 1)).dense(1, (1, 1), None),
    }
    made = {name: ended(maps) for name, maps in found.items()}
    single = made["single"]
    made["single"] = replace(
        single, layers=(*single.chain, Output("sign", np.array([-2]), np.array([single.chain[-1].emitted[1]])))
    )
    ties = random_layer(RNG, 8, 12, output=None)
    halves = BitMatrix.from_bits(np.tile(ties.weights[0].bits.bits()[:4], (2, 1)))
    made["ties"] = chain((12,), "bipolar", replace(ties, weights=(WeightPlane(1, halves),)))
    factors = Output("scores", RNG.integers(-(1 << 40), 1 << 40, 7), RNG.integers(-(1 << 50), 1 << 50, 7))
    made["long_scores"] = chain((20,), "int2", random_layer(RNG, 7, 20, "int2", None), output=factors)
    # Accumulators of more than 32 bits, and thresholds among them.
    made["long_sums"] = chain(
        (9,), "int8", random_layer(RNG, 6, 9, "int8", "uint3", ((1 << 31) - 1, -(1 << 30))),
        random_layer(RNG, 3, 6, "uint3", None, name="last"),
    )  # fmt: skip
    # Elements of 32 bits, with and without a sign, and of 16.
    for name, factor, kind in (("uint32", 16843009, "uint32"), ("int32", -8421504, "int32"), ("uint16", 257, "uint16")):
        grow = Affine("grow", (9, 1, 1), DataType("uint", 8), np.full(9, factor), np.arange(9) // 9)
        assert str(grow.output) == kind
        least = wide(grow.output.minimum, grow.output.maximum, "int2", 9, kind)
        made[f"wide_{name}"] = chain((9,), "uint8", grow, least, random_layer(RNG, 4, 9, "int2", None))
    # Levels of more than 8 bits, which lie as integers.
    made["levels"] = chain((9,), "uint8", wide(0, 255, "int9", 9, "uint8", "many"), wide(-256, 255, "uint2", 9, "int9"),
                           random_layer(RNG, 4, 9, "uint2", None))  # fmt: skip
    for flat in (False, True):
        join = joined(flat)
        inside: list[Layer] = [join]
        if join.output.bits > 8:
            inside.append(wide(-99, 99, "uint2", join.shape_out[0], str(join.output)))
        last = random_layer(RNG, 3, int(np.prod(join.shape_out)), str(inside[-1].output), None)
        made["flat" if flat else "concat"] = chain((3, 4, 5), "int3", *inside, last)
    # Tables of one and of several bits, over elements beyond a word, and of a map.
    tables: list[Layer] = []
    for number, (inputs, neurons, fan_in, kind, emits) in enumerate(
        [(70, 66, 4, "bipolar", "bipolar"), (66, 9, 8, "bipolar", "int3"), (9, 12, 2, "int3", "uint8")]
    ):
        start, out = DataType.parse(kind), DataType.parse(emits)
        entries = RNG.integers(0, out.levels, (neurons, 1 << (fan_in * start.bits)))
        sources = RNG.integers(0, inputs, (neurons, fan_in))
        tables.append(Lookup(f"tables{number}", inputs, start, sources, entries, out))
    made["lookup"] = chain((2, 7, 5), "bipolar", *tables, random_layer(RNG, 3, 12, "uint8", None))
    start = DataType("uint", 3)
    twice = Concat("twice", (5, 1, 1), start, (), ())
    summed = Residual("sum", (10, 1, 1), start, (random_layer(RNG, 10, 10, "uint3", "int5", name="body"),))
    made["identity"] = chain((5,), "uint3", twice, summed, random_layer(RNG, 3, 10, str(summed.output), None, name="l"))
    # Names that C has, that the program has, that are alike once they are names, and that would end a comment.
    names = ("int", "run", "encode", "matches", "é", "*/ /* ??/\\", "a b", "a-b", "a_b", "word", "words", "s", "x")
    layers = [random_layer(RNG, 6, 6, name=name) for name in names]
    made["names"] = chain((6,), "bipolar", *layers, random_layer(RNG, 3, 6, output=None, name="output_"))
    assert bit == made["names"].input.dtype
    return {**made, **{f"random{seed}": random_network(seed).network for seed in range(6)}}


def check(folder: Path, made: dict[str, Network], word_bits: int, flags: tuple[str, ...] | None = None) -> None:
    rng = np.random.default_rng(word_bits)
    codes = {
        name: rng.integers(0, network.input.dtype.levels, (12, network.input.elements)).astype(np.uint8)
        for name, network in made.items()
    }
    for each in codes.values():
        each[0], each[1] = 0, each.max()
    found = results(folder, made, codes, word_bits, *(() if flags is None else (flags,)))
    for name, network in made.items():
        expected = reference.evaluate(network, codes[name])
        assert found[name] == (expected.classes.tolist(), expected.scores.tolist()), name


@pytest.mark.parametrize("word_bits", [32, 64])
def test_every_kind(word_bits: int, tmp_path: Path) -> None:
    check(tmp_path, networks(), word_bits)


def test_ties_and_signs_occur() -> None:
    """Of what is tested above: equal scores at the top, and both signs of a single score."""
    made, rng = networks(), np.random.default_rng(0)
    scores = reference.evaluate(made["ties"], rng.integers(0, 2, (50, 12)).astype(np.uint8)).scores
    assert (np.sort(scores, axis=1)[:, -1] == np.sort(scores, axis=1)[:, -2]).all()
    assert set(reference.evaluate(made["single"], rng.integers(0, 2, (50, 40)).astype(np.uint8)).classes) == {0, 1}


def test_popcount_of_the_processor(tmp_path: Path) -> None:
    made = {name: network for name, network in networks().items() if name in ("dense", "one_word", "conv")}
    flags = tuple(f"-D{name}_POPCOUNT=__builtin_popcountll" for name in made)
    check(tmp_path, made, 64, (*STRICT[:-1], "-O2", *flags))


def test_numbers_that_no_type_holds() -> None:
    huge = chain(
        (8,),
        "uint8",
        random_layer(RNG, 2, 8, "uint8", "uint2", ((1 << 52),)),
        random_layer(RNG, 2, 2, "uint2", None, name="l"),
    )
    with pytest.raises(NetworkError, match=r"^layer layer: accumulators must be below 2\*\*62$"):
        to_c(huge, "huge")
    output = Output("scores", np.array([1 << 62]), np.array([0]))
    with pytest.raises(NetworkError, match=r"^layer scores: scores must be below 2\*\*63$"):
        to_c(chain((8,), "uint8", random_layer(RNG, 1, 8, "uint8", None), output=output), "huge")


def test_equal_tables_are_kept_once() -> None:
    layer = random_layer(RNG, 32, 32)
    network = chain(
        (32,), "bipolar", layer, replace(layer, name="again"), random_layer(RNG, 2, 32, output=None, name="l")
    )
    code = to_c(network, "n")
    # Weights of 4 bytes and thresholds of one, once; then the last layer's weights.
    assert code.table_bytes == 32 * 4 + 32 + 2 * 4
    assert code.source.count("n_layer_weights[n]") == 2


def test_what_is_left_of_a_row_takes_no_word() -> None:
    def table_bytes(synapses: int, word_bits: int) -> int:
        return to_c(
            chain((synapses,), "bipolar", random_layer(RNG, 10, synapses, output=None)), "n", word_bits=word_bits
        ).table_bytes

    assert [table_bytes(k, 32) for k in (3, 32, 40, 48, 49, 784)] == [10, 40, 50, 60, 80, 980]
    assert [table_bytes(k, 64) for k in (3, 32, 40, 64, 72, 784)] == [10, 40, 80, 80, 90, 980]
