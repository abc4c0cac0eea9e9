"""The network file: layers over feature maps, round trips and refusals."""

from __future__ import annotations

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
    walk,
)
from bnnhw.ir.archive import load, save
from bnnhw.ir.layer import MAX_DEPTH
from tests.ir.test_archive import header, npy, refuse, rewrite, with_header
from tests.map_strategies import map_networks
from tests.strategies import fixed

BIPOLAR = DataType("bipolar", 1)
SHAPE = (2, 4, 4)


def plane(neurons: int, synapses: int) -> tuple[WeightPlane, ...]:
    return (WeightPlane(1, BitMatrix.from_bits(np.arange(neurons * synapses).reshape(neurons, synapses) % 3 == 1)),)


@pytest.fixture(scope="module")
def network() -> Network:
    """Every kind of layer once: convolution, pools, and in the body of a residual layer affine and quantize."""
    window = Window(2, 4, 4, (3, 3), padding=(1, 1, 1, 1))
    conv = Dense("conv", BIPOLAR, plane(2, 18), Thresholds(np.array([[9], [4]]), BIPOLAR))
    affine = Affine("affine", SHAPE, BIPOLAR, np.array([3, -2]), np.array([1, 0]))
    quantize = Quantize("quantize", SHAPE, affine.output, Thresholds(np.array([[0], [2]]), BIPOLAR))
    residual = Residual("residual", SHAPE, BIPOLAR, (affine, quantize))
    pool = SumPool("sum", Window(2, 4, 4, (2, 2), (2, 2)), residual.output)
    top = MaxPool("max", Window(2, 2, 2, (2, 2)), pool.output, np.array([False, True]))
    last = Dense("last", top.output, plane(3, 2), None)
    layers = (Conv2d(window, conv, padding_code=1), residual, pool, top, last, Output.plain("output", 3))
    return Network(InputSpec(SHAPE, BIPOLAR), layers)


@pytest.fixture
def members(network: Network, tmp_path: Path) -> dict[str, bytes]:
    save(network, tmp_path / "good.bnn")
    with zipfile.ZipFile(tmp_path / "good.bnn") as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def changed(members: dict[str, bytes], path: Path, keys: tuple[str | int, ...], value: object) -> Path:
    """A file whose header has another value at one place."""
    changed = header(members)
    place: Any = changed
    for key in keys[:-1]:
        place = place[key]
    place[keys[-1]] = value
    return rewrite(path, with_header(members, changed))


@fixed
@given(st.booleans().flatmap(lambda general: map_networks(general=general)))
def test_round_trip_is_exact(tmp_path_factory: pytest.TempPathFactory, network: Network) -> None:
    path = tmp_path_factory.getbasetemp() / "round_maps.bnn"
    save(network, path)
    first = path.read_bytes()
    again = load(path)
    assert again == network
    assert [type(layer) for layer in walk(again.layers)] == [type(layer) for layer in walk(network.layers)]
    save(again, path)
    assert path.read_bytes() == first


def test_header_in_words(network: Network, members: dict[str, bytes]) -> None:
    layers = header(members)["layers"]
    assert header(members)["version"] == 3
    assert [layer["kind"] for layer in layers] == ["conv", "residual", "sum_pool", "max_pool", "dense", "output"]
    assert layers[0] == {
        "kind": "conv",
        "name": "conv",
        "input": "bipolar",
        "neurons": 2,
        "synapses": 18,
        "coefficients": [1],
        "activation": {"kind": "thresholds", "dtype": "bipolar"},
        "window": {
            "channels": 2,
            "height": 4,
            "width": 4,
            "kernel": [3, 3],
            "stride": [1, 1],
            "dilation": [1, 1],
            "padding": [1, 1, 1, 1],
        },
        "padding_code": 1,
        "depthwise": False,
    }
    assert layers[1]["shape"] == [2, 4, 4]
    assert [layer["kind"] for layer in layers[1]["body"]] == ["affine", "quantize"]
    assert layers[1]["shortcut"] == []
    assert {"0.weights.0.npy", "1.body.0.offset.npy", "1.body.1.thresholds.npy", "3.minimum.npy"} <= set(members)


WINDOW = ("layers", 0, "window")


@pytest.mark.parametrize(
    "keys, value, message",
    [
        (WINDOW, None, "header: layer 0: 'window' must be of type dict, not None"),
        ((*WINDOW, "channels"), True, "header: layer 0: 'channels' must be of type int, not True"),
        ((*WINDOW, "width"), 0, "header: layer 0: 'width' must be in 1..2**31 - 1, not 0"),
        (
            (*WINDOW, "kernel"),
            [3],
            "header: layer 0: 'kernel' must be a list of 2 integers in 1..2**31 - 1, not [3]",
        ),
        (
            (*WINDOW, "stride"),
            [0, 1],
            "header: layer 0: 'stride' must be a list of 2 integers in 1..2**31 - 1, not [0, 1]",
        ),
        (
            (*WINDOW, "dilation"),
            [1.0, 1],
            "header: layer 0: 'dilation' must be a list of 2 integers in 1..2**31 - 1, not [1.0, 1]",
        ),
        (
            (*WINDOW, "padding"),
            [0, 0, 0, -1],
            "header: layer 0: 'padding' must be a list of 4 integers in 0..2**31 - 1, not [0, 0, 0, -1]",
        ),
        (
            (*WINDOW, "kernel"),
            [9, 3],
            "header: layer 0: window: kernel 9 x 3 with dilation 1 x 1 must fit the padded map of 6 x 6",
        ),
        ((*WINDOW, "kernel"), [3, 2], "layer conv: weights must have 12 synapses, not 18"),
        ((*WINDOW, "height"), 5, "layer conv: must take a map of 2 x 4 x 4, not 2 x 5 x 4"),
        (("layers", 0, "padding_code"), 2, "layer conv: padding must be a code in 0..1, not 2"),
        (("layers", 0, "padding_code"), "0", "header: layer 0: 'padding_code' must be of type int, not '0'"),
        (("layers", 0, "depthwise"), 0, "header: layer 0: 'depthwise' must be of type bool, not 0"),
        (("layers", 0, "depthwise"), True, "layer conv: weights must have 9 synapses, not 18"),
        (
            ("layers", 1, "shape"),
            [2, 4],
            "header: layer 1: 'shape' must be a list of 3 integers in 1..2**31 - 1, not [2, 4]",
        ),
        (("layers", 1, "shape"), [2, 4, 5], "layer affine: must take a map of 2 x 4 x 5, not 2 x 4 x 4"),
        (("layers", 1, "body"), {}, "header: layer 1: 'body' must be of type list, not {}"),
        (("layers", 1, "body", 0, "name"), "conv", "layer conv: name must be unique"),
        (("layers", 1, "body", 0, "kind"), "tanh", None),
        (("layers", 1, "body", 0, "shape"), [3, 4, 4], "array '1.body.0.multiplier' must be int64 (3,), not <i8 (2,)"),
        (
            ("layers", 1, "body", 1, "activation"),
            None,
            "header: layer 1.body.1: 'activation' must be of type dict, not None",
        ),
        (("layers", 1, "body", 1, "input"), "int2", "layer quantize: must take int4 elements, not int2"),
        (("layers", 1, "body", 1, "input"), "uint2", "layer quantize: must take int4 elements, not uint2"),
        (("layers", 3, "window", "channels"), 3, "array '3.minimum' must be uint8 (3,), not |u1 (2,)"),
        (("layers", 2, "input"), "int32", "layer sum: results must fit 32 bits, not -8589934592..8589934588"),
    ],
)
def test_wrong_header(
    members: dict[str, bytes], tmp_path: Path, keys: tuple[str | int, ...], value: object, message: str | None
) -> None:
    if message is None:
        message = (
            "header: layer 1.body.0: 'kind' must be one of affine, concat, conv, dense, lookup, lookup_conv, max_pool, "
            "output, quantize, residual, sum_pool, not 'tanh'"
        )
    refuse(changed(members, tmp_path / "header.bnn", keys, value), message)


def test_branches_must_agree(members: dict[str, bytes], tmp_path: Path) -> None:
    path = tmp_path / "branches.bnn"
    pool = {**header(members)["layers"][2], "name": "pool", "input": "bipolar"}
    refuse(
        changed(members, path, ("layers", 1, "shortcut"), [pool]),
        "layer residual: branches must end in one shape, not (2, 4, 4) and (2, 2, 2)",
    )
    output = header(members)["layers"][5]
    content = {**members}
    for name in ("multiplier", "offset"):
        content[f"1.shortcut.0.{name}.npy"] = members[f"5.{name}.npy"]
    refuse(
        changed(content, path, ("layers", 1, "shortcut"), [{**output, "name": "early"}]),
        "layer early: an output must be the last layer",
    )


@pytest.mark.parametrize("name", ["1.body.0.multiplier", "1.body.0.offset", "1.body.1.thresholds", "3.minimum"])
def test_missing_array(members: dict[str, bytes], tmp_path: Path, name: str) -> None:
    del members[f"{name}.npy"]
    refuse(rewrite(tmp_path / "missing.bnn", members), f"array {name!r} is missing")


def test_wrong_arrays(members: dict[str, bytes], tmp_path: Path) -> None:
    path = tmp_path / "wrong.bnn"

    def check(name: str, array: np.ndarray, message: str) -> None:
        refuse(rewrite(path, {**members, f"{name}.npy": npy(array)}), message)

    check("3.minimum", np.array([0, 2], np.uint8), "array '3.minimum' must be of 0 and 1")
    check("3.minimum", np.array([0, 1]), "array '3.minimum' must be uint8 (2,), not <i8 (2,)")
    large = np.array([1 << 40, 0])
    check("1.body.0.offset", large, f"layer affine: results must fit 32 bits, not -2..{(1 << 40) + 3}")
    check("1.body.1.thresholds", np.array([[0], [9]]), "layer quantize: thresholds must be in -8..8")


def test_giant_windows_are_refused_before_allocation(members: dict[str, bytes], tmp_path: Path) -> None:
    path = tmp_path / "giant.bnn"
    entry = header(members)["layers"][2]["window"]
    cases = [
        (
            {"height": 40_000, "width": 20_000, "kernel": [20_000, 10_000], "stride": [1, 1]},
            f"window: positions times kernel must be at most {1 << 26} taps per frame, "
            f"not {20_001 * 10_001 * 20_000 * 10_000}",
        ),
        (
            {"height": 1 << 19, "padding": [0, (1 << 20) - 1, 0, 0]},
            f"window: the padded map must have at most {(1 << 31) - 1} elements, not {2 * (1 << 19) * ((1 << 20) + 3)}",
        ),
    ]
    for change, message in cases:
        changed(members, path, ("layers", 2, "window"), entry | change)
        tracemalloc.start()
        refuse(path, f"header: layer 2: {message}")
        assert tracemalloc.get_traced_memory()[1] < 1 << 22
        tracemalloc.stop()
    changed(members, path, ("layers", 2, "window", "height"), 1 << 30)
    with pytest.raises(FileError) as caught:
        load(path)
    assert str(caught.value) == (
        f"{path}: header: layer 2: window: sizes must be in 1..1048575, padding in 0..1048575, not "
        "Window(channels=2, height=1073741824, width=4, kernel=(2, 2), stride=(2, 2), dilation=(1, 1), "
        "padding=(0, 0, 0, 0))"
    )


def nested(network: Network, depth: int) -> dict[str, Any]:
    """The header's entry of residual layers inside one another, the innermost over the identity pool."""
    window = {"channels": 2, "height": 4, "width": 4, "kernel": [1, 1]}
    window |= {"stride": [1, 1], "dilation": [1, 1], "padding": [0, 0, 0, 0]}
    entry: dict[str, Any] = {"kind": "sum_pool", "name": "inner", "input": "bipolar", "window": window}
    for level in range(depth):
        shape = {"input": "bipolar", "shape": [2, 4, 4]}
        entry = {"kind": "residual", "name": f"r{level}", **shape, "body": [entry], "shortcut": []}
    return entry


def test_nesting_is_bounded(network: Network, members: dict[str, bytes], tmp_path: Path) -> None:
    path = tmp_path / "deep.bnn"
    content = {name: data for name, data in members.items() if not name.startswith("1.")}
    place = "1" + ".body.0" * MAX_DEPTH
    message = f"header: layer {place}: branches must nest at most {MAX_DEPTH} deep"
    for depth in (MAX_DEPTH + 1, 200):
        refuse(changed(content, path, ("layers", 1), nested(network, depth)), message)
    # As deep as it may: -1..1 is added to 0..1, then seven times to the type that holds the sums, one bit wider each.
    refuse(
        changed(content, path, ("layers", 1), nested(network, MAX_DEPTH)),
        "layer sum: must take int10 elements, not int3",
    )


def test_number_of_layers_is_bounded(network: Network, members: dict[str, bytes], tmp_path: Path) -> None:
    refuse(
        changed(members, tmp_path / "long.bnn", ("layers", 1, "body"), [{}] * 10_000),
        "header: a network must have at most 10000 layers",
    )


@fixed
@given(st.data())
def test_mutations_are_refused_or_harmless(
    tmp_path_factory: pytest.TempPathFactory, network: Network, data: st.DataObject
) -> None:
    """One value anywhere in the header replaced: a refusal in one line, or a network that is written and read again."""
    path = tmp_path_factory.getbasetemp() / "mutated_maps.bnn"
    path.unlink(missing_ok=True)
    save(network, path)
    with zipfile.ZipFile(path) as archive:
        content = {name: archive.read(name) for name in archive.namelist()}
    entry = header(content)
    place: Any = entry["layers"]
    while True:
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        key = data.draw(st.sampled_from(keys))
        if not isinstance(place[key], dict | list) or not place[key] or data.draw(st.integers(0, 9)) == 0:
            break
        place = place[key]
    values = [None, True, -1, 0, 1, 2, 3, 1 << 20, 1 << 31, 10**30, 0.5, "", "int4", "conv", [], {}, [1, 1], [[]]]
    place[key] = data.draw(st.sampled_from(values))
    rewrite(path, with_header(content, entry))
    try:
        loaded = load(path)
    except FileError as error:
        message = str(error)
    else:
        path.unlink()
        save(loaded, path)
        assert load(path) == loaded
        return
    assert re.fullmatch(rf"{re.escape(str(path))}: [^\n]+", message)
