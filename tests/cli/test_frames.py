"""Which frames a verb takes: of files of one's own, by the names of their classes, or random ones."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bnnhw.datasets import Reading
from bnnhw.flow.frames import Wanted, find_frames, random_samples
from bnnhw.ir import BitMatrix, DataType, Dense, InputSpec, Network, Output, WeightPlane, archive
from tests.cli.conftest import make_network, run
from tests.datasets.writers import write_images


def told(*arguments: str | Path) -> dict[str, Any]:
    result = run(*arguments, "-q", "--json")
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


def brightness(names: tuple[str, ...], **provenance: str) -> Network:
    """A network of 8 x 6 pixels that tells images by their brightness: those of class ``i`` are 10 i to 10 i + 9."""
    spec = InputSpec((1, 8, 6), DataType("uint", 2), (10.0, 20.0, 30.0))
    bits = BitMatrix.from_bits(np.array([[1] * 48, [0] * 48, [1] * 48][: len(names)]))
    last = Dense("last", spec.dtype, (WeightPlane(1, bits),), None)
    return Network(spec, (last, Output.plain("output", len(names))), {"classes": json.dumps(list(names)), **provenance})


@pytest.fixture
def images(tmp_path: Path) -> Path:
    return write_images(tmp_path / "images", 2, 10)


def test_classes_are_those_of_the_same_name(images: Path, tmp_path: Path) -> None:
    network = tmp_path / "n.bnn"
    answers = {}
    for names in (("a", "b"), ("b", "a"), ("b", "other", "a")):
        archive.save(brightness(names), network)
        data = told("evaluate", network, "--dataset", images, "--split", "all")
        answers[names] = data
        assert [row["name"] for row in data["classes"]] == list(names)
        assert {row["name"]: row["images"] for row in data["classes"]} == dict.fromkeys(names, 0) | {"a": 10, "b": 10}
        assert sum(row["given"] for row in data["classes"]) == 20
        assert np.array(data["confusion"]).shape == (len(names),) * 2 and np.sum(data["confusion"]) == 20
    # What is said of the first class is wrong where the names are turned round, and the other way about.
    assert answers["a", "b"]["correct"] + answers["b", "a"]["correct"] == 20
    assert told("evaluate", network, "--dataset", images)["images"] == 4


def test_a_class_that_the_network_does_not_know(images: Path, tmp_path: Path, refused: Callable[..., str]) -> None:
    archive.save(brightness(("a", "c")), tmp_path / "n.bnn")
    assert refused(2, "evaluate", tmp_path / "n.bnn", "--dataset", images) == (
        f"data set {images} has class 'b', which the network does not know; its classes are a, c"
    )


def test_data_are_read_as_those_of_the_training(images: Path, tmp_path: Path) -> None:
    kept = Reading(fraction=0.5, seed=3, colour="grey").text()
    network = brightness(("a", "b"), reading=kept)
    found = find_frames(network, Wanted(str(images)))
    assert found.labels is not None and len(found.labels) == 10
    again = find_frames(replace(network, provenance={}), Wanted(str(images), reading=Reading(fraction=0.5, seed=3)))
    assert np.array_equal(found.samples, again.samples)
    assert again.notes == ("the network's classes have no names: they are taken in the order of the data's, 0 a, 1 b",)
    # What is said counts for more.
    assert len(find_frames(network, Wanted(str(images), reading=Reading(seed=3))).samples) == 4
    for broken in ("{", "[]", '{"seed": "x", "size": 4, "unknown": 1}', '{"colour": "blue"}'):
        assert len(find_frames(brightness(("a", "b"), reading=broken), Wanted(str(images))).samples) == 4


SPECS = {
    "thresholds": InputSpec((6,), DataType("uint", 2), (0.5, 1.5, 9.0)),
    "equal ones": InputSpec((6,), DataType("uint", 2), (0.5, 0.5, float("inf"))),
    "rows": InputSpec((2, 1, 3), DataType("int", 2), ((0.0, 1.0, 2.0), (-5.0, 0.0, 100.0)), (False, True)),
    "layout": InputSpec((2, 1, 3), DataType("int", 2), ((0.0, 1.0, 2.0), (-5.0, 0.0, 100.0)), layout="hwc"),
    "integers": InputSpec((6,), DataType("int", 3)),
    "bipolar": InputSpec((6,), DataType("bipolar", 1)),
}


@pytest.mark.parametrize("case", SPECS)
def test_random_samples_reach_every_level(case: str) -> None:
    spec = SPECS[case]
    samples = random_samples(spec, 300, 1)
    assert samples.shape == (300, *spec.sample_shape)
    assert np.array_equal(samples, random_samples(spec, 300, 1))
    codes = spec.encode(samples)
    levels = {"equal ones": {0, 2}}.get(case, set(range(spec.dtype.levels)))
    assert all(set(column.tolist()) == levels for column in codes.T)


def test_random_frames(network: Path, refused: Callable[..., str], tmp_path: Path) -> None:
    data = told("evaluate", network, "--random", "50")
    assert (data["dataset"], data["images"], data["correct"], data["accuracy"]) == ("random", 50, None, None)
    assert sum(row["given"] for row in data["classes"]) == 50 and data["classes"][0]["images"] is None
    other = told("evaluate", network, "--random", "50", "--random-seed", "1")
    assert other["classes"] != data["classes"]
    assert run("evaluate", network, "--random", "50").stdout.startswith("50 random frames\n")
    worth = told("sensitivity", network, "--random", "40")
    assert worth["accuracy"] == 1.0 and worth["dataset"] == "random"
    both = "one of --dataset and --random must be given, and not both"
    assert refused(2, "evaluate", network) == both
    assert refused(2, "evaluate", network, "--random", "5", "--dataset", "digits") == both
    assert refused(2, "evaluate", network, "--random", "5", "--label", "x") == (
        "--random must be given without anything about a data set"
    )
    assert refused(2, "evaluate", network, "--dataset", "digits", "--random-seed", "5") == (
        "--random-seed must come with --random"
    )
    assert refused(2, "evaluate", network, "--random", "5", "--count", "5").startswith("--count must not be given with")


def test_sizes_and_columns_on_the_command_line(network: Path, tmp_path: Path, refused: Callable[..., str]) -> None:
    table = tmp_path / "digits.csv"
    random = np.random.default_rng(0)
    rows = [",".join(["7", *map(str, random.integers(0, 17, 64)), f"d{i % 10}"]) for i in range(40)]
    table.write_text("\n".join(rows))
    data = told("evaluate", network, "--dataset", table, "--ignore", "1", "--split", "all")
    assert data["images"] == 40 and [row["name"] for row in data["classes"]] == [f"d{i}" for i in range(10)]
    assert told("evaluate", network, "--dataset", table, "--ignore", "1", "--split-fraction", "0.5")["images"] == 20
    assert "must be 2 sizes with an x between them" in refused(
        2, "evaluate", network, "--dataset", table, "--size", "4"
    )
    assert refused(2, "evaluate", network, "--dataset", table, "--size", "4x4") == (
        f"--size must not be given for {table}, a CSV file with a column of classes"
    )
    assert "d.csv: is read" not in refused(2, "simulate", network, "--dataset", table, "--wave", table)


def test_classes_of_a_simulation(tmp_path: Path) -> None:
    named = replace(make_network(), provenance={"classes": json.dumps([f"digit {i}" for i in range(10)])})
    archive.save(named, tmp_path / "n.bnn")
    data = told("simulate", tmp_path / "n.bnn", "--dataset", "digits", "--count", "30")
    assert data["mismatches"] == 0
    assert data["classes"] == told("evaluate", tmp_path / "n.bnn", "--dataset", "digits", "--count", "30")["classes"]
    assert data["classes"][3]["name"] == "digit 3"
    random = told("simulate", tmp_path / "n.bnn", "--random", "20")
    assert (random["mismatches"], random["accuracy"], random["dataset"]) == (0, None, "random")


def test_data_described(images: Path, refused: Callable[..., str]) -> None:
    (images / "notes.txt").write_text("mine")
    data = told("datasets", images)["datasets"][str(images)]
    assert data["counts"] == {"a": [8, 2], "b": [8, 2]} and (data["train"], data["test"]) == (16, 4)
    assert (data["kind"], data["shape"], data["minimum"], data["maximum"]) == ("images", [1, 8, 6], 0, 19)
    assert data["notes"] == [f"files that are not read: 1, the first {images}/notes.txt"]
    shown = run("datasets", images)
    assert shown.stdout.splitlines()[0] == f"{images}, images: samples of 1 x 8 x 6, from 0 to 19"
    assert told("datasets", "digits")["datasets"]["digits"]["train"] == 1438
    assert refused(2, "datasets", "--label", "x") == "--label must come with a file or folder"
    assert refused(2, "datasets", images / "none.csv") == f"{images}/none.csv: no such file or folder"
