"""`bnnhw sensitivity` over the digits."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from bnnhw.ir import archive
from tests.cli.conftest import run

KEYS = ("name", "kind", "elements", "bits", "accuracy_drop", "changed", "noise", "lut4_per_bit", "suggested_bits")


def test_json(root: Path) -> None:
    result = run(
        "sensitivity", root / "models" / "digits.onnx", "--dataset", "digits", "--board", "icebreaker", "--json"
    )
    assert result.exit_code == 0, result.stderr
    data = json.loads(result.stdout)
    assert [tuple(row) for row in data["layers"]] == [KEYS] * 3
    assert [(r["name"], r["kind"], r["elements"], r["bits"]) for r in data["layers"]] == [
        ("input", "input", 64, 4),
        ("dense0", "dense", 96, 1),
        ("dense1", "dense", 64, 1),
    ]
    assert (data["images"], data["board"], data["dataset"], data["split"]) == (359, "icebreaker", "digits", "test")
    # What `bnnhw evaluate` says of this model; 80 % of 5,280 LUT4.
    assert data["accuracy"] == 350 / 359
    assert data["budget"] == 4224
    assert data["suggested_estimate"]["lut4"] <= data["budget"]
    assert all(1 <= row["suggested_bits"] <= 8 for row in data["layers"])
    assert all(row["noise"] > 0 and row["changed"] >= 0 for row in data["layers"])


def test_table_and_the_same_for_both_kinds_of_file(root: Path, tmp_path: Path) -> None:
    model, network = root / "models" / "digits.onnx", tmp_path / "digits.bnn"
    assert run("import", model, "-o", network, "-q").exit_code == 0
    assert archive.load(network).streamlined
    options = ("--dataset", "digits", "--count", "50", "--budget", "3000", "--rate", "0.1", "--seed", "3")
    first, second = (run("sensitivity", path, *options) for path in (model, network))
    assert first.exit_code == 0, first.stderr
    assert first.stdout == second.stdout
    lines = first.stdout.splitlines()
    assert lines[0].endswith("of 50 frames; 10 % of one layer's elements disturbed at a time")
    assert (
        " ".join(lines[1].split())
        == "layer kind elements bits accuracy drop changed noise LUT4 per extra bit bits to try"
    )
    assert [line.split()[0] for line in lines[2:5]] == ["input", "dense0", "dense1"]
    assert lines[5].endswith("of 3000")
    assert lines[6:] == ["Widths are a heuristic, made without training: train with them to know."]


def test_a_folding_is_kept(network: Path, tmp_path: Path) -> None:
    """The smallest one has the smallest price for a bit."""
    foldings = [tmp_path / "small.json", tmp_path / "large.json"]
    for fps, path in zip(("100", "100000"), foldings, strict=True):
        assert run("fold", network, "--board", "icebreaker", "--fps", fps, "-o", path, "-q").exit_code == 0
    prices = []
    for path in foldings:
        options = ("--dataset", "digits", "--count", "20", "--board", "icebreaker", "--folding", path, "--json")
        data = json.loads(run("sensitivity", network, *options).stdout)
        folded = json.loads(run("fold", network, "--board", "icebreaker", "--fps", "100", "--json").stdout)
        prices.append(data["layers"][0]["lut4_per_bit"])
        if path == foldings[0]:
            assert data["estimate"] == folded["estimate"]
    assert prices[0] < prices[1]


@pytest.mark.parametrize(
    "options, code, message",
    [
        (("--folding", "f.json"), 2, "--folding needs --board, whose technology and resources it is for"),
        (("--rate", "0"), 2, "Invalid value for '--rate': 0.0 is not in the range 0<x<=1."),
        (("--budget", "0"), 2, "Invalid value for '--budget': 0 is not in the range x>=1."),
        (("--count", "1000"), 2, "--count must be at most 359 for the test split of digits, not 1000"),
    ],
)
def test_refused(options: tuple[str, ...], code: int, message: str, network: Path, refused: Callable[..., str]) -> None:
    assert refused(code, "sensitivity", network, "--dataset", "digits", *options) == message


def test_refused_budget(network: Path, refused: Callable[..., str]) -> None:
    message = refused(1, "sensitivity", network, "--dataset", "digits", "--count", "5", "--board", "icebreaker",
                      "--budget", "10")  # fmt: skip
    assert message.startswith("the network needs about ")
    assert message.endswith(" with one bit everywhere, and may have 10 LUT4 and 30 block RAMs of icebreaker")


def test_refused_files(tmp_path: Path, refused: Callable[..., str]) -> None:
    path = tmp_path / "none.onnx"
    message = refused(2, "sensitivity", path, "--dataset", "digits")
    assert message == f"{path}: can't be read: No such file or directory"
    path = tmp_path / "notes.bnn"
    path.write_text("no network")
    assert refused(2, "sensitivity", path, "--dataset", "digits").startswith(f"{path}: ")
