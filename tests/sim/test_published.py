"""LFC, as BNN-PYNQ published it: the generated Verilog against the reference, every image; time and memory."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bnnhw import reference
from bnnhw.boards import get
from bnnhw.datasets import load
from bnnhw.folding import FoldedNetwork
from bnnhw.folding import file as folding_file
from bnnhw.folding.predict import predict
from bnnhw.frontend import read_model
from bnnhw.ir import Network
from bnnhw.links import board_link
from bnnhw.sim.simulate import simulate
from bnnhw.streamline import streamline

WEIGHT_BITS = 2_910_208
BOARD = "ulx3s-85f"


def lfc(shared: Path, decode: str = "argmax") -> Network:
    return streamline(read_model(shared / "models" / "lfc-w1a1-bnn-pynq", decode=decode).network).network


def folded(shared: Path, root: Path, name: str) -> FoldedNetwork:
    return folding_file.load(root / "examples" / name, lfc(shared))


def test_folding_for_the_ulx3s(shared: Path, root: Path) -> None:
    """At least 85 % of what the block RAMs' bandwidth allows, and an eighth of them left for whatever comes."""
    board, design = get(BOARD), folded(shared, root, "lfc-ulx3s-85f.json")
    assert sum(layer.neurons * layer.synapses for layer in design.network.matrices) == WEIGHT_BITS
    bound = -(-WEIGHT_BITS // (board.block_rams * 36))
    assert bound == 389
    cycles = predict(design.graph(board.family.technology)).cycles_per_frame
    assert cycles == 456
    assert bound / cycles >= 0.85
    assert (
        design.graph(board.family.technology).resources() + board_link(board).reserve(784, board.family.technology)
    ).bram <= board.block_rams * 7 // 8


@pytest.mark.slow
@pytest.mark.parametrize("name, stall, cycles", [("lfc-ulx3s-85f.json", 0.0, 456), ("lfc-448-cycles.json", 0.3, 448)])
def test_every_image(shared: Path, root: Path, tmp_path: Path, name: str, stall: float, cycles: int) -> None:
    design, data = folded(shared, root, name), load("mnist", shared / "datasets")
    codes = design.network.input.encode(data.x_test.reshape(len(data.x_test), -1))
    start = time.perf_counter()
    result = simulate(design, codes, labels=data.y_test, stall=stall, cache=tmp_path)
    assert time.perf_counter() - start < 600
    assert (result.images, result.mismatches) == (10_000, 0)
    assert result.accuracy == 0.9834
    assert result.cycles_per_frame == result.predicted_cycles_per_frame == cycles
    assert result.latency_cycles == result.predicted_latency_cycles


@pytest.mark.slow
def test_highest_bit_in_hardware(shared: Path, root: Path, tmp_path: Path) -> None:
    """The decoder of the original host is one more layer, of two weight planes."""
    network = lfc(shared, "highest-bit")
    foldings = folded(shared, root, "lfc-ulx3s-85f.json").foldings
    design = FoldedNetwork(network, (*foldings, type(foldings[0])(10, 10)))
    data = load("mnist", shared / "datasets")
    codes = network.input.encode(data.x_test.reshape(len(data.x_test), -1))
    result = simulate(design, codes, labels=data.y_test, cache=tmp_path)
    assert result.mismatches == 0
    assert result.accuracy == reference.accuracy(network, codes, data.y_test).fraction == 0.984


@pytest.mark.slow
def test_import_and_generate_are_quick(shared: Path, root: Path, tmp_path: Path) -> None:
    """Under 30 s of processor time together, and 2 GiB in any process."""
    # A shell's figures of its children, so that those of pytest's other children do not count.
    code = (
        "import resource, subprocess, sys\n"
        "for command in (sys.argv[1:6], sys.argv[6:]): subprocess.run(command, check=True)\n"
        "used = resource.getrusage(resource.RUSAGE_CHILDREN)\n"
        "print(used.ru_utime + used.ru_stime, used.ru_maxrss)\n"
    )
    program, network = str(Path(sys.executable).parent / "bnnhw"), str(tmp_path / "lfc.bnn")
    model, folding = shared / "models" / "lfc-w1a1-bnn-pynq", root / "examples" / "lfc-ulx3s-85f.json"
    imported = [program, "import", str(model), "-o", network]
    generated = [program, "generate", network, "--folding", str(folding), "-o", str(tmp_path / "design")]
    done = subprocess.run(
        [sys.executable, "-c", code, *imported, *generated],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(root)},
    )
    assert done.returncode == 0, done.stderr
    seconds, kib = map(float, done.stdout.split()[-2:])
    assert seconds < 30
    assert kib * 1024 < 2 << 30
