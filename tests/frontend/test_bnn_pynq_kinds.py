"""The kinds of BNN-PYNQ folders: activations of three values, weights of two bits, other last layers and classes."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from bnnhw import reference
from bnnhw.datasets import load, load_split
from bnnhw.errors import FileError, RequestError, UnsupportedError
from bnnhw.frontend import read_model
from bnnhw.frontend.bnn_pynq import topology
from bnnhw.ir import Network
from bnnhw.streamline import streamline
from tests.frontend.pynq_folders import (
    CNV_COLUMNS,
    CNV_FOLDINGS,
    INT64,
    TOPOLOGY,
    Raw,
    cnv,
    layer,
    original,
    original_cnv,
    small_ternary,
    write,
)
from tests.strategies import fixed


def _scores(network: Network, samples: np.ndarray) -> list[list[int]]:
    return reference.evaluate(network, network.input.encode(samples)).scores.tolist()


@settings(fixed, max_examples=50)
@given(st.data())
def test_any_folder(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    """Two thresholds a neuron anywhere in int64 and in any order, both widths of weights, both decodings."""
    extremes = st.sampled_from([INT64.min, INT64.min + 1, -10272, -2, -1, 0, 1, 9, 32767, INT64.max - 1, INT64.max])
    rng = np.random.default_rng(data.draw(st.integers(0, 1 << 32)))
    inputs, hidden, rows = data.draw(st.integers(1, 130)), data.draw(st.sampled_from([4, 8, 12])), 4
    bits = data.draw(st.sampled_from([1, 2]))
    columns = -(-inputs // 64) * 64
    pe, simd = st.sampled_from([1, 2, 4]), st.sampled_from([1, 8, 64 // bits])
    first = layer(rng, hidden, columns, data.draw(pe), data.draw(simd), 2, bits)
    assert first.thresholds is not None
    hit = data.draw(hnp.arrays(np.bool_, (hidden, 2)))
    first.thresholds[hit] = data.draw(st.lists(extremes, min_size=int(hit.sum()), max_size=int(hit.sum())))
    second = layer(rng, hidden, hidden, data.draw(pe), data.draw(st.sampled_from([1, 2, 4])), 2, bits)
    last = layer(rng, rows, hidden, data.draw(pe), data.draw(st.sampled_from([1, 2, 4])), 2, bits)
    assert last.thresholds is not None
    last = replace(last, thresholds=last.thresholds[:, :1])
    # What shows that weights have two bits: a word whose upper half is not 0.
    first.weights[0, first.simd - 1] = -1
    classes = data.draw(st.integers(1, rows))
    layers = [first, second, last]
    folder = write(tmp_path_factory.mktemp("folder"), layers)
    pixels = data.draw(hnp.arrays(np.uint8, (6, inputs)))
    margins = original(layers, pixels)[:, :classes]

    sizes = f"{inputs}-{hidden}-{hidden}-{classes}"
    network = streamline(read_model(folder, topology=sizes).network).network
    # Scores of weights with zeros are twice the margins.
    unit = 1 if last.weights[:classes].all() else 2
    # A single neuron fires where its margin is above 0.
    assert _scores(network, pixels) == (unit * margins - (classes == 1)).tolist()

    network = streamline(read_model(folder, topology=sizes, decode="highest-bit").network).network
    found = reference.evaluate(network, network.input.encode(pixels))
    fired = [[i for i in range(classes) if row[i] > 0] for row in margins.tolist()]
    assert found.classes.tolist() == [max(row, default=0) if classes > 1 else len(row) for row in fired]


@pytest.mark.parametrize(
    "thresholds, bits, rows, last_thresholds, classes",
    [
        pytest.param(1, 1, 64, False, 44, id="W1A1, traffic signs"),
        pytest.param(1, 1, 12, True, 10, id="W1A1, house numbers"),
        pytest.param(1, 1, 12, False, 10, id="W1A1, not padded"),
        pytest.param(2, 1, 64, False, 10, id="W1A2"),
        pytest.param(2, 1, 12, True, 11, id="W1A2, not padded"),
        pytest.param(2, 2, 64, False, 10, id="W2A2"),
        pytest.param(2, 2, 64, True, 10, id="W2A2, thresholds"),
    ],
)
def test_cnv(tmp_path: Path, thresholds: int, bits: int, rows: int, last_thresholds: bool, classes: int) -> None:
    """CNV in the published foldings: the sums of the overlays' arithmetic, for noise, black and white."""
    layers = cnv(1, thresholds, bits, rows, last_thresholds)
    folder = write(tmp_path / "f", layers, classes)
    model = read_model(folder)
    assert len(model.network.provenance["classes"].split(", ")) == classes
    warning = "thresholds of layer 8 are left out, as CNV's overlays do: the class is that of the greatest sum"
    assert model.warnings == ((warning,) if last_thresholds else ())
    images = np.random.default_rng(0).integers(0, 256, (3, 3, 32, 32), np.uint8)
    images[0] = 255
    expected = original_cnv(layers, images)[:, :classes]
    assert len(np.unique(expected)) > 8
    assert _scores(model.network, images) == (bits * expected).tolist()


def test_lfc_with_other_classes(tmp_path: Path) -> None:
    """LFC's rows with 47 classes in 48 rows, as the folder of characters has them."""
    rng = np.random.default_rng(0)
    sizes = ((1024, 832, 32, 64), (1024, 1024, 64, 32), (1024, 1024, 32, 64), (48, 1024, 16, 8))
    layers = [layer(rng, *size) for size in sizes]
    network = read_model(write(tmp_path / "f", layers, 47)).network
    assert network.provenance["topology"] == "784-1024-1024-1024-47"
    pixels = rng.integers(0, 256, (3, 784), np.uint8)
    assert _scores(network, pixels) == original(layers, pixels)[:, :47].tolist()


@pytest.mark.parametrize("decode, correct", [("argmax", 9855), ("highest-bit", 9849)])
def test_lfc_w1a2(shared: Path, decode: str, correct: int) -> None:
    """The published network over the whole test set: the figures of its README."""
    network = streamline(read_model(shared / "models" / "lfc-w1a2-bnn-pynq", decode=decode).network).network
    data = load("mnist", shared / "datasets")
    codes = network.input.encode(data.x_test.reshape(len(data.x_test), -1))
    assert reference.accuracy(network, codes, data.y_test) == reference.Accuracy(10_000, correct)


@pytest.mark.slow
def test_cnv_w1a2(shared: Path) -> None:
    """The published network over the whole test set: the figure of its own notebook, 82.66 %."""
    network = streamline(read_model(shared / "models" / "cnv-w1a2-bnn-pynq").network).network
    images, labels = load_split("cifar10", "test", shared / "datasets")
    assert reference.accuracy(network, network.input.encode(images), labels) == reference.Accuracy(10_000, 8266)


def _refused(folder: Path, message: str, sizes: str | None = None) -> None:
    with pytest.raises(FileError, match=rf"^{re.escape(f'{folder}: {message}')}$"):
        read_model(folder, topology=sizes)


def _set_bit(path: Path, word: int, bit: int) -> None:
    words = np.fromfile(path, "<u8")
    words[word] |= np.uint64(1) << np.uint64(bit)
    path.write_bytes(words.tobytes())


def test_a_bit_above_binary_weights(tmp_path: Path) -> None:
    """Read as two bits, some weights would be -2: binary ones, and damaged."""
    folder = write(tmp_path / "f", small_ternary())
    _set_bit(folder / "1-1-weights.bin", 3, 4)
    _refused(
        folder,
        "1-1-weights.bin: words must have 4 bits, and have bits above them; weights of two bits must be -1, 0 or +1, "
        "and 0-0-weights.bin has -2",
        TOPOLOGY,
    )


def test_minus_two(tmp_path: Path) -> None:
    layers = small_ternary(bits=2)
    layers[1].weights[3, 0] = -2
    folder = write(tmp_path / "f", layers)
    _refused(
        folder,
        "0-0-weights.bin: words must have 32 bits, and have bits above them; weights of two bits must be -1, 0 or +1, "
        "and 1-1-weights.bin has -2",
        TOPOLOGY,
    )


def test_minus_two_in_the_last_layer_of_cnv(tmp_path: Path) -> None:
    layers = cnv(0, 2, 2)
    layers[8].weights[2, 5] = -2
    _refused(
        write(tmp_path / "f", layers),
        "0-0-weights.bin: words must have 3 bits, and have bits above them; weights of two bits must be -1, 0 or +1, "
        "and 8-2-weights.bin has -2",
    )


def test_bits_above_two_bit_weights(tmp_path: Path) -> None:
    folder = write(tmp_path / "f", small_ternary(bits=2))
    _set_bit(folder / "1-0-weights.bin", 0, 8)
    _refused(folder, "1-0-weights.bin: words must have 8 bits, and have bits above them", TOPOLOGY)


def test_words_too_narrow_for_two_bits(tmp_path: Path) -> None:
    """64 weights of a word have one bit each: a bit too many elsewhere is damage."""
    layers = small_ternary()
    layers[0] = replace(layers[0], simd=64)
    folder = write(tmp_path / "f", layers)
    _set_bit(folder / "1-0-weights.bin", 0, 4)
    _refused(folder, "1-0-weights.bin: words must have 4 bits, and have bits above them", TOPOLOGY)


def test_weights_of_two_bits_with_one_threshold(tmp_path: Path) -> None:
    """No overlay has them: words of binary weights have no bits to spare."""
    rng = np.random.default_rng(0)
    folder = write(tmp_path / "f", [layer(rng, 8, 128, 4, 32, 1, 2), layer(rng, 4, 8, 2, 4, 1, 2)])
    _refused(folder, "0-0-weights.bin: words must have 32 bits, and have bits above them", TOPOLOGY)


def test_one_threshold_and_two(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    layers = [layer(rng, 8, 128, 4, 32, 2), layer(rng, 8, 8, 4, 4, 1), layer(rng, 4, 8, 2, 4)]
    _refused(
        write(tmp_path / "f", layers),
        "every layer but the last must have the same number of thresholds per neuron, one or two",
        "70-8-8-3",
    )


def test_layers_of_cnv_of_both_kinds(tmp_path: Path) -> None:
    layers = cnv(0, 2, 1)
    assert layers[4].thresholds is not None
    layers[4] = replace(layers[4], thresholds=layers[4].thresholds[:, :1])
    _refused(
        write(tmp_path / "f", layers),
        "layer 4: CNV must have 512 thresholds here, 2 of each of 256 neurons, not 256",
    )


def test_too_few_rows_for_the_classes(tmp_path: Path) -> None:
    folder = write(tmp_path / "f", cnv(0, 1, 1, 12, True), 13)
    _refused(folder, "layer 8: 12 neurons must be enough for 13 classes")


def test_as_many_rows_as_classes(tmp_path: Path) -> None:
    layers = cnv(3, 1, 1, 12, True)
    images = np.random.default_rng(0).integers(0, 256, (2, 3, 32, 32), np.uint8)
    found = read_model(write(tmp_path / "f", layers, 12)).network
    assert _scores(found, images) == original_cnv(layers, images).tolist()


def test_more_classes_than_rows(tmp_path: Path) -> None:
    folder = write(tmp_path / "f", small_ternary(), 5)
    _refused(folder, "classes.txt must have at most 4 classes, the last layer's rows, not 5", "70-8-4")


def test_too_many_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Refused before the files are read: 64 weights of a word become as many bytes."""
    folder = write(tmp_path / "f", small_ternary())
    monkeypatch.setattr(topology, "MAX_WEIGHTS", 8 * 128)
    assert read_model(folder, topology=TOPOLOGY).network.streamlined
    monkeypatch.setattr(topology, "MAX_WEIGHTS", 8 * 128 - 1)
    message = f"{folder}: layer 0: must have at most 1023 weights, not 8 x 128"
    with pytest.raises(UnsupportedError, match=rf"^{re.escape(message)}$"):
        read_model(folder, topology=TOPOLOGY)


def test_lanes_in_use_say_the_rows(tmp_path: Path) -> None:
    """The words of 16 rows, one weight each, would hold 64 rows of four: the files show how many lanes are in use."""
    for rows, simd in ((16, 1), (64, 4)):
        layers = cnv(0, 1, 1, rows)
        layers[8] = replace(layers[8], simd=simd)
        folder = write(tmp_path / f"{rows}", layers, 14)
        images = np.random.default_rng(0).integers(0, 256, (1, 3, 32, 32), np.uint8)
        assert _scores(read_model(folder).network, images) == original_cnv(layers, images)[:, :14].tolist()


def test_options_of_house_numbers(tmp_path: Path) -> None:
    """CNV with thresholds in its last layer is CNV all the same."""
    folder = write(tmp_path / "f", cnv(0, 1, 1, 12, True), 10)
    message = f"{folder}: decoding must be argmax for CNV, whose last layer has no output bits, not 'highest-bit'"
    with pytest.raises(RequestError, match=rf"^{re.escape(message)}$"):
        read_model(folder, decode="highest-bit")


def test_published_shapes() -> None:
    """The helper's foldings are those whose words fit: every layer's columns are whole words."""
    for bits, (pe, simd) in CNV_FOLDINGS.items():
        assert len(pe) == len(simd) == 9
        assert all(
            columns % lanes == 0 and lanes * bits <= 64 for columns, lanes in zip(CNV_COLUMNS, simd, strict=True)
        )


def test_raw_of_a_word(tmp_path: Path) -> None:
    """One word by hand: -1, 0 and +1 as codes 3, 0 and 1, the first weight lowest."""
    raw = Raw(np.array([[-1, 0, 1, -1]], np.int8), np.array([[0, -1]]), 1, 4, 2)
    write(tmp_path, [raw])
    assert np.fromfile(tmp_path / "0-0-weights.bin", "<u8").tolist() == [0b11_01_00_11]
    assert np.fromfile(tmp_path / "0-0-thres.bin", "<i8").tolist() == [0, -1]
