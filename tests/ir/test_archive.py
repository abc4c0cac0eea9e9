"""The network file: exact round trips, and every refusal in one line."""

from __future__ import annotations

import io
import json
import re
import tracemalloc
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bnnhw.errors import FileError
from bnnhw.ir import (
    BatchNorm,
    BitMatrix,
    DataType,
    Dense,
    FloatActivation,
    InputSpec,
    Network,
    Output,
    Relu,
    Scale,
    Thresholds,
    WeightPlane,
    batch_norm_sign,
    sign,
)
from bnnhw.ir.archive import load, save
from tests.strategies import fixed, networks


@pytest.fixture(scope="module")
def network() -> Network:
    generator = np.random.default_rng(1)
    bits = [BitMatrix.from_bits(generator.integers(0, 2, shape)) for shape in ((4, 10), (3, 4))]
    bipolar = DataType("bipolar", 1)
    return Network(
        InputSpec((10,), bipolar, (0.5,)),
        (
            Dense("first", bipolar, (WeightPlane(1, bits[0]),), Thresholds(np.array([[0], [4], [5], [11]]), bipolar)),
            Dense("last", bipolar, (WeightPlane(1, bits[1]),), None),
            Output.plain("output", 3),
        ),
        {"recipe": "test"},
    )


@pytest.fixture
def members(network: Network, tmp_path: Path) -> dict[str, bytes]:
    save(network, tmp_path / "good.bnn")
    with zipfile.ZipFile(tmp_path / "good.bnn") as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def rewrite(path: Path, members: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> Path:
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


def npy(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, array, version=(1, 0))
    return buffer.getvalue()


def header(members: dict[str, bytes]) -> dict[str, Any]:
    return json.loads(np.load(io.BytesIO(members["header.npy"])).tobytes())


def with_header(members: dict[str, bytes], value: object) -> dict[str, bytes]:
    text = value if isinstance(value, bytes) else json.dumps(value).encode()
    return {**members, "header.npy": npy(np.frombuffer(text, np.uint8))}


def refuse(path: Path, message: str) -> None:
    with pytest.raises(FileError, match=rf"^{re.escape(f'{path}: {message}')}$"):
        load(path)


@fixed
@given(st.booleans().flatmap(lambda general: networks(general=general)))
def test_round_trip_is_exact(tmp_path_factory: pytest.TempPathFactory, network: Network) -> None:
    path = tmp_path_factory.getbasetemp() / "round.bnn"
    save(network, path)
    first = path.read_bytes()
    again = load(path)
    assert again == network
    assert again.streamlined == network.streamlined
    save(again, path)
    assert path.read_bytes() == first


def test_is_a_numpy_archive(network: Network, tmp_path: Path) -> None:
    save(network, tmp_path / "n.bnn")
    with np.load(tmp_path / "n.bnn", allow_pickle=False) as archive:
        assert json.loads(archive["header"].tobytes())["format"] == "bnnhw"
        assert np.array_equal(archive["0.thresholds"], [[0], [4], [5], [11]])


def test_nothing_is_left_half_written(network: Network, tmp_path: Path) -> None:
    path = tmp_path / "folder" / "n.bnn"
    with pytest.raises(FileError, match=rf"^{re.escape(str(path))}: can't be written: No such file or directory$"):
        save(network, path)
    save(network, tmp_path / "n.bnn")
    assert [p.name for p in tmp_path.iterdir()] == ["n.bnn"]


def test_missing_file_and_folder(tmp_path: Path) -> None:
    refuse(tmp_path / "none.bnn", "can't be read: No such file or directory")
    refuse(tmp_path, "can't be read: Is a directory")


@pytest.mark.parametrize(
    "data",
    [b"", b"\x89PNG\r\n\x1a\n" + bytes(100), np.random.default_rng(0).bytes(5000), b"{}"],
    ids=["empty", "png", "random", "json"],
)
def test_foreign_bytes(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "foreign.bnn"
    path.write_bytes(data)
    refuse(path, "not a whole bnnhw network file (File is not a zip file)")


def test_a_directory_that_counts_back_too_far(tmp_path: Path) -> None:
    """The offset of the directory, 16 bytes into what ends the archive, made greater: members begin before the file."""
    path = rewrite(tmp_path / "n.bnn", {"header.npy": b""})
    data = bytearray(path.read_bytes())
    place = data.rindex(b"PK\x05\x06") + 16
    data[place : place + 4] = (int.from_bytes(data[place : place + 4], "little") + (1 << 18)).to_bytes(4, "little")
    path.write_bytes(data)
    refuse(path, "member 'header.npy' must begin within the file")


def test_foreign_archives(tmp_path: Path) -> None:
    path = tmp_path / "other.npz"
    np.savez(path, a=np.zeros(3))
    refuse(path, "not a bnnhw network file: array 'header' is missing")
    np.savez(path, header=np.frombuffer(b'{"format": "other", "version": 1}', np.uint8))
    refuse(path, "header: 'format' must be 'bnnhw': not a bnnhw network file")
    np.savez(path, header=np.frombuffer(b"\xff\x00", np.uint8))
    refuse(path, "header must be JSON")
    np.savez(path, header=np.array([{}], object))
    refuse(path, "array 'header' must be uint8 (N,), not |O (1,)")


def test_every_truncation(network: Network, tmp_path: Path) -> None:
    save(network, tmp_path / "good.bnn")
    data = (tmp_path / "good.bnn").read_bytes()
    path = tmp_path / "cut.bnn"
    for length in range(0, len(data), 7):
        path.write_bytes(data[:length])
        with pytest.raises(FileError, match=rf"^{re.escape(str(path))}: [^\n]+$"):
            load(path)


@fixed
@given(st.data())
def test_mutations_are_refused_or_harmless(
    tmp_path_factory: pytest.TempPathFactory, network: Network, data: st.DataObject
) -> None:
    path = tmp_path_factory.getbasetemp() / "mutated.bnn"
    path.unlink(missing_ok=True)
    save(network, path)
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 3))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(content)
    try:
        loaded = load(path)
    except FileError as error:
        message = str(error)
    else:
        assert loaded == network
        return
    assert re.fullmatch(rf"{re.escape(str(path))}: [^\n]+", message)


def test_newer_version(members: dict[str, bytes], tmp_path: Path) -> None:
    path = rewrite(tmp_path / "new.bnn", with_header(members, {**header(members), "version": 5, "novel": []}))
    refuse(path, "format version must be at most 4, not 5: a newer bnnhw wrote this file")


def test_version_1_had_batch_norm_and_sign_only(tmp_path: Path) -> None:
    """The same network as each version writes it: equal when read."""
    bipolar, plane = DataType("bipolar", 1), WeightPlane(1, BitMatrix.from_bits(np.array([[0, 1], [1, 1]])))
    norms = [BatchNorm(*np.arange(1.0, 9.0).reshape(4, 2), eps=0.5), BatchNorm(*np.ones((4, 2)), eps=0.25)]
    first = Dense("first", bipolar, (plane,), batch_norm_sign(norms[0]))
    last, plain = Dense("last", bipolar, (plane,), None), Output.plain("output", 2)
    output = Output("output", plain.multiplier, plain.offset, (norms[1],))
    network = Network(InputSpec((2,), bipolar), (first, last, output))
    save(network, tmp_path / "2.bnn")
    with zipfile.ZipFile(tmp_path / "2.bnn") as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    old = header(members)
    old["version"] = 1
    old["layers"][0]["activation"] = {"kind": "batch_norm_sign", "eps": 0.5}
    old["layers"][2] = {"kind": "output", "name": "output", "classes": 2, "norm": {"eps": 0.25}}
    members = {k.replace(".steps.0.", "."): v for k, v in members.items() if "bounds" not in k and "strict" not in k}
    assert load(rewrite(tmp_path / "1.bnn", with_header(members, old))) == network


@pytest.mark.parametrize(
    "place, value, message",
    [
        ("steps", 3, "header: layer 0: 'steps' must be a list of at most 1000, not 3"),
        ("steps", [{}] * 1001, "header: layer 0: 'steps' must be a list of at most 1000, not [{}, {}"),
        (
            "steps",
            [{"kind": "tanh"}],
            "header: layer 0: a step must be one of scale, divide, shift, batch_norm, relu, prelu, clip, "
            "gap, curve, staircase, not {'kind': 'tanh'}",
        ),
        ("steps", [{"kind": "batch_norm"}], "array '0.steps.0.gamma' is missing"),
        ("steps", [{"kind": "divide"}], "array '0.steps.0.divisor' is missing"),
        ("steps", [{"kind": "curve"}], "header: layer 0: 'name' must be of type str, not None"),
        ("steps", [{"kind": "curve", "name": "gelu"}], "curve: must be one of acos, acosh, asin, asinh, "),
        ("dtype", 2, "header: layer 0: 'dtype' must be of type str, not 2"),
        ("dtype", "uint2", "array '0.bounds' must be float64 (2, 3), not <f8 (2, 1)"),
    ],
)
def test_wrong_float_activations(tmp_path: Path, place: str, value: object, message: str) -> None:
    bipolar, plane = DataType("bipolar", 1), WeightPlane(1, BitMatrix.from_bits(np.array([[0, 1], [1, 1]])))
    first = Dense("first", bipolar, (plane,), FloatActivation((Scale(np.ones(2)), Relu()), sign(2)))
    last = Dense("last", bipolar, (plane,), None)
    save(Network(InputSpec((2,), bipolar), (first, last, Output.plain("output", 2))), tmp_path / "n.bnn")
    with zipfile.ZipFile(tmp_path / "n.bnn") as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    changed = header(members)
    changed["layers"][0]["activation"][place] = value
    path = rewrite(tmp_path / "n.bnn", with_header(members, changed))
    with pytest.raises(FileError, match=rf"^{re.escape(f'{path}: {message}')}[^\n]*$"):
        load(path)


@pytest.mark.parametrize("name", ["0.weights.0", "0.thresholds", "1.weights.0", "2.multiplier", "2.offset"])
def test_missing_array(members: dict[str, bytes], tmp_path: Path, name: str) -> None:
    del members[f"{name}.npy"]
    refuse(rewrite(tmp_path / "missing.bnn", members), f"array {name!r} is missing")


def test_wrong_arrays(members: dict[str, bytes], tmp_path: Path) -> None:
    path = tmp_path / "wrong.bnn"

    def check(name: str, data: bytes, message: str) -> None:
        refuse(rewrite(path, {**members, f"{name}.npy": data}), message)

    check("0.thresholds", npy(np.zeros((3, 1), "<i8")), "array '0.thresholds' must be int64 (4, 1), not <i8 (3, 1)")
    check("0.thresholds", npy(np.zeros((4, 1), "<f8")), "array '0.thresholds' must be int64 (4, 1), not <f8 (4, 1)")
    check("0.thresholds", npy(np.full((4, 1), 99)), "layer first: thresholds must be in 0..11")
    check("0.weights.0", npy(np.full((4, 2), 255, np.uint8)), "BitMatrix must have 0 in the bits past its last column")
    check(
        "0.weights.0",
        npy(np.zeros((4, 2), np.uint8, order="F")),
        "array '0.weights.0' must be uint8 (4, 2), not |u1 (4, 2) in Fortran order",
    )
    check("0.weights.0", b"GIF89a", "array '0.weights.0' must be a NumPy array of version 1.0")
    check("0.weights.0", npy(np.zeros((4, 2), np.uint8))[:-1], "array '0.weights.0' must have 8 bytes of data, not 7")
    check("surplus", b"", "holds members that its header does not call for: surplus.npy")


@pytest.mark.parametrize("text", [b"{'descr': ", b"__import__('os')", b"(" * 9000, b"{}", b"[1]"])
def test_hostile_npy_header(members: dict[str, bytes], tmp_path: Path, text: bytes) -> None:
    members["0.thresholds.npy"] = b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text
    refuse(rewrite(tmp_path / "hostile.bnn", members), "array '0.thresholds' has no valid NumPy header")


def test_giant_sizes_are_refused_before_allocation(members: dict[str, bytes], tmp_path: Path) -> None:
    path = tmp_path / "giant.bnn"
    giant = header(members)
    giant["layers"][0]["neurons"] = 1 << 30
    descr = repr({"descr": "|u1", "fortran_order": False, "shape": (1 << 30, 2)}).encode()
    members["0.weights.0.npy"] = b"\x93NUMPY\x01\x00" + len(descr).to_bytes(2, "little") + descr
    rewrite(path, with_header(members, giant))
    tracemalloc.start()
    refuse(path, f"array '0.weights.0' must have {1 << 31} bytes of data, not 0")
    assert tracemalloc.get_traced_memory()[1] < 1 << 22
    tracemalloc.stop()
    giant["layers"][0]["neurons"] = 1 << 31
    refuse(
        rewrite(path, with_header(members, giant)),
        "header: layer 0: 'neurons' must be in 1..2**31 - 1, not 2147483648",
    )


def test_compressed_members_are_refused(members: dict[str, bytes], tmp_path: Path) -> None:
    path = rewrite(tmp_path / "bomb.bnn", members, zipfile.ZIP_DEFLATED)
    refuse(path, "member 'header.npy' must be stored uncompressed")


@pytest.mark.parametrize(
    "keys, value, message",
    [
        (("version",), True, "header: header: 'version' must be of type int, not True"),
        (("version",), 0, "format version must be at least 1, not 0"),
        (("layers",), [], "a network must have at least one layer and end in an output"),
        (("layers",), {}, "header: header: 'layers' must be of type list, not {}"),
        (("input", "shape"), [0], "header: input: 'shape' must be a list of 1 to 3 positive integers, not [0]"),
        (("input", "shape"), [9], "layer first: must take 9 inputs, not 10"),
        (("input", "dtype"), "uint99", "data type uint must have 1 to 32 bits, not 99"),
        (("layers", 0), 7, "header: layer 0 must have 'kind'"),
        (
            ("layers", 0, "kind"),
            "lstm",
            "header: layer 0: 'kind' must be one of affine, concat, conv, dense, lookup, lookup_conv, max_pool, "
            "output, quantize, residual, sum_pool, not 'lstm'",
        ),
        (("layers", 0, "kind"), "conv", "header: layer 0 must have 'window'"),
        (
            ("layers", 0, "name"),
            "two\nlines",
            "header: layer 0: 'name' must be 1 to 200 printable characters, not 'two\\nlines'",
        ),
        (("layers", 0, "coefficients"), [], "layer first: weights must have at least one plane"),
        (("layers", 0, "coefficients"), ["1"], "header: layer 0: coefficients must be integers below 2**31, not '1'"),
        (
            ("layers", 0, "activation", "kind"),
            "relu",
            "header: layer 0: activation must be thresholds or float, not 'relu'",
        ),
        (("layers", 2, "norm"), {"eps": 0.1}, "array '2.gamma' is missing"),
        (("provenance",), {"a": 1}, "header: 'provenance' must map strings to strings"),
    ],
)
def test_wrong_header(
    members: dict[str, bytes], tmp_path: Path, keys: tuple[str | int, ...], value: object, message: str
) -> None:
    changed = header(members)
    place: Any = changed
    for key in keys[:-1]:
        place = place[key]
    place[keys[-1]] = value
    refuse(rewrite(tmp_path / "header.bnn", with_header(members, changed)), message)


def test_deeply_nested_header(members: dict[str, bytes], tmp_path: Path) -> None:
    refuse(rewrite(tmp_path / "deep.bnn", with_header(members, b"[" * 200_000)), "header must be JSON")
