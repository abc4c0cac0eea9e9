"""Networks whose weights are in the SPRAM of an iCE40 UltraPlus: folding, build, and frames from power-up.

python benchmarks/measure_spram.py [--only NAME] [--data DIR] [--frames N] [--explore N] [--no-build]

Of each network: what `fold` chooses for the iCEBreaker, what `build --explore` makes of it behind the serial link, and
frames through the board's top in Verilator behind the parallel link, which carries them as fast as they are computed,
with the weights read from the model of its flash. The convolutional network has random weights: more than the chip's
block RAMs hold. Results are kept in benchmarks/results/spram.json, network by network.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bnnhw import boards, datasets, devices, reference
from bnnhw.build.design import write_design
from bnnhw.dataflow.image import pack_image
from bnnhw.dataflow.loads import image
from bnnhw.flow.evaluate import encode
from bnnhw.flow.loads import load_setting
from bnnhw.flow.pins import with_link
from bnnhw.folding import FoldedNetwork
from bnnhw.folding import file as folding_file
from bnnhw.ir import (
    BitMatrix,
    Conv2d,
    DataType,
    Dense,
    InputSpec,
    MaxPool,
    Network,
    Output,
    Thresholds,
    WeightPlane,
    Window,
    archive,
)
from bnnhw.links import board_link
from bnnhw.links.packets.device import Device
from bnnhw.links.packets.protocol import pack_codes
from bnnhw.rtl.emit import to_verilog
from bnnhw.sim.board import SimulatedPort, compile_board

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.build.networks import source  # noqa: E402

RESULT = Path(__file__).parent / "results" / "spram.json"
WORK = ROOT / "build" / "spram"
PINS = "d=pmod_2,rxf_n=pmod_0:1,txe_n=pmod_0:2,rd_n=pmod_0:3,wr_n=pmod_0:4,siwu_n=pmod_0:7"
BIT = DataType("bipolar", 1)
NAMES = ("mnist-sfc", "convolutional")
FRAMES = {"mnist-sfc": 10_000, "convolutional": 8}


def run(*words: object) -> dict[str, Any]:
    """What a verb says."""
    command = [sys.executable, "-c", "from bnnhw.cli import main; main()", *map(str, words), "--json"]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)


def convolutional() -> Network:
    """28 x 28 bits; 32, 64 and 64 kernels of 3 x 3, two pools, 128 neurons and 10 classes: random weights."""
    rng = np.random.default_rng(0)

    def dense(name: str, synapses: int, neurons: int, *, last: bool = False) -> Dense:
        plane = WeightPlane(1, BitMatrix.from_bits(rng.integers(0, 2, (neurons, synapses))))
        near = synapses // 2 + rng.integers(-2, 3, (neurons, 1))
        return Dense(name, BIT, (plane,), None if last else Thresholds(near, BIT))

    def conv(name: str, channels: int, size: int, neurons: int) -> Conv2d:
        return Conv2d(Window(channels, size, size, (3, 3)), dense(name, 9 * channels, neurons))

    def pool(name: str, channels: int, size: int) -> MaxPool:
        return MaxPool(name, Window(channels, size, size, (2, 2), (2, 2)), BIT, np.zeros(channels, np.bool_))

    layers = (
        conv("conv0", 1, 28, 32),
        conv("conv1", 32, 26, 64),
        pool("pool0", 64, 24),
        conv("conv2", 64, 12, 64),
        pool("pool1", 64, 10),
        dense("dense0", 64 * 25, 128),
        dense("dense1", 128, 10, last=True),
    )
    return Network(InputSpec((1, 28, 28), BIT, (127.5,)), (*layers, Output.plain("classes", 10)))


def frames_of(name: str, network: Network, data: Path, count: int) -> tuple[NDArray[np.uint8], NDArray[Any] | None]:
    """Codes and classes."""
    if name != "mnist-sfc":
        rng = np.random.default_rng(1)
        return rng.integers(0, 2, (count, network.input.elements)).astype(np.uint8), None
    test = datasets.load("mnist", data)
    return encode(network, test.x_test[:count]), np.asarray(test.y_test[:count])


def from_power_up(folded: FoldedNetwork, codes: NDArray[np.uint8], labels: NDArray[Any] | None) -> dict[str, Any]:
    """Frames through the top of the board, its weights read from the flash's model."""
    board = with_link(boards.get("icebreaker"), "parallel", PINS)
    link, graph = board_link(board), folded.graph(devices.technology("ice40"))
    words = image(graph.loads)
    given = replace(source(folded), classes=folded.network.output.labels, load=load_setting(folded, len(words), board))
    with tempfile.TemporaryDirectory() as temporary:
        design = write_design(given, board, Path(temporary), link=link, clock_mhz=board.clock_mhz)
        texts = {path.name: path.read_text() for path in design.sources}
    rtlil = "\n".join(text for name, text in texts.items() if name.endswith(".il"))
    verilog = {name: text for name, text in texts.items() if name.endswith(".v")} | {"top_rtl.v": to_verilog(rtlil)}
    assert board.image_offset is not None
    flash = {board.image_offset: pack_image(words, int(given.identity[:8], 16))}
    port = SimulatedPort(compile_board(verilog, board, link, flash=True), flash)
    bits = folded.network.input.dtype.bits

    def packed() -> Iterator[bytes]:
        for number, row in enumerate(codes):
            if number % 500 == 0:
                print(f"  {number} frames, {port.clock():.3f} s", file=sys.stderr, flush=True)
            yield pack_codes(row, bits)

    started, wall = port.clock(), time.monotonic()
    host = Device(port, clock=port.clock, settle_s=0.001, quiet_s=0.002)
    found = np.array([(answer.index, answer.score) for answer in host.run(packed())])
    wall = time.monotonic() - wall
    due = reference.evaluate(folded.network, codes)
    wrong = (found[:, 0] != due.classes) | (found[:, 1] != due.scores.max(axis=1))
    seconds = port.clock() - started
    port.close()
    return {
        "frames": len(codes),
        "differences": int(wrong.sum()),
        "accuracy": None if labels is None else float(np.mean(found[:, 0] == labels)),
        "board_s": seconds,
        "cycles_per_frame": seconds * board.clock_mhz * 1e6 / len(codes),
        "wall_s": wall,
    }


def measure(name: str, data: Path, count: int, explore: int, *, build: bool) -> dict[str, Any]:
    """One network."""
    WORK.mkdir(parents=True, exist_ok=True)
    path, folding = WORK / f"{name}.bnn", WORK / f"{name}.json"
    if name == "mnist-sfc":
        run("import", ROOT / "models" / "mnist-sfc.onnx", "-o", path)
    else:
        archive.save(convolutional(), path)
    found: dict[str, Any] = {"fold": run("fold", path, "--board", "icebreaker", "-o", folding)}
    network = archive.load(path)
    found["weight_bits"] = sum(matrix.neurons * matrix.synapses for matrix in network.matrices)
    if build:
        options = ("--explore", explore) if explore else ()
        found["build"] = run("build", path, "--board", "icebreaker", "--folding", folding, *options, "-o", WORK / name)
        for where in ("bitstream", "report"):
            del found["build"][where]
        explored = found["build"]["explored"] or {"attempts": [found["build"]]}
        found["fmax_mhz"] = [one["fmax_mhz"] for one in explored["attempts"] if "fmax_mhz" in one]
    codes, labels = frames_of(name, network, data, count)
    found["frames"] = from_power_up(folding_file.load(folding, network), codes, labels)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=NAMES)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "datasets")
    parser.add_argument("--frames", type=int)
    parser.add_argument("--explore", type=int, default=3)
    parser.add_argument("--no-build", action="store_true")
    given = parser.parse_args()
    results: dict[str, Any] = json.loads(RESULT.read_text()) if RESULT.is_file() else {}
    for name in NAMES if given.only is None else (given.only,):
        found = measure(name, given.data, given.frames or FRAMES[name], given.explore, build=not given.no_build)
        results[name] = {**results.get(name, {}), **found}
        RESULT.write_text(json.dumps(results, indent=1) + "\n")
        print(json.dumps(found["frames"]), flush=True)


if __name__ == "__main__":
    main()
