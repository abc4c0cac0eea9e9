"""A layer kind is whole, or what it lacks is named: here one that nobody registered, and those of the package."""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

from bnnhw.analysis.activations import activation_sites, with_widths
from bnnhw.c import write_c
from bnnhw.c.translations import TRANSLATIONS
from bnnhw.dataflow.engine import LayerFolding
from bnnhw.devices import technology
from bnnhw.errors import MissingError
from bnnhw.ir import (
    BatchNorm,
    BitMatrix,
    Conv2d,
    DataType,
    Dense,
    InputSpec,
    Layer,
    MaxPool,
    Network,
    Output,
    Quantize,
    Shape,
    Thresholds,
    WeightPlane,
    Window,
    archive,
    batch_norm_sign,
    layers,
)
from bnnhw.ir.codec import CODECS, Codec, LayerReader, LayerWriter
from bnnhw.lowering import RULES, lower
from bnnhw.qonnx import to_qonnx
from bnnhw.qonnx.exporters import EXPORTERS
from bnnhw.reference import evaluate, trace
from bnnhw.reference.kernels import REFERENCE, Codes, Step
from bnnhw.streamline import streamline

BIPOLAR = DataType("bipolar", 1)
SHAPE = (2, 3, 4)


@dataclass(frozen=True)
class Flip(Layer):
    """The map mirrored from left to right: the shape stays, so that nothing else would notice its absence."""

    kind: ClassVar[str] = "flip"
    selects: ClassVar[bool] = True

    name: str
    shape: Shape
    input: DataType

    @property
    def output(self) -> DataType:
        return self.input

    @property
    def shape_in(self) -> Shape:
        return self.shape

    @property
    def shape_out(self) -> Shape:
        return self.shape


def describe(layer: Flip, _: LayerWriter) -> dict[str, Any]:
    return {"shape": list(layer.shape)}


def read(entry: LayerReader) -> Flip:
    return Flip(entry.name, entry.shape, entry.input)


def flipped(layer: Flip) -> Step:
    channels, height, width = layer.shape

    def flip(codes: Codes) -> Codes:
        return codes.reshape(-1, height, width, channels)[:, :, ::-1].reshape(codes.shape)

    return flip


def plane(neurons: int, synapses: int) -> tuple[WeightPlane, ...]:
    bits = np.random.default_rng(neurons).integers(0, 2, (neurons, synapses))
    return (WeightPlane(1, BitMatrix.from_bits(bits)),)


def network(*body: Layer) -> Network:
    last = Dense("last", BIPOLAR, plane(3, 24), None)
    return Network(InputSpec(SHAPE, BIPOLAR), (*body, last, Output.plain("output", 3)))


@pytest.fixture
def flip() -> Network:
    return network(Flip("mirror", SHAPE, BIPOLAR))


def kinds() -> dict[str, type[Layer] | type[Output]]:
    """The kinds of the package: each layer class of its files."""
    modules = [importlib.import_module(f"{layers.__name__}.{m.name}") for m in pkgutil.iter_modules(layers.__path__)]
    found = [value for module in modules for value in vars(module).values() if isinstance(value, type)]
    # What kinds have in common, Layer and its like, has no word of its own.
    return {c.kind: c for c in found if issubclass(c, Layer | Output) and hasattr(c, "kind")}


@pytest.mark.parametrize(
    "registry, output",
    [(CODECS, True), (REFERENCE, False), (RULES, True), (EXPORTERS, False), (TRANSLATIONS, False)],
    ids=["codec", "reference", "lowering", "export", "c"],
)
def test_every_kind_has_everything(registry: Any, output: bool) -> None:
    wanted = {kind for kind in kinds() if output or kind != Output.kind}
    assert len(wanted) >= 7
    assert wanted - set(registry) == set()


def test_a_kind_is_a_file_of_its_name() -> None:
    assert {kind: c.__module__.rpartition(".")[2] for kind, c in kinds().items()} == {kind: kind for kind in kinds()}


@pytest.mark.parametrize(
    "work, message",
    [
        (
            lambda n, path: archive.save(n, path / "flip.bnn"),
            "kind 'flip' must have a codec of the network file: register it in the kind's file in bnnhw/ir/layers",
        ),
        (
            lambda n, _: trace(n, np.zeros((1, 24), np.uint8)),
            "kind 'flip' must have a reference: register it in bnnhw/reference/flip.py",
        ),
        (
            lambda n, _: lower(n, {"last": LayerFolding(1, 1)}, technology("ice40")),
            "kind 'flip' must have a lowering rule: register it in bnnhw/lowering/flip.py",
        ),
        (
            lambda n, _: to_qonnx(n),
            "kind 'flip' must have an export: register it in bnnhw/qonnx/layers/flip.py",
        ),
        (
            lambda n, path: write_c(n, path / "flip.c"),
            "kind 'flip' must have a translation to C: register it in bnnhw/c/layers/flip.py",
        ),
    ],
    ids=["codec", "reference", "lowering", "export", "c"],
)
def test_what_is_missing_is_named(
    flip: Network, tmp_path: Path, work: Callable[[Network, Path], object], message: str
) -> None:
    with pytest.raises(MissingError, match=f"^{re.escape(message)}$"):
        work(flip, tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_whole_kind_is_written_read_and_computed(
    flip: Network, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(CODECS._values, "flip", Codec(describe, read))
    monkeypatch.setitem(REFERENCE._values, "flip", flipped)
    archive.save(flip, tmp_path / "flip.bnn")
    assert archive.load(tmp_path / "flip.bnn") == flip
    codes = np.random.default_rng(0).integers(0, 2, (5, 24), np.uint8)
    mirrored = codes.reshape(5, 3, 4, 2)[:, :, ::-1].reshape(5, 24)
    assert np.array_equal(trace(flip, codes)["mirror"], mirrored)
    assert np.array_equal(evaluate(flip, codes).scores, evaluate(network(), mirrored).scores)


def test_a_kind_passes_through_what_only_asks(flip: Network) -> None:
    assert streamline(flip).network == flip
    assert [site.name for site in activation_sites(flip)] == ["input"]
    assert with_widths(flip, {"input": 2}).chain[0] == Flip("mirror", SHAPE, DataType("uint", 2))
    assert flip.chain[0].renamed("m").name == "m"


def norm(channels: int, gamma: float) -> BatchNorm:
    rows = np.ones(channels)
    return BatchNorm(np.array([gamma] * channels), 0 * rows, 9 * rows, rows, 0.0)


def sums(*between: Layer, gamma: float) -> Network:
    """A convolution that gives its accumulators, something, and a float sign of them."""
    conv = Conv2d(Window(2, 3, 4, (3, 3), padding=(1, 1, 1, 1)), Dense("conv", BIPOLAR, plane(2, 18), None))
    sign = Quantize("sign", SHAPE, conv.output, batch_norm_sign(norm(2, gamma)))
    return network(conv, *(replace(layer, input=conv.output) for layer in between), sign)  # type: ignore[type-var]


class Turned(Flip):
    """A mirror does not mind the order of elements."""

    def reversed_in(self, channels: Any) -> Turned:
        return self


@pytest.mark.parametrize("gamma", [1.0, -1.0])
def test_activations_move_past_what_selects(gamma: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(REFERENCE._values, "flip", flipped)
    before = sums(
        Turned("mirror", SHAPE, BIPOLAR), MaxPool("max", Window(2, 3, 4, (1, 1)), BIPOLAR, np.zeros(2)), gamma=gamma
    )
    after = streamline(before).network
    assert [layer.kind for layer in after.chain] == ["conv", "flip", "max_pool", "dense"]
    assert isinstance(after.chain[0].activation, Thresholds) and after.chain[1].input == BIPOLAR
    codes = np.random.default_rng(0).integers(0, 2, (20, 24), np.uint8)
    mirrored = streamline(sums(gamma=gamma)).network
    expected = trace(mirrored, codes)["conv"].reshape(20, 3, 4, 2)[:, :, ::-1].reshape(20, 24)
    assert np.array_equal(trace(after, codes)["max"], expected)


def test_a_kind_that_selects_must_say_how_it_reverses() -> None:
    message = "^kind 'flip' must have reversed_in: define it in the kind's file in bnnhw/ir/layers$"
    with pytest.raises(MissingError, match=message):
        streamline(sums(Flip("mirror", SHAPE, BIPOLAR), gamma=1.0))
