"""BNN-PYNQ parameter folders: what they mean, and what is refused."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from bnnhw import reference
from bnnhw.datasets import load
from bnnhw.errors import BnnhwError, FileError, RequestError, UnsupportedError
from bnnhw.frontend import read_model
from bnnhw.frontend.bnn_pynq import files
from bnnhw.streamline import streamline
from tests.frontend.pynq_folders import INT64, TOPOLOGY, Raw, layer, original, small, write
from tests.strategies import fixed


@fixed
@given(st.data())
def test_any_folder(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    """Random weights in padded columns too, thresholds anywhere in int64, any PE and SIMD: both decodings."""
    extremes = st.sampled_from([INT64.min, INT64.min + 1, -10272, -2, -1, 0, 1, 9, 32767, INT64.max - 1, INT64.max])
    rng = np.random.default_rng(data.draw(st.integers(0, 1 << 32)))
    inputs, hidden, rows = data.draw(st.integers(1, 130)), data.draw(st.sampled_from([4, 8, 12])), 4
    columns = -(-inputs // 64) * 64
    first = layer(rng, hidden, columns, data.draw(st.sampled_from([1, 2, 4])), data.draw(st.sampled_from([1, 8, 64])))
    last = layer(rng, rows, hidden, data.draw(st.sampled_from([1, 2, 4])), data.draw(st.sampled_from([1, 2, 4])))
    hit = data.draw(hnp.arrays(np.bool_, hidden))
    assert first.thresholds is not None
    first.thresholds[hit, 0] = data.draw(st.lists(extremes, min_size=int(hit.sum()), max_size=int(hit.sum())))
    classes = data.draw(st.integers(1, rows))
    folder = write(tmp_path_factory.mktemp("folder"), [first, last])
    pixels = data.draw(hnp.arrays(np.uint8, (6, inputs)))
    margins = original([first, last], pixels)[:, :classes]

    topology = f"{inputs}-{hidden}-{classes}"
    network = streamline(read_model(folder, topology=topology).network).network
    found = reference.evaluate(network, network.input.encode(pixels))
    # A single neuron fires where its margin is above 0.
    assert found.scores.tolist() == (margins - (classes == 1)).tolist()
    if classes == 1:
        assert found.classes.tolist() == (margins[:, 0] > 0).tolist()

    network = streamline(
        read_model(folder, topology=f"{inputs}-{hidden}-{classes}", decode="highest-bit").network
    ).network
    found = reference.evaluate(network, network.input.encode(pixels))
    fires = [[i for i in range(classes) if row[i] > 0] for row in margins.tolist()]
    assert found.classes.tolist() == [max(row, default=0) if classes > 1 else len(row) for row in fires]


def test_one_layer_takes_the_padding_into_its_scores(tmp_path: Path) -> None:
    """Padded weights of 0 match the padded inputs: a constant of each class's own."""
    weights = np.ones((2, 64), np.int8)
    weights[0, 60:] = -1
    raw = [Raw(weights, np.array([[5], [5]]), 2, 64)]
    network = read_model(write(tmp_path / "f", raw), topology="60-2").network
    white = np.full((1, 60), 255, np.uint8)
    assert reference.evaluate(network, network.input.encode(white)).scores.tolist() == [[60 + 4 - 5, 60 - 5]]


def test_highest_bit_decodes_every_word(tmp_path: Path) -> None:
    """All 8 words of three output bits, none set included."""
    # Four copies of each pixel: a neuron agrees with all or none of its own, and with two of four of the others.
    weights = np.ones((3, 64), np.int8)
    weights[:, :12] = np.where(np.repeat(np.eye(3), 4, axis=1), 1, [1, 1, -1, -1] * 3)
    raw = [Raw(weights, np.full((3, 1), 4), 1, 64)]
    network = read_model(write(tmp_path / "f", raw), topology="12-3", decode="highest-bit").network
    words = range(8)
    pixels = np.array([np.repeat([255 * (word >> i & 1) for i in range(3)], 4) for word in words], np.uint8)
    fires = original(raw, pixels) > 0
    assert [sum(int(bit) << i for i, bit in enumerate(row)) for row in fires.tolist()] == list(words)
    classes = reference.evaluate(network, network.input.encode(pixels)).classes
    assert classes.tolist() == [0, 0, 1, 1, 2, 2, 2, 2]


def test_what_is_known_of_a_folder(tmp_path: Path) -> None:
    model = read_model(write(tmp_path / "mine", small(), 3), topology=TOPOLOGY)
    assert model.format == "bnn-pynq"
    assert model.network.streamlined
    provenance = dict(model.network.provenance)
    assert re.fullmatch("[0-9a-f]{64}", provenance.pop("source_sha256"))
    assert provenance == {
        "format": "bnn-pynq",
        "source": "mine",
        "topology": TOPOLOGY,
        "decode": "argmax",
        "classes": "class 0, class 1, class 2",
    }


@pytest.mark.parametrize("decode, correct", [("argmax", 9834), ("highest-bit", 9840)])
def test_lfc(shared: Path, decode: str, correct: int) -> None:
    """The published network over the whole test set: the figures of its README."""
    network = streamline(read_model(shared / "models" / "lfc-w1a1-bnn-pynq", decode=decode).network).network
    assert sum(layer.neurons * layer.synapses for layer in network.matrices[:4]) == 2_910_208
    data = load("mnist", shared / "datasets")
    codes = network.input.encode(data.x_test.reshape(len(data.x_test), -1))
    assert reference.accuracy(network, codes, data.y_test) == reference.Accuracy(10_000, correct)


def _remove(name: str) -> Callable[[Path], None]:
    return lambda folder: (folder / name).unlink()


def _resize(name: str, size: int) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        with (folder / name).open("r+b") as file:
            file.truncate(size)

    return change


def _put(name: str, data: bytes = b"") -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        (folder / name).write_bytes(data)

    return change


def _resize_all(pattern: str, size: int) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        for path in folder.glob(pattern):
            path.write_bytes(bytes(size))

    return change


def _folder(name: str) -> Callable[[Path], None]:
    return lambda folder: (folder / name).mkdir()


def _pipe(name: str) -> Callable[[Path], None]:
    return lambda folder: os.mkfifo(folder / name)


def _dangling(name: str) -> Callable[[Path], None]:
    return lambda folder: (folder / name).symlink_to(folder / "nowhere")


MALFORMED: dict[str, tuple[Callable[[Path], None], str]] = {
    "no weights": (_remove("0-2-weights.bin"), "0-2-weights.bin is missing"),
    "no thresholds": (_remove("1-1-thres.bin"), "1-1-thres.bin is missing"),
    "a layer is missing": (_put("3-0-weights.bin", bytes(8)), "2-0-weights.bin is missing"),
    "one element too many": (_put("0-4-weights.bin", bytes(64)), "0-4-thres.bin is missing"),
    "a far layer": (_put("99999-0-weights.bin", bytes(8)), "2-0-weights.bin is missing"),
    "a far element": (_put("1-99999-weights.bin", bytes(8)), "1-2-weights.bin is missing"),
    "foreign": (_put("weights.bin"), "weights.bin must be named LAYER-PE-weights.bin or LAYER-PE-thres.bin"),
    "leading zero": (
        _put("0-00-weights.bin"),
        "0-00-weights.bin must be named LAYER-PE-weights.bin or LAYER-PE-thres.bin",
    ),
    "truncated weights": (
        _resize("0-1-weights.bin", 56),
        "0-1-weights.bin must have 64 bytes like 0-0-weights.bin, not 56",
    ),
    "half a word": (_resize("0-0-weights.bin", 60), "0-0-weights.bin must have whole 8-byte words, not 60 bytes"),
    "half a threshold": (_resize("1-0-thres.bin", 15), "1-0-thres.bin must have whole 8-byte words, not 15 bytes"),
    "empty": (_resize("0-0-weights.bin", 0), "0-0-weights.bin must have whole 8-byte words, not 0 bytes"),
    "too long": (_resize("0-3-thres.bin", 24), "0-3-thres.bin must have 16 bytes like 0-0-thres.bin, not 24"),
    "giant": (
        _resize("1-0-weights.bin", 1 << 40),
        f"1-0-weights.bin must have at most {1 << 24} bytes, not {1 << 40}",
    ),
    "words of another network": (
        _resize_all("1-*-weights.bin", 48),
        "layer 1: 3 words per neuron must divide its 8 inputs into words of at most 64 bits",
    ),
    "too few words": (
        _resize_all("0-*-weights.bin", 16),
        "layer 0: 1 words per neuron must divide its 128 inputs into words of at most 64 bits",
    ),
    "bits above SIMD": (
        _put("0-3-weights.bin", bytes(56) + (1 << 32).to_bytes(8, "little")),
        "0-3-weights.bin: words must have 32 bits, and have bits above them",
    ),
    "a folder": (_folder("2-0-weights.bin"), "2-0-weights.bin must be a file"),
    "a pipe": (_pipe("2-0-weights.bin"), "2-0-weights.bin must be a file"),
    "a dangling link": (_dangling("2-0-weights.bin"), "2-0-weights.bin must be a file"),
    "no classes": (_put("classes.txt", b"\n \n"), "classes.txt must have one class per line, and has none"),
    "classes that are no text": (_put("classes.txt", b"\xff\xfe"), "classes.txt must be UTF-8 text"),
}


@pytest.mark.parametrize("case", MALFORMED)
def test_malformed(case: str, tmp_path: Path) -> None:
    change, message = MALFORMED[case]
    folder = write(tmp_path / "f", small(), 3)
    read_model(folder, topology=TOPOLOGY)  # whole before it is changed
    change(folder)
    with pytest.raises(FileError, match=rf"^{re.escape(f'{folder}: {message}')}$"):
        read_model(folder, topology=TOPOLOGY)


def test_empty_folder(tmp_path: Path) -> None:
    message = f"{tmp_path}: must hold a BNN-PYNQ network (0-0-weights.bin, 0-0-thres.bin, ...), and has no such file"
    with pytest.raises(FileError, match=rf"^{re.escape(message)}$"):
        read_model(tmp_path)


def test_too_much_in_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write(tmp_path / "f", small())
    size = sum(path.stat().st_size for path in folder.iterdir())
    monkeypatch.setattr(files, "MAX_TOTAL", size - 1)
    message = f"{folder}: a parameter folder must have at most {size - 1} bytes, not {size}"
    with pytest.raises(FileError, match=rf"^{re.escape(message)}$"):
        read_model(folder, topology=TOPOLOGY)
    monkeypatch.setattr(files, "MAX_FILES", 3)
    message = f"{folder}: a parameter folder must have at most 3 files"
    with pytest.raises(FileError, match=rf"^{re.escape(message)}$"):
        read_model(folder, topology=TOPOLOGY)


def test_limits_of_files(tmp_path: Path) -> None:
    """16 MiB each, 512 MiB and 16,384 files in all: so much is listed, and no more."""
    for number in range(32):
        _sparse(tmp_path / f"0-{number}-weights.bin", 1 << 24)
    assert sum(files.list_files(tmp_path).values()) == 1 << 29
    _sparse(tmp_path / "0-32-weights.bin", 8)
    with pytest.raises(
        FileError, match=rf"^a parameter folder must have at most {1 << 29} bytes, not {(1 << 29) + 8}$"
    ):
        files.list_files(tmp_path)
    _sparse(tmp_path / "0-0-weights.bin", (1 << 24) + 1)
    with pytest.raises(FileError, match=rf"^0-0-weights.bin must have at most {1 << 24} bytes, not {(1 << 24) + 1}$"):
        files.list_files(tmp_path)
    for path in tmp_path.iterdir():
        path.unlink()
    for number in range(1 << 14):
        (tmp_path / f"{number}").touch()
    assert files.list_files(tmp_path) == {}
    (tmp_path / "one more").touch()
    with pytest.raises(FileError, match=r"^a parameter folder must have at most 16384 files$"):
        files.list_files(tmp_path)


def _sparse(path: Path, size: int) -> None:
    with path.open("wb") as file:
        file.truncate(size)


REQUESTS: dict[str, tuple[str | None, type[BnnhwError], str]] = {
    "unknown": (
        None,
        UnsupportedError,
        "layers of 8, 4 thresholds are of no network known (LFC 784-1024-1024-1024-10, and CNV): say --topology "
        "INPUTS-...-CLASSES",
    ),
    "no topology": (
        "70-x",
        RequestError,
        "topology must be sizes joined by '-', inputs first (784-1024-1024-1024-10), not '70-x'",
    ),
    "giant": (
        "7000000-8-3",
        RequestError,
        "topology must be sizes joined by '-', inputs first (784-1024-1024-1024-10), not '7000000-8-3'",
    ),
    "depth": ("70-8-8-3", RequestError, "topology 70-8-8-3 must have 2 layers, not 3"),
    "hidden": (
        "70-9-3",
        RequestError,
        "topology 70-9-3: layer 0 must have one or two thresholds for each of its 9 neurons, not 8",
    ),
    "more classes than rows": (
        "70-8-5",
        RequestError,
        "topology 70-8-5: classes must be at most the 4 rows of the last layer",
    ),
    "classes.txt": (
        "70-8-2",
        RequestError,
        "topology 70-8-2: classes must be the 3 of classes.txt, not 2",
    ),
    "inputs": (
        "300-8-3",
        FileError,
        "layer 0: 4 words per neuron must divide its 320 inputs into words of at most 64 bits",
    ),
}


@pytest.mark.parametrize("case", REQUESTS)
def test_refused_topology(case: str, tmp_path: Path) -> None:
    topology, error, message = REQUESTS[case]
    folder = write(tmp_path / "f", small(), 3)
    prefix = "" if message.startswith("topology must be") else f"{folder}: "
    with pytest.raises(error, match=rf"^{re.escape(prefix + message)}$"):
        read_model(folder, topology=topology)


def test_thresholds_of_another_network(tmp_path: Path) -> None:
    folder = write(tmp_path / "f", small(), 3)
    _resize_all("0-*-thres.bin", 24)(folder)
    message = "topology 70-8-3: layer 0 must have one or two thresholds for each of its 8 neurons, not 12"
    with pytest.raises(RequestError, match=rf"^{re.escape(f'{folder}: {message}')}$"):
        read_model(folder, topology=TOPOLOGY)


def test_lfc_that_is_cut(shared: Path, tmp_path: Path) -> None:
    """The published folder with one file cut short."""
    folder = tmp_path / "lfc"
    shutil.copytree(shared / "models" / "lfc-w1a1-bnn-pynq", folder)
    path = folder / "2-17-weights.bin"
    path.chmod(0o644)
    path.write_bytes(path.read_bytes()[:-8])
    message = f"{folder}: 2-17-weights.bin must have 4096 bytes like 2-0-weights.bin, not 4088"
    with pytest.raises(FileError, match=rf"^{re.escape(message)}$"):
        read_model(folder)


def test_unknown_decoding(tmp_path: Path) -> None:
    message = "decoding must be one of argmax, highest-bit, not 'lowest-bit'"
    with pytest.raises(RequestError, match=rf"^{re.escape(message)}$"):
        read_model(write(tmp_path / "f", small()), topology=TOPOLOGY, decode="lowest-bit")


def test_output_threshold_out_of_reach(tmp_path: Path) -> None:
    """Scores subtract the last thresholds: beyond 32 bits there is no score, but still a bit."""
    layers = small()
    assert layers[1].thresholds is not None
    layers[1].thresholds[2] = INT64.max
    folder = write(tmp_path / "f", layers)
    message = f"{folder}: layer 1: the threshold of class 2 must be within {1 << 31}, not {INT64.max}"
    with pytest.raises(UnsupportedError, match=rf"^{re.escape(message)}$"):
        read_model(folder, topology=TOPOLOGY)
    read_model(folder, topology=TOPOLOGY, decode="highest-bit")


@pytest.mark.parametrize("option", ["topology", "decode"])
def test_options_of_a_folder_with_a_file(option: str, root: Path) -> None:
    path = root / "models" / "digits.onnx"
    message = f"{path}: --{option} must be given for a BNN-PYNQ parameter folder only"
    with pytest.raises(RequestError, match=rf"^{re.escape(message)}$"):
        read_model(path, **{option: "64-10"})
