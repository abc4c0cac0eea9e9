"""Networks of tables from files: what they compute is what their arrays say, in both formats, and in hardware."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bnnhw.flow.choose import fold
from bnnhw.flow.import_ import import_model
from bnnhw.frontend import FORMATS, Match, Source
from bnnhw.ir import archive
from bnnhw.reference import evaluate
from bnnhw.sim.simulate import simulate
from tests.cli.conftest import run
from tests.frontend.table_models import Arrays, forward, sample_arrays, write
from tests.needs import SIMULATION, needs

RNG = np.random.default_rng(3)


def gates(*neurons: int, inputs: int, classes: int = 3) -> Arrays:
    """Layers of gates of two inputs, as difflogic and torchlogix train them."""
    arrays: Arrays = {"table_network": 1, "input.shape": np.array([inputs]), "classes": classes}
    for number, count in enumerate(neurons):
        arrays[f"layer{number}.sources"] = RNG.integers(0, inputs, (count, 2))
        arrays[f"layer{number}.tables"] = RNG.integers(0, 2, (count, 4), np.uint8)
        inputs = count
    return arrays


def weightless(thresholds: Any, shape: tuple[int, ...], *neurons: int, fan_in: int = 6, classes: int = 2) -> Arrays:
    """Layers of tables behind a thermometer, as DWN trains them."""
    thresholds = np.asarray(thresholds)
    arrays: Arrays = {"table_network": 1, "input.shape": np.array(shape), "classes": classes}
    arrays["input.thermometer"] = thresholds
    inputs = int(np.prod(shape)) * thresholds.shape[-1]
    for number, count in enumerate(neurons):
        arrays[f"layer{number}.sources"] = RNG.integers(0, inputs, (count, fan_in))
        arrays[f"layer{number}.tables"] = RNG.random((count, 1 << fan_in)) < 0.5
        inputs = count
    return arrays


def several_bits(bits: int, hidden: int, fan_in: int, last: int = 2) -> Arrays:
    """Neurons of several bits, one per class at the end, as LogicNets trains them."""
    arrays: Arrays = {"table_network": 1, "input.shape": np.array([6]), "input.bits": np.array(bits), "classes": 4}
    arrays["layer0.sources"] = RNG.integers(0, 6, (9, fan_in))
    arrays["layer0.tables"] = RNG.integers(0, 1 << hidden, (9, 1 << (bits * fan_in)))
    arrays["layer0.bits"] = np.array(hidden)
    arrays["layer1.sources"] = RNG.integers(0, 9, (4, 2))
    arrays["layer1.tables"] = RNG.integers(0, 1 << last, (4, 1 << (2 * hidden)))
    arrays["layer1.bits"] = np.array(last)
    return arrays


def ascending(*shape: int) -> np.ndarray[Any, Any]:
    return np.sort(RNG.integers(-3, 12, shape), axis=-1)


CASES: dict[str, Arrays] = {
    "gates": gates(24, 18, 12, inputs=16),
    "one layer": gates(9, inputs=5),
    "thermometer": weightless(ascending(7, 3).astype(np.float32), (7,), 20, 14),
    "thermometer of pairs, in one table": weightless(ascending(7, 3), (7,), 14, 6, fan_in=2),
    "one threshold": weightless(ascending(1, 1), (9,), 10, fan_in=5),
    "thresholds of all": weightless(ascending(5), (3, 2, 4), 12, 8, fan_in=4),
    "thresholds by channel": weightless(ascending(3, 2), (3, 2, 4), 12, fan_in=3),
    "thresholds by element of a map": weightless(ascending(24, 2), (3, 2, 4), 16, fan_in=3),
    "infinite thresholds": weightless([[-np.inf, 2, np.inf]], (4,), 8, fan_in=3),
    "8 inputs": weightless(ascending(4, 4), (4,), 6, fan_in=8),
    "200 thresholds": weightless(np.linspace(-3, 12, 200), (2,), 6, fan_in=6),
    "several bits": several_bits(3, 2, 2),
    "8 bits read by one": several_bits(8, 1, 1, last=3),
    "elements of several bits by thresholds": {
        **{k: v for k, v in several_bits(2, 3, 3).items() if k != "input.bits"},
        "input.thresholds": ascending(6, 3),
    },
    "all arrays": sample_arrays(RNG),
    "one class": {**gates(5, inputs=4, classes=1), "offsets": np.array([-3])},
    "Fortran order": {k: np.asfortranarray(v) for k, v in gates(24, 12, inputs=16).items()},
}


def samples_of(arrays: Arrays, count: int) -> np.ndarray[Any, Any]:
    shape = tuple(int(size) for size in arrays["input.shape"])
    if "input.thermometer" in arrays or "input.thresholds" in arrays:
        return RNG.integers(-4, 13, (count, *shape))
    return RNG.integers(0, 1 << int(arrays.get("input.bits", 1)), (count, *shape))


@pytest.mark.parametrize("suffix", [".npz", ".safetensors"])
@pytest.mark.parametrize("name", CASES)
def test_scores_are_what_the_arrays_say(name: str, suffix: str, tmp_path: Path) -> None:
    """Scores are twice the sums of bits that the layout states, or once where nothing is left out of a sum."""
    arrays = CASES[name]
    imported = import_model(write(tmp_path / f"m{suffix}", arrays))
    assert (imported.format, imported.warnings) == ("tables", ())
    network = imported.network
    samples = samples_of(arrays, 25)
    due = forward(arrays, samples)
    found = evaluate(network, network.input.encode(samples))
    assert np.array_equal(found.scores, due if network.output.classes == 1 else 2 * due)
    assert np.array_equal(found.classes, due[:, 0] >= 0 if network.output.classes == 1 else due.argmax(axis=1))
    archive.save(network, tmp_path / "m.bnn")
    assert archive.load(tmp_path / "m.bnn") == network


@pytest.mark.parametrize("name", ["gates", "thermometer", "several bits"])
def test_hardware_gives_the_same(name: str, tmp_path: Path) -> None:
    """One frame per cycle, every layer's stream equal to the reference."""
    needs(*SIMULATION)
    network = import_model(write(tmp_path / "m.npz", CASES[name])).network
    codes = network.input.encode(samples_of(CASES[name], 30))
    result = simulate(fold(network, "icebreaker", engine="any"), codes, layers=True)
    assert (result.mismatches, result.layer_mismatches) == (0, ())
    assert result.cycles_per_frame == 1


def test_layers_are_few() -> None:
    """A thermometer bit that nobody reads has no table, and pairs of two-bit elements need no layer in front."""
    kinds = {}
    for name in ("thermometer", "thermometer of pairs, in one table", "one threshold"):
        buffer = io.BytesIO()
        np.savez(buffer, **CASES[name])
        kinds[name] = FORMATS["tables"].read(Source(Path("m.npz"), buffer.getvalue())).network.chain
    assert [layer.name for layer in kinds["thermometer"]] == ["thermometer", "layer0", "layer1", "sums"]
    assert kinds["thermometer"][0].shape_out[0] == len(np.unique(CASES["thermometer"]["layer0.sources"]))
    assert [layer.name for layer in kinds["thermometer of pairs, in one table"]] == ["layer0", "layer1", "sums"]
    assert [layer.name for layer in kinds["one threshold"]] == ["layer0", "sums"]


def test_the_command_line_reads_both(tmp_path: Path) -> None:
    """By the verb that takes foreign models, with the names of the file's classes."""
    for suffix in (".npz", ".safetensors"):
        path = write(tmp_path / f"m{suffix}", CASES["all arrays"])
        result = run("import", path, "-o", tmp_path / "m.bnn", "--json")
        assert result.exit_code == 0, result.stderr
        assert json.loads(result.stdout)["format"] == "tables"
        network = archive.load(tmp_path / "m.bnn")
        assert network.provenance["source"] == path.name
        assert json.loads(network.provenance["classes"]) == ["plain", "not so", "neither"]
        shown = run("show", tmp_path / "m.bnn")
        assert shown.exit_code == 0, shown.stderr


def test_how_sure_it_is(tmp_path: Path) -> None:
    """Of its own files, compressed and damaged ones too, and not of Larq's and others."""
    np.savez_compressed(tmp_path / "packed.npz", **CASES["gates"])
    mine = [write(tmp_path / f"m{suffix}", CASES["gates"]) for suffix in (".npz", ".safetensors")]
    (tmp_path / "cut.npz").write_bytes(mine[0].read_bytes()[:200])
    for path in (*mine, tmp_path / "packed.npz", tmp_path / "cut.npz"):
        assert FORMATS["tables"].sniff(Source.open(path)) is Match.YES
    other = {"w": np.zeros(3)}
    for path in (write(tmp_path / "o.npz", other), write(tmp_path / "o.safetensors", other), tmp_path):
        assert FORMATS["tables"].sniff(Source.open(path)) is Match.NO
    assert import_model(tmp_path / "packed.npz").format == "tables"


def test_an_archive_of_both_kinds_is_larqs(tmp_path: Path) -> None:
    """Nothing that Larq's reader takes is lost to this one."""
    with zipfile.ZipFile(tmp_path / "m.npz", "w") as file:
        file.writestr("architecture.npy", "")
    assert FORMATS["tables"].sniff(Source.open(tmp_path / "m.npz")) is Match.NO
