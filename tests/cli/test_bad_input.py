"""What a user can get wrong: one line, the right exit code, nothing half-written."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from bnnhw.boards import BOARDS
from bnnhw.datasets import KNOWN
from bnnhw.folding import LayerFolding
from bnnhw.folding import file as folding_file
from bnnhw.ir import archive
from bnnhw.training.recipes import RECIPES
from tests.cli.bad_requests import Refused, write_folding
from tests.cli.conftest import make_network, run


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


@pytest.mark.parametrize("verb", ["generate", "build"])
def test_folding_that_can_not_be_built(verb: str, network: Path, tmp_path: Path, refused: Refused) -> None:
    folding = write_folding(tmp_path / "folding.json", (13, 4), (1, 1))
    board = ["--board", "icebreaker"]
    message = refused(2, verb, network, *board, "--folding", folding, "-o", tmp_path / "out")
    assert "layer dense0: PE must be at most 12, not 13; nearest without padding: 12" in message


def test_folding_that_does_not_divide_is_padded(network: Path, tmp_path: Path) -> None:
    folding = write_folding(tmp_path / "folding.json", (5, 7), (3, 5))
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
    assert refused(2, "demo", "--board", "none", "-o", tmp_path / "out").startswith(
        "board must be one of ice40-hx1k-blink-evn, "
    )


def test_unknown_board_listed(refused: Refused) -> None:
    assert refused(2, "boards", "none").startswith("board must be one of ice40-hx1k-blink-evn, ")


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


def test_one_aim_at_a_time(network: Path, refused: Refused) -> None:
    message = refused(2, "fold", network, "--board", "icebreaker", "--fps", "1", "--max")
    assert message == "--fps and --max can't be given together"
    message = refused(2, "fold", network, "--board", "icebreaker", "--latency", "1", "--cells", "100")
    assert message == "--latency and --cells can't be given together"
    message = refused(2, "fold", network, "--board", "smallest", "--link", "spi")
    assert message == "--link and --baud need a board: --board smallest takes each with its own"


def test_more_frames_a_second_than_the_board_can(network: Path, tmp_path: Path, refused: Refused) -> None:
    message = refused(1, "fold", network, "--board", "icebreaker", "--fps", "1e9", "-o", tmp_path / "f.json")
    assert re.fullmatch(
        r"the fastest folding that fits icebreaker gives \d+\.\d frames per second at 30 MHz "
        r"\(\d+\.\d over the link\), not 1000000000: no folding is that quick, whatever the device",
        message,
    )


@pytest.mark.parametrize("verb", ["fold", "generate", "build"])
def test_network_too_big_for_the_board(verb: str, tmp_path: Path, refused: Refused) -> None:
    path = tmp_path / "big.bnn"
    archive.save(make_network((64, 4096, 10)), path)
    message = refused(1, verb, path, "--board", "icebreaker", "-o", tmp_path / "out")
    pattern = (
        r"the network does not fit icebreaker even at its smallest: "
        r"about (\d+) logic cells of 5280, (\d+) block RAMs of 30, \d of its 4 SPRAMs"
    )
    match = re.fullmatch(pattern, message)
    assert match is not None, message
    # 270,336 weight bits alone are 66 block RAMs of 4,096.
    assert int(match[2]) > 66 or int(match[1]) > 5280


def test_serial_link_without_a_board(network: Path, tmp_path: Path, refused: Refused) -> None:
    message = refused(2, "generate", network, "--link", "uart", "-o", tmp_path / "out")
    assert message == "--link uart must come with --board: its clock decides the divisor of the serial port"


def test_unknown_link(network: Path, tmp_path: Path, refused: Refused) -> None:
    message = refused(2, "generate", network, "--link", "pcie", "-o", tmp_path / "out")
    assert message == "Invalid value for '--link': 'pcie' is not one of 'stream', 'axis', 'parallel', 'spi', 'uart'."


def test_the_program_itself(network: Path) -> None:
    """As a process: no traceback, and the exit code reaches the shell."""
    command = [sys.executable, "-c", "from bnnhw.cli import main; main()", "evaluate", str(network), "--dataset", "x"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stdout == ""
    assert re.fullmatch(r"bnnhw: error: data set must be one of .*, not 'x'\n", done.stderr)
