"""The Python interface: what ``import bnnhw`` gives, without a command line."""

from __future__ import annotations

import importlib.util
import inspect
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import bnnhw
from bnnhw.devices.ice40 import ICE40
from bnnhw.ir import BitMatrix, DataType, Dense, InputSpec, Output, WeightPlane
from bnnhw.sim.result import LayerMismatch
from tests.cli.conftest import make_network
from tests.frontend.chain_models import Chain
from tests.frontend.models import write
from tests.needs import needs

FOLDINGS = (bnnhw.LayerFolding(4, 8), bnnhw.LayerFolding(2, 4, "lut"))


@pytest.mark.parametrize("name", bnnhw.__all__)
def test_every_name_is_there_and_documented(name: str) -> None:
    value = getattr(bnnhw, name)
    assert name in dir(bnnhw)
    if name == "__version__":
        assert value == "0.1.0"
        return
    assert value.__doc__
    if inspect.isfunction(value) and len(inspect.signature(value).parameters) > 2:
        assert "Parameters\n" in value.__doc__, name


def test_a_name_that_is_not_there() -> None:
    with pytest.raises(AttributeError, match=r"^module 'bnnhw' has no attribute 'synthesise'$"):
        bnnhw.synthesise  # noqa: B018 # pyright: ignore[reportAttributeAccessIssue]


def test_nothing_heavy_is_loaded_before_it_is_used() -> None:
    code = (
        "import sys, bnnhw\n"
        "dir(bnnhw), bnnhw.__version__, bnnhw.BnnhwError\n"
        "heavy = ('numpy', 'amaranth', 'onnx', 'torch', 'click', 'jinja2')\n"
        "print([name for name in heavy if name in sys.modules])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "[]\n"), done.stderr


def test_read_and_save(root: Path, tmp_path: Path) -> None:
    network = bnnhw.read(root / "models" / "digits.onnx")
    assert network.streamlined
    bnnhw.save(network, tmp_path / "deep" / "digits.bnn")
    assert bnnhw.read(tmp_path / "deep" / "digits.bnn") == network


def test_evaluate() -> None:
    network = make_network()
    samples, _ = bnnhw.datasets.load_split("digits", "test")
    scores = bnnhw.evaluate(network, samples[:7])
    assert scores.scores.shape == (7, 10) and scores.classes.shape == (7,)
    # However a frame is laid out.
    assert np.array_equal(bnnhw.evaluate(network, samples[:7].reshape(7, 8, 8)).scores, scores.scores)
    with pytest.raises(bnnhw.BnnhwError, match=r"^samples must have 64 elements per frame for this network, not 63$"):
        bnnhw.evaluate(network, samples[:7, :63])


def test_ranges_that_do_not_meet_are_warned_of(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fractions into thresholds of 1 to 15, whatever is done with them; said of the line that gives the samples."""
    network = make_network()
    samples, labels = bnnhw.datasets.load_split("digits", "test")
    samples, labels = samples[:40], labels[:40].astype(np.int64)
    monkeypatch.setattr("bnnhw.flow.simulate.simulate_core", lambda *_, **__: None)
    folded = bnnhw.FoldedNetwork(network, FOLDINGS)
    message = (
        r"^the samples go from 0 to 0\.0625, and the network's input has thresholds from 1 to 15: they do not meet; "
        r"say what the model takes with input_scale and input_offset of bnnhw\.read$"
    )
    for run in (
        lambda x: bnnhw.evaluate(network, x),
        lambda x: bnnhw.simulate(folded, x),
        lambda x: bnnhw.sensitivity(network, x, labels),
    ):
        with pytest.warns(bnnhw.RangeWarning, match=message) as caught:
            run(samples / 256)
        assert [warning.filename for warning in caught] == [__file__]
        run(samples)
    assert issubclass(bnnhw.RangeWarning, bnnhw.BnnhwWarning) and issubclass(bnnhw.BnnhwWarning, UserWarning)


def test_maps_of_another_layout_are_of_the_same_range() -> None:
    """Thresholds per channel are held against their own channel, whichever order of axes is given."""
    rows = ((0.25, 0.5, 0.75), (64.0, 128.0, 192.0))
    spec = InputSpec((2, 3, 3), DataType("uint", 2), rows, layout="hwc")
    last = Dense("last", spec.dtype, (WeightPlane(1, BitMatrix.from_bits(np.ones((2, 18), np.uint8))),), None)
    network = bnnhw.Network(spec, (last, Output.plain("output", 2)))
    maps = np.random.default_rng(0).random((50, 2, 3, 3)) * np.array([1, 255]).reshape(2, 1, 1)
    first = bnnhw.evaluate(network, maps)
    assert np.array_equal(bnnhw.evaluate(network, np.moveaxis(maps, 1, -1)).scores, first.scores)
    with pytest.warns(bnnhw.RangeWarning, match=r"^the samples of channel 0 go from "):
        bnnhw.evaluate(network, maps[:, ::-1])


def test_what_reading_assumed_is_warned_of(tmp_path: Path) -> None:
    proto = Chain(1, 3, 3).quant(2, 0.25, 0).end(9)
    with pytest.warns(bnnhw.BnnhwWarning, match="samples are read as bytes, 0..255") as caught:
        bnnhw.read(write(proto, tmp_path / "m.onnx"))
    assert [warning.filename for warning in caught] == [__file__]


def test_fold_predict_and_cost() -> None:
    network = make_network()
    slow, fast = bnnhw.fold(network, "icebreaker", fps=1000), bnnhw.fold(network, "icebreaker", fastest=True)
    cycles = [bnnhw.predict(folded, "icebreaker") for folded in (slow, fast)]
    assert cycles[0].cycles_per_frame > cycles[1].cycles_per_frame
    assert 30e6 / cycles[0].cycles_per_frame >= 1000
    costs = [bnnhw.cost(folded, bnnhw.boards.get("icebreaker")) for folded in (slow, fast)]
    assert costs[0].lut4 < costs[1].lut4


def test_simulate_tells_where_it_differs_first(tmp_path: Path) -> None:
    """Verilog of another network: the first frame, layer and place that differ, and what came out."""
    needs("yosys", "verilator", "c++")
    network, other = make_network(), make_network(seed=2)
    samples, labels = bnnhw.datasets.load_split("digits", "test")
    design = bnnhw.generate(bnnhw.FoldedNetwork(network, FOLDINGS), tmp_path / "design")
    same = bnnhw.simulate(design, samples[:20], labels[:20])
    scores = bnnhw.evaluate(network, samples[:20])
    assert (same.mismatches, same.difference) == (0, None)
    assert np.array_equal(same.classes, scores.classes)
    assert np.array_equal(same.scores, scores.scores.max(axis=1))

    wrong = bnnhw.generate(bnnhw.FoldedNetwork(other, FOLDINGS), tmp_path / "other")
    design.core.path.write_text(wrong.core.text)
    design = bnnhw.open_design(tmp_path / "design")
    assert design.core.edited
    found = bnnhw.simulate(design, samples[:20], labels[:20])
    assert isinstance(found.difference, LayerMismatch)
    assert found.difference.layer == "dense0"
    assert found.difference.at is not None and found.difference.at[:2] == (0, (0, 0))
    assert np.array_equal(found.classes, bnnhw.evaluate(other, samples[:20]).classes)


def test_example(root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The script in examples/, from the model to the bitstream."""
    needs("yosys", "verilator", "c++", ICE40.build_tools().place_route, ICE40.build_tools().packer)
    path = root / "examples" / "python_api.py"
    assert len(path.read_text().splitlines()) < 40
    spec = importlib.util.spec_from_file_location("python_api", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.main(tmp_path)
    printed = capsys.readouterr().out.splitlines()
    assert printed[0] == "accuracy 97.49%"
    assert printed[2] == "0 mismatches in 359 frames; the first: None"
    assert (tmp_path / "top.bin").stat().st_size > 50_000
    assert (tmp_path / "report.html").is_file()
