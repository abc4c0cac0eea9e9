"""One build of a small network: what it leaves, and the same network again out of each thing that it left."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bnnhw import boards, devices
from bnnhw.dataflow.frame import Frame
from bnnhw.devices.ice40 import ICE40
from bnnhw.files.folder import LIST
from bnnhw.flow.fold import fmax_estimate
from bnnhw.folding import FoldedNetwork, LayerFolding
from bnnhw.folding import file as folding_file
from bnnhw.folding.predict import predict
from bnnhw.ir import archive
from bnnhw.links import board_link
from tests.cli.conftest import make_network, run
from tests.needs import needs

FOLDINGS = (LayerFolding(5, 8), LayerFolding(2, 5, "lut"))
# One of each kind: a part sold as a larger die's, a low-power one, an oscillator inside the device, no PLL in it.
OTHERS = ("ice40-hx8k-b-evn", "alhambra-ii", "tinyfpga-bx", "upduino-v3", "fomu-pvt", "blackice")

UNPACKERS = () if ICE40.unpacker is None else ICE40.unpacker.programs

pytestmark = pytest.mark.xdist_group("build")


def _json(*arguments: str | Path) -> dict[str, Any]:
    result = run(*arguments, "--json")
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


def _request(folder: Path, board: str, out: Path) -> tuple[str | Path, ...]:
    network, folding = folder / "small.bnn", folder / "folding.json"
    archive.save(make_network(), network)
    folding_file.save(FOLDINGS, make_network(), folding)
    return ("build", network, "--board", board, "--folding", folding, "-o", out)


@pytest.fixture(scope="module")
def cache_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """That of each test, for what is made before the first."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.getbasetemp() / "cache"))
        yield


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory, cache_home: None) -> tuple[Path, dict[str, Any]]:
    """The folder, and what `build` said."""
    folder = tmp_path_factory.mktemp("built")
    return folder / "bitstream", _json(*_request(folder, "icebreaker", folder / "bitstream"))


def _runs(built: Path, folder: Path, option: str, *files: str) -> None:
    """Every class and score of 20 frames, none sent twice; of what was built the folder has those files alone."""
    folder.mkdir()
    for name in ("report.json", "network.bnn", *files):
        shutil.copy(built / name, folder)
    data = _json("run", folder, "--virtual", option, "--random", "20", "--check")
    assert (data["frames"], data["differences"], data["resent"]) == (20, 0, 0)


def test_the_netlist_runs(built: tuple[Path, dict[str, Any]], tmp_path: Path) -> None:
    _runs(built[0], tmp_path / "netlist", "--netlist", "top.json")


def test_the_bitstream_runs(built: tuple[Path, dict[str, Any]], tmp_path: Path) -> None:
    """From the file that is put onto the board, and the names of its pins."""
    needs(*UNPACKERS)
    _runs(built[0], tmp_path / "bitstream", "--bitstream", "top.bin", "top.pcf")


@pytest.mark.slow
@pytest.mark.parametrize("board", OTHERS)
def test_bitstreams_of_other_devices_run(board: str, tmp_path: Path) -> None:
    needs(*UNPACKERS)
    out = tmp_path / "out"
    assert _json(*_request(tmp_path, board, out))["timing_met"]
    _runs(out, tmp_path / "bitstream", "--bitstream", "top.bin", "top.pcf")
    _runs(out, tmp_path / "netlist", "--netlist", "top.json")


def test_build_and_report(built: tuple[Path, dict[str, Any]], tmp_path: Path) -> None:
    out, data = built
    assert Path(data["bitstream"]).stat().st_size > 50_000
    assert data["timing_met"] is True
    assert data["fmax_mhz"] >= data["clock_mhz"]
    assert data["fmax_estimate_mhz"] == fmax_estimate(FoldedNetwork(make_network(), FOLDINGS), "icebreaker")
    assert data["fmax_error"] == round(data["fmax_estimate_mhz"] / data["fmax_mhz"] - 1, 4)
    assert abs(data["fmax_error"]) <= 0.15
    graph = FoldedNetwork(make_network(), FOLDINGS).graph(devices.technology("ice40"))
    prediction = predict(graph)
    assert data["fps"] == data["clock_mhz"] * 1e6 / prediction.cycles_per_frame
    assert data["link_fps"] == board_link(boards.get("icebreaker")).frames_per_s(Frame.of(graph), 30.0)
    assert data["latency_us"] == prediction.latency_cycles / data["clock_mhz"]
    assert data["utilization"]["ICESTORM_LC"]["available"] == 5280
    there = {"lut4": 5280, "ff": 5280, "bram": 30, "spram": 4}
    used = {name: {"used": data["estimate"][name], "available": count} for name, count in there.items()}
    assert {name: data["utilization"][name] for name in there} == used
    assert data["unchanged"] == []
    assert set(data["estimate"]) >= {"lut4", "ff", "bram", "spram"}
    page = _json("report", out)["report"]
    assert page == str(out / "report.html")
    text = Path(page).read_text()
    assert "PE 5 × SIMD 8, block" in text
    assert f"Fmax estimated, off by {100 * data['fmax_error']:+.1f} %" in text
    assert "ICESTORM_LC" in text and "frames per second over the link" in text
    again = _json(*_request(out.parent, "icebreaker", out))
    assert set(again["unchanged"]) >= {"elaborate", "synth", "place_route", "pack"}
    # Every file that the build left is one of those that it may replace.
    listed = json.loads((out / LIST).read_text())["files"].keys() | {LIST, "report.html"}
    made = {path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file()}
    assert {name for name in made if not name.startswith("design/")} == listed
    # What is built is the text in the folder: here with all results complemented.
    assert (out / "design" / "accelerator.v").read_text() == (out / "accelerator.v").read_text()
    verilog = out / "design" / "accelerator.v"
    port = r"\.output_payload\(output_payload\)"
    pattern = re.compile(rf"(^module accelerator\(.*?){port}(.*?)endmodule", re.DOTALL | re.MULTILINE)
    width = json.loads((out / "design" / "design.json").read_text())["ports"]["output_payload"]["width"]
    inverted = rf"\1.output_payload(given)\2wire [{width - 1}:0] given;\nassign output_payload = ~given;\nendmodule"
    text, edits = pattern.subn(inverted, verilog.read_text())
    assert edits == 1
    verilog.write_text(text)
    edited = _json("build", out / "design", "--board", "icebreaker", "-o", tmp_path / "edited")
    assert Path(edited["bitstream"]).read_bytes() != Path(data["bitstream"]).read_bytes()
    # Of what was edited nothing was estimated.
    assert (edited["fmax_estimate_mhz"], edited["fmax_error"]) == (None, None)
    reports = [json.loads(Path(found["report"]).read_text()) for found in (data, edited)]
    assert [(found["edited"], found["protocol_version"]) for found in reports] == [(False, 2), (True, 2)]
    assert run("simulate", out / "design", "--dataset", "digits", "--count", "5", "-q").exit_code == 1
