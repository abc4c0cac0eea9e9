"""CNV as a BNN-PYNQ parameter folder: what it means, and what is refused."""

from __future__ import annotations

import math
import re
import shutil
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from bnnhw import reference
from bnnhw.datasets import load_split
from bnnhw.errors import FileError, RequestError
from bnnhw.frontend import read_model
from bnnhw.frontend.bnn_pynq.cnv import INPUT
from bnnhw.ir import Conv2d, Dense, MaxPool, Network, Thresholds
from bnnhw.streamline import streamline

INT64 = np.iinfo(np.int64)

PE = (16, 32, 16, 16, 4, 1, 1, 1, 4)
SIMD = (3, 32, 32, 32, 32, 32, 4, 8, 1)
SHAPES = ((64, 27), (64, 576), (128, 576), (128, 1152), (256, 1152), (256, 2304), (512, 256), (512, 512), (64, 512))


@pytest.fixture(scope="module")
def folder(shared: Path) -> Path:
    return shared / "models" / "cnv-w1a1-bnn-pynq"


def test_every_pixel() -> None:
    """All 256 values, by the formula in exact arithmetic and in the float64 of the original host's language."""
    pixels = np.arange(256)
    exact = [
        min(max(math.floor((Fraction(v, 255) * 2 - 1) * 128 + Fraction(1, 2)), -128), 127) for v in pixels.tolist()
    ]
    codes = INPUT.encode(np.broadcast_to(pixels[:, None], (256, 3072)))
    assert (codes == codes[:, :1]).all()
    assert INPUT.dtype.values(codes[:, 0]).tolist() == exact
    rounded = np.clip(np.floor((pixels / 255.0 * 2 - 1) * 128 + 0.5), -128, 127)
    assert rounded.tolist() == exact


def raw(folder: Path, number: int) -> tuple[np.ndarray, np.ndarray | None]:
    """Signs (rows, columns) and thresholds (rows,) of a layer, read word by word as the format says."""
    (rows, columns), pe, simd = SHAPES[number], PE[number], SIMD[number]
    signs = np.empty((rows, columns), np.int64)
    thresholds = np.empty(rows, np.int64)
    for p in range(pe):
        words = np.fromfile(folder / f"{number}-{p}-weights.bin", "<u8").astype(np.int64)
        folds = columns // simd
        for neuron in range(p, rows, pe):
            for fold in range(folds):
                word = words[neuron // pe * folds + fold]
                signs[neuron, fold * simd : (fold + 1) * simd] = 2 * (word >> np.arange(simd) & 1) - 1
        if number < 8:
            thresholds[p::pe] = np.fromfile(folder / f"{number}-{p}-thres.bin", "<i8")
    return signs, thresholds if number < 8 else None


def original(folder: Path, images: np.ndarray) -> np.ndarray:
    """The popcounts of the last layer's 64 rows by the overlay's arithmetic: maps are (frames, y, x, channel)."""
    x = np.floor((images.transpose(0, 2, 3, 1) / 255.0 * 2 - 1) * 128 + 0.5).clip(-128, 127)
    for number in range(9):
        signs, thresholds = raw(folder, number)
        if number < 6:
            height, width = x.shape[1] - 2, x.shape[2] - 2
            taps = [x[:, i : i + height, j : j + width] for i in range(3) for j in range(3)]
            dots = np.concatenate(taps, axis=3) @ signs.T.astype(np.float64)
        else:
            dots = x.reshape(len(x), -1) @ signs.T.astype(np.float64)
        matches = (dots + signs.shape[1]) / 2
        if thresholds is None:
            return matches.astype(np.int64)
        x = np.where((2 * dots if number == 0 else matches) > thresholds, 1.0, -1.0)
        if number in (1, 3):
            frames, height, width, channels = x.shape
            x = x.reshape(frames, height // 2, 2, width // 2, 2, channels).max(axis=(2, 4))
    raise AssertionError


def test_any_image(folder: Path) -> None:
    """Popcounts of the last layer by the words of the files themselves, for noise as for images."""
    images = np.random.default_rng(0).integers(0, 256, (4, 3, 32, 32), np.uint8)
    images[0], images[1] = 0, 255
    network = streamline(read_model(folder).network).network
    found = reference.evaluate(network, network.input.encode(images))
    assert found.scores.tolist() == original(folder, images)[:, :10].tolist()


def test_structure(folder: Path) -> None:
    model = read_model(folder)
    network = model.network
    assert (model.format, model.warnings, network.streamlined) == ("bnn-pynq", (), True)
    assert [layer.name for layer in network.layers] == [
        *("conv0", "conv1", "pool1", "conv2", "conv3", "pool3", "conv4", "conv5"),
        *("dense6", "dense7", "dense8", "output"),
    ]
    assert [type(layer) for layer in network.layers[:4]] == [Conv2d, Conv2d, MaxPool, Conv2d]
    assert sum(layer.neurons * layer.synapses for layer in network.matrices) == 1_542_848
    shapes = [layer.shape_out for layer in network.layers if isinstance(layer, Conv2d | MaxPool)]
    assert shapes == [
        *((64, 30, 30), (64, 28, 28), (64, 14, 14), (128, 12, 12), (128, 10, 10), (128, 5, 5)),
        *((256, 3, 3), (256, 1, 1)),
    ]
    assert network.provenance["topology"] == "CNV"
    assert network.provenance["classes"].startswith("Airplane, Automobile, Bird")


def test_goldens(folder: Path, shared: Path) -> None:
    """The images that come with the original: their classes are 3 and 4."""
    network = read_model(folder).network
    image = np.load(shared / "models" / "goldens" / "cnv_cifar10_input.npy")
    expected = np.load(shared / "models" / "goldens" / "cnv_cifar10_output.npy")
    assert image.shape == (1, 3, 32, 32)
    assert reference.evaluate(network, network.input.encode(image)).classes.tolist() == [3] == expected.ravel().tolist()
    deer = np.fromfile(shared / "models" / "goldens" / "deer.bin", np.uint8)[1:].reshape(1, 3, 32, 32)
    assert reference.evaluate(network, network.input.encode(deer)).classes.tolist() == [4]


def test_cifar10(folder: Path, shared: Path) -> None:
    """The published network over the whole test set: the figure of its own notebook, 79.22 %."""
    network = streamline(read_model(folder).network).network
    images, labels = load_split("cifar10", "test", shared / "datasets")
    assert reference.accuracy(network, network.input.encode(images), labels) == reference.Accuracy(10_000, 7922)


def _copy(folder: Path, tmp_path: Path) -> Path:
    copy = tmp_path / "cnv"
    shutil.copytree(folder, copy)
    copy.chmod(0o755)
    for path in copy.iterdir():
        path.chmod(0o644)
    return copy


def _thresholds(network: Network) -> dict[str, Thresholds | None]:
    found: dict[str, Thresholds | None] = {}
    for layer in network.matrices:
        assert isinstance(layer, Dense) and (layer.activation is None or isinstance(layer.activation, Thresholds))
        found[layer.name] = layer.activation
    return found


def test_thresholds_anywhere_in_int64(folder: Path, tmp_path: Path) -> None:
    """Always and never, in units of layer 0 and of the others; the rest is as it was."""
    copy = _copy(folder, tmp_path)
    for number in (0, 5):
        values = np.fromfile(copy / f"{number}-0-thres.bin", "<i8")
        values[:4] = (INT64.min, INT64.max, -(1 << 33), 1 << 33)
        (copy / f"{number}-0-thres.bin").write_bytes(values.tobytes())
    before, after = (read_model(path).network for path in (folder, copy))
    for number, pe in ((0, 16), (5, 1)):
        name = f"conv{number}"
        low, high = next(layer for layer in after.matrices if layer.name == name).accumulator_range
        was, found = _thresholds(before)[name], _thresholds(after)[name]
        assert was is not None and found is not None
        changed = np.arange(4) * pe
        assert found.values[changed, 0].tolist() == [low, high + 1, low, high + 1]
        assert np.array_equal(np.delete(found.values, changed, 0), np.delete(was.values, changed, 0))


def _drop(name: str) -> tuple[str, bytes | None]:
    return name, None


MALFORMED: dict[str, tuple[tuple[str, bytes | None], str]] = {
    "no weights": (_drop("3-5-weights.bin"), "3-5-weights.bin is missing"),
    "no thresholds": (_drop("0-15-thres.bin"), "0-15-thres.bin is missing"),
    "no weights in the last layer": (_drop("8-2-weights.bin"), "8-2-weights.bin is missing"),
    "a shorter layer": (
        ("7-0-thres.bin", bytes(8 * 256)),
        "layer 7: CNV must have 512 thresholds here, 1 of each of 512 neurons, not 256",
    ),
    "words of another network": (
        ("5-0-weights.bin", bytes(8 * 256 * 71)),
        "layer 5: 71 words per neuron must divide its 2304 inputs into words of at most 64 bits",
    ),
    "too few words": (
        ("5-0-weights.bin", bytes(8 * 256 * 32)),
        "layer 5: 32 words per neuron must divide its 2304 inputs into words of at most 64 bits",
    ),
    "bits above SIMD": (
        ("6-0-weights.bin", bytes(262136) + (16).to_bytes(8, "little")),
        "6-0-weights.bin: words must have 4 bits, and have bits above them",
    ),
    "an element too many": (
        ("8-4-weights.bin", bytes(65536)),
        "layer 8: 5 elements of 8192 words must hold 10 classes of 512 inputs, padded to 64 or to 5",
    ),
    "too many classes": (
        ("classes.txt", b"class\n" * 65),
        "layer 8: 4 elements of 8192 words must hold 65 classes of 512 inputs, padded to 64 or to 4",
    ),
    "truncated": (
        ("2-3-weights.bin", bytes(1144)),
        "2-3-weights.bin must have 1152 bytes like 2-0-weights.bin, not 1144",
    ),
}


@pytest.mark.parametrize("case", MALFORMED)
def test_malformed(case: str, folder: Path, tmp_path: Path) -> None:
    (name, data), message = MALFORMED[case]
    copy = _copy(folder, tmp_path)
    if data is None:
        (copy / name).unlink()
    else:
        (copy / name).write_bytes(data)
    with pytest.raises(FileError, match=rf"^{re.escape(f'{copy}: {message}')}$"):
        read_model(copy)


def test_options_of_other_networks(folder: Path) -> None:
    message = f"{folder}: topology must be left out for CNV, whose layers are known, not 3072-10"
    with pytest.raises(RequestError, match=rf"^{re.escape(message)}$"):
        read_model(folder, topology="3072-10")
    message = f"{folder}: decoding must be argmax for CNV, whose last layer has no output bits, not 'highest-bit'"
    with pytest.raises(RequestError, match=rf"^{re.escape(message)}$"):
        read_model(folder, decode="highest-bit")
