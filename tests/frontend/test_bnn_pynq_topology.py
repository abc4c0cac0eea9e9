"""Shapes of layers by the sizes of their files, and what the files hold, without a folder."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from bnnhw.errors import BnnhwError, FileError, RequestError
from bnnhw.frontend.bnn_pynq.files import LayerFiles, _one_size, layer_files, list_files
from bnnhw.frontend.bnn_pynq.folder import _highest_bit, _last_thresholds
from bnnhw.frontend.bnn_pynq.layers import CLIP, product, scores, with_bounds
from bnnhw.frontend.bnn_pynq.matrix import LayerWords, weight_bits
from bnnhw.frontend.bnn_pynq.topology import (
    CNV_ROWS,
    LFC,
    MAX_WEIGHTS,
    Shape,
    Topology,
    is_cnv,
    per_neuron,
    resolve,
    shape_of,
)
from bnnhw.ir import DataType
from bnnhw.ir.arithmetic import weight_values

BIPOLAR = DataType("bipolar", 1)


def files(number: int, elements: int, words: int, values: int) -> LayerFiles:
    paths = tuple(Path(f"{number}-{p}-weights.bin") for p in range(elements))
    return LayerFiles(number, paths, paths if values else (), words, values)


@pytest.mark.parametrize("elements, words, rows, columns, simd", [
    (4, 8, 8, 128, 32), (1, 8, 8, 64, 64), (8, 1, 8, 64, 64), (2, 32, 4, 16, 1), (1, 64, 64, 1, 1), (4, 2, 8, 64, 64),
])  # fmt: skip
def test_lanes_of_a_word(elements: int, words: int, rows: int, columns: int, simd: int) -> None:
    assert shape_of(files(0, elements, words, 1), rows, columns, 1) == Shape(rows, columns, simd, 1)


@pytest.mark.parametrize("elements, words, rows, columns, message", [
    (4, 8, 10, 128, "layer 2: 4 elements of 8 words must hold 10 neurons, the same number each"),
    (4, 9, 8, 128, "layer 2: 4 elements of 9 words must hold 8 neurons, the same number each"),
    (4, 6, 8, 128, "layer 2: 3 words per neuron must divide its 128 inputs into words of at most 64 bits"),
    (4, 2, 8, 128, "layer 2: 1 words per neuron must divide its 128 inputs into words of at most 64 bits"),
    (4, 2, 8, 65, "layer 2: 1 words per neuron must divide its 65 inputs into words of at most 64 bits"),
])  # fmt: skip
def test_words_that_hold_no_such_layer(elements: int, words: int, rows: int, columns: int, message: str) -> None:
    with pytest.raises(FileError, match=rf"^{re.escape(message)}$"):
        shape_of(files(2, elements, words, 1), rows, columns, 1)


def test_most_weights() -> None:
    assert MAX_WEIGHTS == 67_108_864
    assert shape_of(files(0, 1, 1 << 20, 1), 1 << 20, 64, 1).simd == 64
    with pytest.raises(BnnhwError, match=r"^layer 0: must have at most 67108864 weights, not 1048577 x 64$"):
        shape_of(files(0, 1, (1 << 20) + 1, 1), (1 << 20) + 1, 64, 1)


@pytest.mark.parametrize("totals, rows, number", [
    ((8, 4), (8, 4), 1), ((16, 8), (8, 4), 2), ((16, 4), (8, 4), None), ((24, 12), (8, 4), None), ((8, 5),
    (8, 4), None),
    ((), (), 1),
])  # fmt: skip
def test_thresholds_of_a_neuron(totals: tuple[int, ...], rows: tuple[int, ...], number: int | None) -> None:
    assert per_neuron([files(n, 1, 1, total) for n, total in enumerate(totals)], rows) == number


def cnv(last: int = 64, number: int = 1) -> list[LayerFiles]:
    return [files(n, 1, 1, number * rows) for n, rows in enumerate(CNV_ROWS)] + [files(8, 1, 1, last)]


def test_what_is_meant_as_cnv() -> None:
    """Nine layers of its rows, or of which the last has no thresholds."""
    assert (
        is_cnv(cnv())
        and is_cnv(cnv(number=2))
        and is_cnv(cnv(0))
        and is_cnv([files(0, 1, 1, 3)] * 8 + [files(8, 1, 1, 0)])
    )
    assert (
        not is_cnv([files(0, 1, 1, 3)] * 9)
        and not is_cnv(cnv()[:-1])
        and not is_cnv(cnv()[1:])
        and not is_cnv(cnv()[:1] + cnv())
    )


def lfc(number: int = 1, last: int = 16) -> list[LayerFiles]:
    """Each with one word for 64 inputs of a neuron."""
    words = (1024 * 13, 1024 * 16, 1024 * 16, last * 16)
    return [files(n, 1, w, t) for n, (w, t) in enumerate(zip(words, (*[1024 * number] * 3, last), strict=True))]


def test_networks_that_are_known() -> None:
    """LFC by its rows; its classes are ten, or those of the file."""
    assert resolve(lfc(), None, None)[0] == LFC and str(LFC) == "784-1024-1024-1024-10"
    found, shapes = resolve(lfc(2), 12, None)
    assert found == Topology((784, 1024, 1024, 1024, 12))
    assert shapes == [Shape(1024, 832, 64, 2), *[Shape(1024, 1024, 64, 2)] * 2, Shape(16, 1024, 64, 1)]
    assert resolve(lfc(last=16), 16, None)[0].sizes[-1] == 16
    with pytest.raises(FileError, match=r"^classes\.txt must have at most 16 classes, the last layer's rows, not 17$"):
        resolve(lfc(), 17, None)
    for layers in (lfc()[:-1], [lfc()[0], *lfc()]):
        with pytest.raises(BnnhwError, match="thresholds are of no network known"):
            resolve(layers, None, None)


@pytest.mark.parametrize("text, classes, message", [
    ("70-8-8-3", None, "topology 70-8-8-3 must have 2 layers, not 3"),
    ("70-8", None, "topology 70-8 must have 2 layers, not 1"),
    ("70-7-3", None, "topology 70-7-3: layer 0 must have one or two thresholds for each of its 7 neurons, not 8"),
    ("70-3-3", None, "topology 70-3-3: layer 0 must have one or two thresholds for each of its 3 neurons, not 8"),
    ("70-8-5", None, "topology 70-8-5: classes must be at most the 4 rows of the last layer"),
    ("70-8-3", 4, "topology 70-8-3: classes must be the 4 of classes.txt, not 3"),
    ("70-8-3", 3, None), ("70-8-4", None, None), ("70-8-4", 4, None), ("70-4-4", None, None), ("128-8-1", None, None),
    ("65-8-1", None, None),
])  # fmt: skip
def test_topologies_that_a_user_states(text: str, classes: int | None, message: str | None) -> None:
    hidden = int(text.split("-")[1])
    layers = [files(0, 1, 2 * hidden, 8), files(1, 1, 4, 4)]
    if message is not None:
        with pytest.raises(RequestError, match=rf"^{re.escape(message)}$"):
            resolve(layers, classes, Topology.parse(text))
        return
    found, shapes = resolve(layers, classes, Topology.parse(text))
    assert str(found) == text
    assert shapes == [Shape(hidden, 128, 64, 8 // hidden), Shape(4, hidden, hidden, 1)]


@pytest.mark.parametrize("text, good", [
    ("1-1", True), ("784-10", True), ("999999-1", True), ("1000000-1", False), ("0-1", False), ("1-0", False),
    ("1-01", False), ("784", False), ("784-", False), ("-784-10", False), ("784-10-", False), ("a-b", False),
])  # fmt: skip
def test_words_of_a_topology(text: str, good: bool) -> None:
    if good:
        assert str(Topology.parse(text)) == text
        return
    with pytest.raises(RequestError, match=r"^topology must be sizes joined by '-', inputs first"):
        Topology.parse(text)


def words(*values: list[int]) -> LayerWords:
    names = tuple(Path(f"0-{p}-weights.bin") for p in range(len(values)))
    return LayerWords(LayerFiles(0, names, (), len(values[0]), 0), tuple(np.array(v, np.uint64) for v in values), ())


def test_bits_above_a_word_s_weights() -> None:
    found = words([0, 0b0111], [0b1000, 1])
    assert [found.above(n) for n in (2, 3, 4)] == ["0-0-weights.bin", "0-1-weights.bin", None]
    assert words([1 << 63]).above(63) == "0-0-weights.bin" and words([1 << 63]).above(64) is None
    assert (
        words([0b111101], [0b000000]).minus_two() is None
        and words([0b01], [0b0100, 0b1000]).minus_two() == "0-1-weights.bin"
    )
    assert words([1 << 63]).minus_two() == "0-0-weights.bin"


def test_weights_by_element_and_lane() -> None:
    """Element p has the neurons p, p + 2, ..; two words of two lanes each."""
    found = words([0b01, 0b10, 0b11, 0b00], [0b10, 0b10, 0b00, 0b01])
    assert found.weights(Shape(4, 4, 2, 1), 1).tolist() == [
        [1, -1, -1, 1],
        [-1, 1, -1, 1],
        [1, 1, -1, -1],
        [-1, -1, 1, -1],
    ]
    two = words([0b1101, 0b0011])
    assert two.weights(Shape(1, 4, 2, 2), 2).tolist() == [[1, -1, -1, 0]]
    with pytest.raises(FileError, match=r"^0-0-weights\.bin: words must have 1 bits, and have bits above them$"):
        found.weights(Shape(4, 4, 1, 1), 1)
    values = LayerWords(two.files, (), (np.array([1, 2, 5, 6]),))
    assert values.thresholds(Shape(2, 4, 2, 2)).tolist() == [[1, 2], [5, 6]]


@pytest.mark.parametrize("thresholds, simd, values, bits", [
    (2, 2, [0b0111], 2), (1, 2, [0b0111], 1), (2, 4, [0b0111], 1), (2, 32, [1 << 32 | 1 << 33], 2), (2, 33, [0b11], 1),
    (2, 32, [3 << 32], 2), (2, 2, [0b0011], 1),
])  # fmt: skip
def test_bits_of_a_weight(thresholds: int, simd: int, values: list[int], bits: int) -> None:
    assert weight_bits([words(values)], [Shape(1, simd, simd, thresholds)]) == bits


def test_minus_two_is_damage() -> None:
    with pytest.raises(FileError, match=r"^0-0-weights\.bin: words must have 2 bits, .* and 0-0-weights\.bin has -2$"):
        weight_bits([words([0b1011])], [Shape(1, 2, 2, 2)])


def test_layers_by_hand() -> None:
    """Weights of -1, 0 and +1 are two planes; thresholds are clamped to what sums reach."""
    ternary, binary = (
        product("d", BIPOLAR, np.array(w, np.int8)) for w in ([[1, 0, -1], [1, 1, 0]], [[1, -1, 1], [1, 1, 1]])
    )
    assert (len(ternary.weights), len(binary.weights)) == (2, 1)
    assert weight_values(ternary).tolist() == [[2, 0, -2], [2, 2, 0]] and weight_values(binary).tolist() == [
        [1, -1, 1],
        [1, 1, 1],
    ]
    # Sums of -3, -1, 1, 3: at least 0 is two matches of three.
    found = with_bounds(binary, np.array([[0], [-CLIP]])).activation
    assert found is not None and found.values.tolist() == [[2], [0]]  # type: ignore[union-attr]
    found = with_bounds(binary, np.array([[1, -1], [CLIP, 2]])).activation
    assert found.values.tolist() == [[0, 1, 2], [0, 3, 4]]  # type: ignore[union-attr]
    assert str(found.dtype) == "int2"  # type: ignore[union-attr]
    # Twice a sum of -2 .. 2 in accumulators of 0 .. 6.
    found = with_bounds(ternary, np.array([[0], [1]])).activation
    assert found.values.tolist() == [[3], [4]]  # type: ignore[union-attr]


@pytest.mark.parametrize("weights, thresholds, matches, multiplier, offset", [
    ([[1, -1, 1], [1, 1, 1]], [2, 0], True, 1, [-2, 0]), ([[1, -1, 1]], [2], True, 1, [-3]),
    ([[1, -1, 1], [1, 1, 1]], [1, -1], False, 2, [-4, -2]), ([[1, 0, 1], [1, 1, 1]], [1, -1], False, 2, [-8, -4]),
    ([[1, -1, 1]], [1], False, 2, [-5]),
])  # fmt: skip
def test_scores_are_what_exceeds_a_threshold(
    weights: list[list[int]], thresholds: list[int], matches: bool, multiplier: int, offset: list[int]
) -> None:
    """A single neuron fires where it exceeds its own: one less."""
    output = scores(product("d", BIPOLAR, np.array(weights, np.int8)), np.array(thresholds), matches)
    assert (output.multiplier.tolist(), output.offset.tolist()) == ([multiplier] * len(weights), offset)


def test_the_highest_bit() -> None:
    """Of class i the accumulator is C - 1 and two more where its bit is set: scores of 0 and 2 * (i + 1)."""
    dense, output = _highest_bit(3)
    bits = np.array([[-1, -1, -1], [1, -1, -1], [-1, 1, 1], [1, 1, -1]])
    acc = sum(
        (plane.coefficient * (bits[:, None, :] == 2 * plane.bits.bits()[None].astype(int) - 1).sum(2))
        for plane in dense.weights
    )
    assert (output.multiplier * acc + output.offset).tolist() == [[0, 0, 0], [2, 0, 0], [0, 4, 6], [2, 4, 0]]
    dense, output = _highest_bit(1)
    assert (output.multiplier.tolist(), output.offset.tolist()) == ([1], [-1])


def test_the_last_thresholds_have_bounds() -> None:
    good = np.array([[1 << 31], [-(1 << 31)]])
    assert _last_thresholds(good, 3) is good
    for wrong in ((1 << 31) + 1, -(1 << 31) - 1):
        with pytest.raises(
            BnnhwError, match=rf"^layer 3: the threshold of class 1 must be within 2147483648, not {wrong}$"
        ):
            _last_thresholds(np.array([[0], [wrong]]), 3)


@pytest.mark.parametrize("sizes, message", [
    ([16, 16], None), ([16, 8], "b must have 16 bytes like a, not 8"), ([8, 16], "b must have 8 bytes like a, not 16"),
    ([9, 9], "a must have whole 8-byte words, not 9 bytes"), ([0, 0], "a must have whole 8-byte words, not 0 bytes"),
    ([8, 8], None),
])  # fmt: skip
def test_files_of_one_size(sizes: list[int], message: str | None) -> None:
    named = dict(zip("ab", sizes, strict=True))
    if message is None:
        assert _one_size(named, ["a", "b"]) == sizes[0] // 8
        return
    with pytest.raises(FileError, match=rf"^{message}$"):
        _one_size(named, ["a", "b"])


def test_files_of_layers() -> None:
    """As many elements as the highest number says; the last layer of nine may have no thresholds."""
    folder = Path("f")
    sizes = {f"{n}-{p}-{kind}.bin": 16 for n in range(2) for p in range(3) for kind in ("weights", "thres")}
    found = layer_files(folder, sizes, bare=9)
    assert [(layer.number, layer.elements, layer.words, layer.values, layer.total) for layer in found] == [
        (0, 3, 2, 2, 6), (1, 3, 2, 2, 6),
    ]  # fmt: skip
    for missing in ("0-1-weights.bin", "1-2-thres.bin", "0-2-thres.bin"):
        with pytest.raises(FileError, match=rf"^{missing} is missing$"):
            layer_files(folder, {name: size for name, size in sizes.items() if name != missing}, bare=9)
    bare = {name: size for name, size in sizes.items() if not name.startswith("1-") or "weights" in name}
    last = layer_files(folder, bare, bare=2)[1]
    assert (last.thresholds, last.values, last.words) == ((), 0, 2)
    for depth in (1, 3):
        with pytest.raises(FileError, match=r"^1-0-thres\.bin is missing$"):
            layer_files(folder, bare, bare=depth)
    with pytest.raises(FileError, match=r"^1-0-weights\.bin is missing$"):
        layer_files(folder, {**{f"0-0-{kind}.bin": 8 for kind in ("weights", "thres")}, "2-0-weights.bin": 8}, bare=9)
    with pytest.raises(FileError, match="must hold a BNN-PYNQ network"):
        layer_files(folder, {"classes.txt": 3}, bare=9)


@pytest.mark.parametrize("name, good", [
    ("0-0-weights.bin", True), ("12-99999-thres.bin", True), ("classes.txt", True), ("readme.md", None),
    ("00-0-thres.bin", False),
    ("0-100000-thres.bin", False), ("0-0-weight.bin", False), ("0-weights.bin", False),
])  # fmt: skip
def test_names(tmp_path: Path, name: str, good: bool | None) -> None:
    (tmp_path / name).write_bytes(b"12345678")
    if good is False:
        with pytest.raises(FileError, match=r"must be named LAYER-PE-weights\.bin or LAYER-PE-thres\.bin"):
            list_files(tmp_path)
        return
    assert list_files(tmp_path) == ({name: 8} if good else {})
