"""The verbs one after the other, on a small network: their JSON and their artefacts."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bnnhw import boards, datasets, devices, reference
from bnnhw.build.result import BuildResult
from bnnhw.dataflow.frame import Frame
from bnnhw.flow import demo as flow_demo
from bnnhw.flow.aims import cycles_for
from bnnhw.flow.choose import HEADROOM
from bnnhw.flow.pins import pins_of, with_link
from bnnhw.folding import FoldedNetwork, solve
from bnnhw.folding import file as folding_file
from bnnhw.folding.predict import predict
from bnnhw.ir import archive
from bnnhw.links import board_link
from tests.build.networks import random_network
from tests.cli.conftest import FOLDINGS, make_network, run, run_json, snapshot


def test_show(network: Path) -> None:
    data = run_json("show", network)
    assert data["input"] == {
        "shape": [64],
        "type": "uint4",
        "bits": 4,
        "elements": 64,
        "sample_shape": [64],
        "layout": "chw",
        "thresholds": {"per": "input", "rows": 1, "levels": 15, "range": [1.0, 15.0], "falling": 0},
    }
    keys = ("name", "kind", "inputs", "outputs", "weight_bits", "activation_bits", "macs")
    assert [tuple(layer[key] for key in keys) for layer in data["layers"]] == [
        ("dense0", "dense", 64, 12, 1, 1, 768),
        ("dense1", "dense", 12, 10, 1, None, 120),
        ("output", "output", 10, 10, 0, None, 0),
    ]
    text = run("show", network).stdout
    assert re.search(r"^dense0 +dense +64 +12 +1 +1 +768$", text, re.MULTILINE)


@pytest.mark.parametrize("split", ["test", "train"])
def test_evaluate(split: str, network: Path) -> None:
    samples, labels = datasets.load("digits").split(split)
    loaded = make_network()
    classes = reference.evaluate(loaded, loaded.input.encode(samples)).classes
    correct = int(np.sum(classes == labels))
    data = run_json("evaluate", network, "--dataset", "digits", "--split", split)
    assert (data["images"], data["correct"]) == (len(labels), correct)
    assert data["accuracy"] == correct / len(labels)
    assert data["wall_s"] > 0


def test_evaluate_the_first_frames(network: Path) -> None:
    assert run_json("evaluate", network, "--dataset", "digits", "--count", "7")["images"] == 7


def test_boards() -> None:
    boards = run_json("boards")["boards"]
    assert {"icebreaker", "ulx3s-12f", "ulx3s-25f", "ulx3s-45f", "ulx3s-85f", "tang-nano-9k"} < set(boards)
    assert len(boards) == 47
    assert boards["icebreaker"]["device"] == "iCE40UP5K"
    assert boards["icebreaker"]["lut"] == 5280
    assert boards["icebreaker"]["bram_bits"] == 30 * 4096
    assert boards["icebreaker"]["links"] == ["uart", "spi"]
    assert list(run_json("boards", "ulx3s-85f")["boards"]) == ["ulx3s-85f"]


def test_datasets(tmp_path: Path) -> None:
    found = run_json("datasets", "--data", tmp_path)["datasets"]
    assert found["digits"] == {"available": True, "path": None, "shape": [64], "classes": 10}
    assert found["mnist"]["available"] is False
    assert found["mnist"]["path"] == str(tmp_path / "mnist")
    assert found["fsdd"] == {"available": False, "path": str(tmp_path / "fsdd"), "shape": [10, 1, 49], "classes": 10}


def test_doctor() -> None:
    tools = run_json("doctor")["tools"]
    assert {"yosys", "verilator", "nextpnr-ice40", "nextpnr-ecp5", "icepack", "ecppack"} <= set(tools)
    for tool in tools.values():
        assert set(tool) == {"found", "version", "path", "needed_for", "why", "optional"}


@pytest.mark.parametrize("technology, board", [("generic", []), ("ice40", ["--board", "icebreaker"])])
def test_generate(technology: str, board: list[str], network: Path, folding: Path, tmp_path: Path) -> None:
    design = tmp_path / "design"
    data = run_json("generate", network, *board, "--folding", folding, "-o", design)
    prediction = predict(FoldedNetwork(make_network(), FOLDINGS).graph(devices.technology(technology)))
    assert data["cycles_per_frame"] == prediction.cycles_per_frame
    assert data["latency_cycles"] == prediction.latency_cycles
    assert data["top"] == "accelerator"
    (verilog,) = data["verilog"]
    text = Path(verilog).read_text()
    assert re.search(r"^module accelerator\(", text, re.MULTILINE)
    assert "// Layer dense0: 64 -> 12, PE 5, SIMD 8, weights in block memory\n" in text
    assert ("SB_RAM40" in text) == (technology == "ice40")
    sidecar = json.loads((design / "design.json").read_text())
    assert sidecar["technology"] == technology
    assert sidecar["ports"]["input_payload"] == {"direction": "in", "width": 8 * 4}
    assert sidecar["ports"]["clk"] == {"direction": "in", "width": 1}
    assert sidecar["frame"] == {
        "elements": 64,
        "element_bits": 4,
        "word_bits": 32,
        "words": 8,
        "index_bits": 4,
        "score_bits": sidecar["ports"]["output_payload"]["width"] - 4,
        "score_signed": False,
        "scores": 0,
    }
    assert (design / "network.bnn").read_bytes() == network.read_bytes()
    # Generated again, nothing differs; and what somebody put there stays.
    (design / "notes.txt").write_text("precious")
    before = snapshot(design)
    run_json("generate", network, *board, "--folding", folding, "-o", design)
    assert snapshot(design) == before


def test_generate_with_the_serial_link(network: Path, folding: Path, tmp_path: Path) -> None:
    design = tmp_path / "design"
    board = ["--board", "icebreaker"]
    data = run_json("generate", network, *board, "--folding", folding, "--link", "uart", "-o", design)
    assert data["top"] == "uart_link"
    assert data["verilog"] == [str(design / "uart_link.v")]
    assert data["fps"] == 30e6 / data["cycles_per_frame"] > data["link_fps"] > 0
    # Bare streams get the same link when they are built, and where there is no board nothing is known.
    bare = run_json("generate", network, *board, "--folding", folding, "-o", tmp_path / "bare")
    assert (bare["fps"], bare["link_fps"]) == (data["fps"], data["link_fps"])
    portable = run_json("generate", network, "--folding", folding, "-o", tmp_path / "portable")
    assert (portable["fps"], portable["link_fps"]) == (None, None)
    text = (design / "uart_link.v").read_text()
    match = re.search(r"^module uart_link\(\n(.*?)\n\);", text, re.MULTILINE | re.DOTALL)
    assert match is not None
    ports = json.loads((design / "design.json").read_text())["ports"]
    declared = [line.replace(" reg ", " ").strip() for line in match[1].split(",")]
    assert sorted(declared) == sorted(f"{port['direction']}put {name}" for name, port in ports.items())
    # The accelerator inside is simulated on its own.
    assert run_json("simulate", design, "--dataset", "digits", "--count", "20")["mismatches"] == 0


def test_fold(network: Path, tmp_path: Path) -> None:
    path = tmp_path / "folding.json"
    data = run_json("fold", network, "--board", "icebreaker", "-o", path)
    folded = folding_file.load(path, make_network())
    assert [(f.pe, f.simd, f.memory, f.engine, f.planes, f.vectors) for f in folded.foldings] == [
        tuple(layer[key] for key in ("pe", "simd", "memory", "engine", "planes", "vectors")) for layer in data["layers"]
    ]
    prediction = predict(folded.graph(devices.technology("ice40")))
    assert data["cycles_per_frame"] == prediction.cycles_per_frame == max(unit["cycles"] for unit in data["units"])
    assert data["latency_cycles"] == prediction.latency_cycles
    assert data["clock_mhz"] == 30
    assert data["fps"] == 30e6 / data["cycles_per_frame"]
    assert set(data["estimate"]) >= {"lut4", "ff", "bram", "spram"}
    fastest = run_json("fold", network, "--board", "icebreaker", "--max")
    asked = run_json("fold", network, "--board", "icebreaker", "--fps", fastest["fps"])
    assert asked["cycles_per_frame"] == fastest["cycles_per_frame"]
    assert data["fastest"] == fastest["fastest"] == {key: fastest[key] for key in HEADROOM}
    # What gets to it over the board's serial link: 64 levels of 4 bits.
    frame = Frame.of(folded.graph(devices.technology("ice40")))
    assert frame.bits == 256
    assert data["link_fps"] == fastest["link_fps"] == board_link(boards.get("icebreaker")).frames_per_s(frame, 30.0)
    said = f"{data['fps']:,.0f} frames per second, {data['link_fps']:,.0f} over the link at 30 MHz"
    assert said in run("fold", network, "--board", "icebreaker").stdout


def test_what_a_modest_folding_leaves_is_said(tmp_path: Path) -> None:
    """The default folds to build in minutes: each verb that chooses so says what the fastest would give."""
    path = tmp_path / "wide.bnn"
    archive.save(random_network((192, 160, 10)), path)
    board = ("--board", "ulx3s-12f")
    data = run_json("fold", path, *board)
    assert data["cycles_per_frame"] >= 2 * data["fastest"]["cycles_per_frame"]
    best = f"the fastest that fits (bnnhw fold --max): {data['fastest']['fps']:,.0f} frames per second"
    assert best in run("fold", path, *board).stdout
    assert best in run("generate", path, *board, "-o", tmp_path / "design").stderr
    folding = tmp_path / "folding.json"
    assert best not in run("fold", path, *board, "--max", "-o", folding).stdout
    assert best not in run("generate", path, *board, "--folding", folding, "-o", tmp_path / "fast").stderr


def test_frames_per_second_that_were_said_can_be_asked_for() -> None:
    for clock_mhz in (12.0, 30.0, 80.0):
        for cycles in range(1, 3000):
            assert cycles_for(clock_mhz * 1e6 / cycles, clock_mhz) == cycles
        assert cycles_for(clock_mhz * 1e6 / 50.5, clock_mhz) == 50


def test_help_says_what_is_chosen() -> None:
    """The rule of the choice without options, in the solver's own figures."""
    text = " ".join(run("fold", "--help").stdout.split())
    assert f"Without any: the fastest of at most {solve.MODEST_CELLS:,} logic cells" in text
    assert f"at most {solve.CELL_SHARE:.0%} of the board's logic cells".replace("%", " %") in text


def test_demo_behind_a_link_of_ones_choice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refused: Callable[..., str]
) -> None:
    """What is folded and built is for the board behind that link, at its pins."""
    seen: list[Any] = []

    class Nothing:
        def __init__(self, folder: Path, board: Any, *rest: object) -> None:
            seen.append((board_link(board).name, pins_of(board)))
            raise KeyboardInterrupt

    monkeypatch.setattr(flow_demo, "_Run", Nothing)
    run("demo", "-o", tmp_path / "demo", "--link", "spi")
    run(
        "demo",
        "-o",
        tmp_path / "demo",
        "--board",
        "ulx3s-12f",
        "--link",
        "spi",
        "--pins",
        "sck=A1,cs_n=A2,mosi=A3,miso=A4",
    )
    run("demo", "-o", tmp_path / "demo")
    assert seen == [
        ("spi", {"sck": "15", "cs_n": "16", "mosi": "14", "miso": "17"}),
        ("spi", {"sck": "A1", "cs_n": "A2", "mosi": "A3", "miso": "A4"}),
        ("uart", {"rx": "6", "tx": "9"}),
    ]
    assert refused(2, "demo", "-o", tmp_path / "demo", "--board", "upduino-v3", "--link", "spi").startswith(
        "upduino-v3 has no connector that is usual for link spi; choose pins: "
    )


def test_the_demo_says_what_the_board_is_reached_by(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cycles = dict.fromkeys(("cycles_per_frame", "predicted_cycles_per_frame"), 48)
    latency = dict.fromkeys(("latency_cycles", "predicted_latency_cycles"), 60)
    simulated = {"accuracy": 0.95, "images": 100, "mismatches": 0, **cycles, **latency}
    told: dict[str, Any] = {}

    def made(folder: Path, board: str, **options: Any) -> flow_demo.DemoResult:
        told.update(options, board=board)
        link = board_link(with_link(boards.get(board), options["link"]))
        built = BuildResult(
            folder / "top.bin", folder / "report.json", 40.0, 30.0, True, {}, {}, 1e6, 2.0, 90_909.0,
            {"name": link.name}, link.note(30.0), {}, (),
        )  # fmt: skip
        return flow_demo.DemoResult({"wall_s": 1.0, "artefacts": {}}, simulated, built)

    monkeypatch.setattr(flow_demo, "demo", made)
    for name, said in (("parallel", "parallel port: 6 and 7 cycles per byte make"), ("spi", "spi")):
        done = run("demo", "--link", name, "-o", tmp_path / "demo")
        assert done.exit_code == 0, done.stderr
        assert re.search(rf"(?m)^link +{said}", done.stdout)
        assert "90,909 over the link" in done.stdout
        assert (told["link"], told["pins"], told["board"]) == (name, None, "icebreaker")


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["folded", "lookup"])
def test_demo(tmp_path: Path, engine: str) -> None:
    out = tmp_path / "demo"
    data = run_json("demo", "--engine", engine, "-o", out)
    assert data["accuracy"] >= 0.93
    assert data["mismatches"] == 0
    assert data["timing_met"] is True
    assert all(Path(path).is_file() for path in data["artefacts"].values())
    again = run_json("demo", "--engine", engine, "-o", out)
    assert again["cached"] == ["train", "import", "fold", "generate", "simulate"]
    assert {key: again[key] for key in ("accuracy", "bitstream", "fmax_mhz")} == {
        key: data[key] for key in ("accuracy", "bitstream", "fmax_mhz")
    }
