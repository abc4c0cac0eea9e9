"""``bnnhw simulate`` on a small network: what it says, what it keeps for the report, its wave and the wave's groups."""

from __future__ import annotations

import json
from pathlib import Path

from bnnhw import devices
from bnnhw.datasets import load
from bnnhw.flow.design import open_design
from bnnhw.flow.evaluate import encode
from bnnhw.flow.kept import kept_simulation
from bnnhw.folding import FoldedNetwork
from bnnhw.folding.predict import predict
from bnnhw.reference import evaluate
from tests.cli.conftest import FOLDINGS, make_network, run_json


def test_simulate(network: Path, folding: Path, tmp_path: Path) -> None:
    design = tmp_path / "design"
    run_json("generate", network, "--folding", folding, "-o", design)
    data = run_json("simulate", design, "--dataset", "digits")
    expected = run_json("evaluate", network, "--dataset", "digits")
    prediction = predict(FoldedNetwork(make_network(), FOLDINGS).graph(devices.technology("generic")))
    assert data["images"] == expected["images"]
    assert data["mismatches"] == 0
    assert data["accuracy"] == expected["accuracy"]
    assert data["cycles_per_frame"] == data["predicted_cycles_per_frame"] == prediction.cycles_per_frame
    assert data["latency_cycles"] == data["predicted_latency_cycles"] == prediction.latency_cycles
    assert data["frames_per_s"] > 0
    assert (data["layers"], data["layer_mismatches"]) == (len(make_network().layers) - 1, [])
    kept = json.loads((design / "simulate.json").read_text())
    assert kept["images"] == data["images"] and kept["confusion"] == expected["confusion"]
    stalled = run_json("simulate", design, "--dataset", "digits", "--count", "40", "--stall", "0.5")
    assert (stalled["images"], stalled["mismatches"]) == (40, 0)
    _check_kept(design)
    page = Path(run_json("report", design)["report"]).read_text()
    assert "40 simulated frames" in page and 'id="timeline"' in page
    # What was simulated is not what is there now.
    assert kept_simulation(open_design(design)) is not None
    core = open_design(design).core.path
    core.write_text(core.read_text() + "\n")
    assert kept_simulation(open_design(design)) is None


def _check_kept(design: Path) -> None:
    """What `simulate` leaves of the first 40 digits: by the reference, and by the words that streams have."""
    kept = json.loads((design / "simulate.json").read_text())
    network, data = open_design(design).network, load("digits")
    due = evaluate(network, encode(network, data.x_test[:40]))
    short = {
        number: due.scores[number].max() - due.scores[number, label]
        for number, label in enumerate(data.y_test[:40])
        if due.classes[number] != label
    }
    assert [one["short"] for one in kept["worst"]] == sorted(short.values(), reverse=True)[:12]
    for one in kept["worst"]:
        number = one["frame"]
        assert (one["label"], one["given"]) == (str(data.y_test[number]), str(due.classes[number]))
        assert one["short"] == short[number]
        assert one["picture"].startswith("data:image/png;base64,")
    assert sum(map(sum, kept["confusion"])) == 40
    # The first frame's result comes at its latency, and until then every stream brings it whole, with no stall.
    words = {s["unit"]: sum(count for _, _, count in s["moved"]) for s in kept["frame"]}
    assert all(words[stream["unit"]] >= stream["words"] for stream in kept["frame"])
    first, last = kept["frame"][0]["moved"][0][0], kept["frame"][-1]["moved"]
    assert last == [[first + kept["latency_cycles"], 1, 1]]


def test_simulate_writes_a_wave(network: Path, folding: Path, tmp_path: Path) -> None:
    design, wave = tmp_path / "design", tmp_path / "design.fst"
    run_json("generate", network, "--folding", folding, "--board", "icebreaker", "-o", design)
    data = run_json("simulate", design, "--dataset", "digits", "--count", "4", "--wave", wave, "--wave-frames", "3")
    signals, changes, end_ps = _read_wave(wave)
    groups = wave.with_suffix(".gtkw").read_text().splitlines()
    assert '[dumpfile] "design.fst"' in groups
    named = [line for line in groups if line.startswith("core.")]
    assert len(named) > 10 and set(named) <= signals
    kept = json.loads((design / "simulate.json").read_text())
    for stream in kept["frame"][1:-1]:
        assert sum(f".{stream['unit']}.output_valid" in line for line in named) == 1
    # Three frames, in the picoseconds of 30 MHz: what is valid and ready at an edge moves.
    half = round(1e6 / 30 / 2)
    edges = [at for at, value in changes["core.clk"] if value == "1"]
    assert {after - before for before, after in zip(edges, edges[1:], strict=False)} == {2 * half}
    assert data["latency_cycles"] + 2 * data["cycles_per_frame"] <= end_ps / (2 * half)
    taken = [at for at, value in changes["core.output_valid"] if value == "1"]
    assert len(taken) == 3
    assert {b - a for a, b in zip(taken, taken[1:], strict=False)} == {2 * half * data["cycles_per_frame"]}


def _read_wave(path: Path) -> tuple[set[str], dict[str, list[tuple[int, str]]], int]:
    """Names of a wave's signals as GTKWave has them, changes of the ports' single bits, and its end in picoseconds."""
    import pylibfst

    wave = pylibfst.lib.fstReaderOpen(str(path).encode())
    assert pylibfst.lib.fstReaderGetTimescale(wave) == -12
    _, found = pylibfst.get_scopes_signals2(wave)
    handles = {signal.handle: name.split()[0] for name, signal in found.by_name.items() if name.count(".") == 1}
    changes: dict[str, list[tuple[int, str]]] = {name: [] for name in handles.values()}

    def changed(_: object, time: int, handle: int, value: object) -> None:
        if handle in handles:
            changes[handles[handle]].append((time, pylibfst.helpers.string(value)))

    pylibfst.lib.fstReaderSetFacProcessMaskAll(wave)
    pylibfst.fstReaderIterBlocks(wave, changed)
    end = pylibfst.lib.fstReaderGetEndTime(wave)
    pylibfst.lib.fstReaderClose(wave)
    names = {name.replace(" ", "") for name in found.by_name} | {name.split()[0] for name in found.by_name}
    return names, changes, end
