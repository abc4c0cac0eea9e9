"""Generated folders that are damaged, changed, or no such folders; outputs that are somebody else's."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from bnnhw.ir import archive
from tests.cli.bad_requests import Refused, write_folding
from tests.cli.conftest import make_network, run


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
    design, folding = tmp_path / "design", write_folding(tmp_path / "f.json", (1, 1), (1, 1))
    assert run("generate", network, "-o", design).exit_code == 0
    board = ["--board", "icebreaker"]
    message = refused(2, "build", design, *board, "--folding", folding, "-o", tmp_path / "out")
    assert message == f"--folding must not be given with {design}, which was generated with its own"


def test_verilog_that_is_wrong_is_noticed(network: Path, tmp_path: Path) -> None:
    """Another network's Verilog in a design: mismatches, told in the JSON, exit code 1."""
    design, other = tmp_path / "design", tmp_path / "other"
    folding = write_folding(tmp_path / "f.json", (4, 8), (2, 4))
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
