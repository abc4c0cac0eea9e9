"""Frames on the chip, from `build --store` to what `run` counts; synthesis, place and route are left out."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import bnnhw
from bnnhw import boards, reference
from bnnhw.build import synth
from bnnhw.build.design import TOP, Source, write_design
from bnnhw.build.result import BuildResult, write_report
from bnnhw.files import write_json
from bnnhw.flow.built import open_built
from bnnhw.flow.count import check_count, count_frames
from bnnhw.flow.store import FRAMES, open_store
from bnnhw.folding import FoldedNetwork, LayerFolding, predict
from bnnhw.folding import file as folding_file
from bnnhw.ir import Network, archive
from tests.cli.conftest import make_network, run

BOARD = boards.get("icebreaker")
NETWORK = make_network((64, 10))
FOLDED = FoldedNetwork(NETWORK, (LayerFolding(5, 16),))

pytestmark = pytest.mark.xdist_group("virtual board")


def without_tools(source: Source, board: Any, folder: Path, *, link: Any, freq_mhz: Any, extra: Mapping[str, Any],
                  beside: Mapping[str, Any], **_: Any) -> BuildResult:  # fmt: skip
    """What `build` leaves that a host and the virtual board need."""
    folder.mkdir(exist_ok=True)
    clock = board.reachable_mhz(board.clock_mhz if freq_mhz is None else freq_mhz)
    design = write_design(source, board, folder, link=link, clock_mhz=clock)
    (folder / f"{TOP}.ys").write_text(synth.script([path.name for path in design.sources], TOP, board.family))
    for name, content in beside.items():
        if isinstance(content, Mapping):
            write_json(folder / name, content)
        elif content is not None:
            content(folder / name)
    rate = clock * 1e6 / source.cycles_per_frame
    result = BuildResult(
        folder / "top.bin", folder / "report.json", 40.0, clock, True, {}, {}, rate, source.latency_cycles / clock,
        link.frames_per_s(source.frame, clock), {"name": link.name}, None, {}, (),
    )  # fmt: skip
    cycles = {"cycles_per_frame": source.cycles_per_frame, "latency_cycles": source.latency_cycles}
    said = {"link": link.name, "protocol_version": link.protocol_version, **link.settings}
    report = {"board": board.name, **said, "identity": source.identity, **cycles}
    write_report(result, {**report, **extra})
    return result


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, ...]:
    """A network and its folding, to build without tools."""
    monkeypatch.setattr("bnnhw.flow.build.run", without_tools)
    archive.save(NETWORK, tmp_path / "small.bnn")
    folding_file.save(FOLDED.foldings, NETWORK, tmp_path / "folding.json")
    return tmp_path / "small.bnn", Path("--board"), Path("icebreaker"), Path("--folding"), tmp_path / "folding.json"


def due(network: Network, frames: int) -> tuple[NDArray[np.uint8], NDArray[np.int64], NDArray[np.int64]]:
    samples, labels = bnnhw.datasets.load_split("digits", "test")
    codes = network.input.encode(samples[:frames])
    return codes, reference.evaluate(network, codes).classes, labels[:frames]


def test_counts(model: tuple[Path, ...], tmp_path: Path, refused: Callable[..., str]) -> None:
    out = tmp_path / "counting"
    told = run("build", *model, "--store", "--dataset", "digits", "--count", "40", "-o", out, "--json")
    assert told.exit_code == 0, told.stderr
    codes, classes, labels = due(NETWORK, 40)
    said = json.loads(told.stdout)["store"]
    wrong = int((classes != labels).sum())
    assert (said["dataset"], said["frames"], said["wrong"]) == ("digits", 40, wrong)
    # 64 elements of 4 bits; 160 words of 64 bits, and two classes of 4 bits.
    assert (said["bits_kept"], said["block_rams"]) == (256, 4 + 1)
    with np.load(out / FRAMES) as kept:
        assert np.array_equal(kept["codes"], codes) and np.array_equal(kept["labels"], labels)

    cycles = predict(FOLDED.graph(BOARD.family.technology))
    told = run("run", out, "--virtual", "--check", "--json")
    assert told.exit_code == 0, told.stderr
    data = json.loads(told.stdout)
    assert (data["frames"], data["wrong"], data["reference_wrong"], data["differences"]) == (40, wrong, wrong, 0)
    assert data["cycles"] == cycles.latency_cycles + 39 * cycles.cycles_per_frame
    assert (data["latency_cycles"], data["cycles_per_frame"]) == (cycles.latency_cycles, cycles.cycles_per_frame)
    assert data["frames_per_s"] == pytest.approx(40 / data["cycles"] * 30e6, rel=1e-12)
    assert data["fps"] == pytest.approx(30e6 / cycles.cycles_per_frame)
    assert data["accuracy"] == 1 - wrong / 40
    # 32 bytes of a frame and 9 around it; ten bits per byte at 1 Mbaud, eight at 20 MHz.
    assert data["links"]["uart"] == data["link_fps"] == pytest.approx(1e6 / 410)
    assert data["links"]["spi"] == pytest.approx(20e6 / 328)

    # Round and round, as text.
    told = run("run", out, "--virtual", "--count", "95", "--check")
    assert told.exit_code == 0, told.stderr
    more = 2 * wrong + int((classes != labels)[:15].sum())
    assert f"95 frames, {more} wrong" in told.stdout and "0 differences from the reference" in told.stdout
    with bnnhw.open_board(out, virtual=True) as board:
        one = board.count(1)
        assert (one.frames, one.cycles, one.cycles_per_frame) == (1, cycles.latency_cycles, None)
        with pytest.raises(bnnhw.BnnhwError, match=r"^frames must be in 1\.\.16777215, not 16777216$"):
            board.count(1 << 24)
        with pytest.raises(bnnhw.BnnhwError, match=r"^frames must be at most [0-9]+, not 1000000000000000$"):
            board.count(10**15)
        with pytest.raises(bnnhw.BnnhwError, match=r"has its frames on the chip, and takes none: count them$"):
            board.run(codes, codes=True)
    taken = refused(2, "run", out, "--virtual", "--dataset", "digits")
    assert taken == f"{out}: has its frames on the chip; leave --input, --dataset, --random and --weights out"
    refused_files(out / FRAMES, codes, labels)


def refused_files(path: Path, codes: NDArray[np.uint8], labels: NDArray[np.int64]) -> None:
    """What a host knows of the frames is read anew, and the reference is asked anew."""

    def error() -> str:
        with pytest.raises(bnnhw.BnnhwError) as refused:
            open_store(path.parent, NETWORK, "digits")
        return str(refused.value)

    np.savez(path, codes=codes, labels=(labels + 1) % 10)
    known = open_store(path.parent, NETWORK, "digits")
    assert known.wrong(85) == int((known.due != (labels + 1) % 10)[np.arange(85) % 40].sum())
    again = f"{path}: must have {{}}; build it again"
    path.write_bytes(b"PK nothing")
    assert error().startswith(f"{path}: can't be read: ")
    np.savez(path, codes=codes[:, :5])
    assert error() == again.format("codes of 64 elements per frame, and does not")
    np.savez(path, codes=codes + 16)
    assert error() == again.format("codes below 16, and has 31")
    np.savez(path, codes=codes, labels=labels[:3])
    assert error() == again.format("a label for each frame, and does not")
    path.unlink()
    assert error() == f"{path}: no such file; build it again"


def test_what_fails_a_check() -> None:
    good = {"frames": 40, "differences": 0, "wrong": 3, "reference_wrong": 3}
    check_count(good)
    check_count(good | {"wrong": None, "reference_wrong": None})
    with pytest.raises(bnnhw.BnnhwError, match=r"^2 of 40 frames were given another class than the reference$"):
        check_count(good | {"differences": 2})
    message = "^4 of 40 frames were given another class than their label, and the reference is wrong about 3$"
    with pytest.raises(bnnhw.BnnhwError, match=message):
        check_count(good | {"wrong": 4})


def test_as_many_as_fit(model: tuple[Path, ...], tmp_path: Path, refused: Callable[..., str]) -> None:
    """Of 359 frames 256, four words of 64 bits each: 16 block RAMs of 1,024 x 4 bits, and one of classes.

    One frame more would take twice as many of 2,048 x 2 bits; the accelerator leaves 20 of 30.
    """
    out = tmp_path / "counting"
    told = run("build", *model, "--store", "--dataset", "digits", "-o", out, "--json")
    assert told.exit_code == 0, told.stderr
    said = json.loads(told.stdout)["store"]
    assert (said["dataset"], said["frames"], said["block_rams"]) == ("digits", 256, 17)
    assert FOLDED.graph(BOARD.family.technology).resources().bram == 10
    for count in (257, 359):
        message = refused(1, "build", *model, "--store", "--dataset", "digits", "--count", str(count), "-o", out)
        assert message == (
            f"{count} frames of digits do not fit icebreaker: they take 33 block RAMs, and beside the accelerator "
            "there are 20 of 30; 256 frames fit"
        )


def test_no_room(model: tuple[Path, ...], tmp_path: Path, refused: Callable[..., str]) -> None:
    """Weights of 320 bits side by side take more than the 16 block RAMs of an iCE40HX1K."""
    folding_file.save((LayerFolding(10, 32),), NETWORK, model[-1])
    message = refused(
        1, "build", model[0], *model[1:2], "icestick", *model[3:], "--store", "--random", "9", "-o", tmp_path / "out"
    )
    assert message == (
        "not one frame of random fits icestick: it takes 9 block RAMs, and beside the accelerator there are 0 of 16; a "
        "folding with fewer leaves more (bnnhw fold --fps F)"
    )


def test_random_frames_have_no_labels(model: tuple[Path, ...], tmp_path: Path) -> None:
    out = tmp_path / "counting"
    told = run("build", *model, "--store", "--random", "12", "-o", out, "--json")
    assert told.exit_code == 0, told.stderr
    said = json.loads(told.stdout)["store"]
    assert (said["dataset"], said["frames"], said["wrong"]) == ("random", 12, None)


def test_what_is_refused(model: tuple[Path, ...], tmp_path: Path, refused: Callable[..., str]) -> None:
    out = tmp_path / "counting"
    for option in (("--dataset", "digits"), ("--random", "3"), ("--count", "3")):
        assert refused(2, "build", *model, *option, "-o", out) == (
            "--dataset, --random and --count must come with --store, which puts frames on the chip"
        )
    assert refused(2, "build", *model, "--store", "-o", out) == (
        "one of --dataset and --random must be given, and not both"
    )
    assert refused(2, "build", *model, "--store", "--dataset", "digits", "--count", "360", "-o", out) == (
        "--count must be at most 359 for the test split of digits, not 360"
    )
    assert run("build", *model, "-o", out).exit_code == 0
    host: Any = None
    with pytest.raises(bnnhw.BnnhwError, match=r"has no frames on the chip; build it with them"):
        count_frames(host, open_built(out))
