"""The whole build of a tiny network to real bitstreams, and everything that refuses."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from bnnhw import boards, tools
from bnnhw.build import bitstream as build_module
from bnnhw.build.bitstream import BuildResult, build, check_fit
from bnnhw.build.design import Source
from bnnhw.build.place_route import place_and_route
from bnnhw.build.synth import CellCounts
from bnnhw.cli import cli
from bnnhw.devices.ecp5 import ECP5
from bnnhw.devices.gowin import GOWIN
from bnnhw.devices.ice40 import ICE40
from bnnhw.errors import CheckError, RequestError, ToolError
from bnnhw.links import board_link
from bnnhw.links.uart import Uart
from tests.build.networks import random_folded, source
from tests.needs import needs_build

ICEBREAKER = boards.get("icebreaker")
UART = board_link(ICEBREAKER)
TINY = random_folded([16, 8, 4], [(4, 8), (2, 4)])


@pytest.fixture(scope="module")
def tiny() -> Source:
    needs_build(ICE40)
    return source(TINY)


def check_floorplan(folder: Path) -> None:
    """All units of the network lie on the chip, and the slowest path takes as long as the clock's report says."""
    plan, report = (json.loads((folder / name).read_text()) for name in ("floorplan.json", "report.json"))
    units = {unit["name"]: unit["cells"] for unit in plan["units"]}
    assert {"layer0_fc0", "layer1_fc1", "link"} <= units.keys()
    assert units["layer0_fc0"] > units["layer1_fc1"]
    for resource, cells in report["estimate"].items():
        assert sum(needed[resource] for needed in plan["resources"].values()) == cells
    path = plan["critical_path"]
    assert path["ns"] == pytest.approx(1e3 / report["fmax_mhz"], abs=0.01)
    assert {hop["unit"] for hop in path["hops"]} <= units.keys()


def test_icebreaker_end_to_end(tiny: Source, tmp_path: Path) -> None:
    """A bitstream that meets timing; the second build does nothing; another seed repeats only what it must."""
    needs_build(ICE40)
    told: list[tuple[str, float]] = []
    first = build(
        tiny, ICEBREAKER, tmp_path, link=UART, progress=lambda step, fraction, what: told.append((step, fraction))
    )
    # iCE40 bitstreams: a comment, then the synchronization word 7EAA997E (Project IceStorm's format description).
    assert bytes.fromhex("7eaa997e") in first.bitstream.read_bytes()[:200]
    assert first.timing_met and first.fmax_mhz >= first.clock_mhz == 30.0
    assert first.skipped == ()
    check_floorplan(tmp_path)
    assert tuple(first.stages_s) == ("elaborate", "synth", "place_route", "pack", "report")
    used = first.utilization["ICESTORM_LC"]
    assert first.estimate["lut4"] <= used["used"] <= used["available"] == ICEBREAKER.lut4
    assert [step for step, fraction in told if fraction == 1.0] == list(build_module.STEPS)
    assert any(step == "place_route" and 0.5 < fraction < 1 for step, fraction in told)
    report = json.loads(first.report.read_text())
    keys = {"bitstream", "fmax_mhz", "clock_mhz", "timing_met", "utilization", "estimate", "fps", "latency_us"}
    assert keys | {"stages_s"} <= report.keys()
    assert report["fps"] == 30e6 / report["cycles_per_frame"]
    assert {path.name for path in tmp_path.iterdir()} >= {
        "accelerator.v", "top.il", "uart_link.il", "top.pcf",
        "top.ys", "yosys.log", "top.json", "top.nextpnr.log", "top.asc", "top.bin",
    }  # fmt: skip

    said: list[str] = []
    again = build(tiny, ICEBREAKER, tmp_path, link=UART, progress=lambda step, fraction, what: said.append(what))
    assert f"synth (last time {first.stages_s['synth']:.0f} s)" in said and "unchanged" in said
    assert again.skipped == ("elaborate", "synth", "place_route", "pack")
    assert replace(again, skipped=(), stages_s=first.stages_s) == first
    other = build(tiny, ICEBREAKER, tmp_path, link=UART, seed=5, explored=2)
    assert other.skipped == ("elaborate", "synth")
    check_floorplan(tmp_path)

    # The same attempts by themselves: the same clocks, and the configuration of the better one, byte by byte.
    report = json.loads(other.report.read_text())
    tried = report["explored"]["attempts"]
    assert [(one["seed"], bool(one["options"])) for one in tried] == [(5, False), (5, True)]
    assert other.stages_s["place_route"] >= max(one["seconds"] for one in tried)
    alone = [
        place_and_route(
            ICEBREAKER, tmp_path / "top.json", tmp_path / "top.pcf", tmp_path,
            clock_mhz=30.0, seed=one["seed"], options=one["options"], stem=f"alone{number}",
        )
        for number, one in enumerate(tried)
    ]  # fmt: skip
    assert [one["fmax_mhz"] for one in tried] == [routed.fmax_mhz for routed in alone]
    best = max((0, 1), key=lambda number: tried[number]["fmax_mhz"])
    assert (report["place_route_options"], other.fmax_mhz) == (tried[best]["options"], tried[best]["fmax_mhz"])
    assert (tmp_path / "top.asc").read_text() == (tmp_path / f"alone{best}.asc").read_text()
    # Nothing to do.
    again = build(tiny, ICEBREAKER, tmp_path, link=UART, seed=5, explored=2)
    assert again.skipped == ("elaborate", "synth", "place_route", "pack")


def test_impossible_clock_is_missed_not_failed(tiny: Source, tmp_path: Path) -> None:
    needs_build(ICE40)
    result = build(tiny, ICEBREAKER, tmp_path, link=UART, freq_mhz=200)
    assert not result.timing_met and result.fmax_mhz < result.clock_mhz
    assert result.bitstream.is_file()
    message = (
        f"timing missed: the design reaches {result.fmax_mhz:.2f} MHz and was built for {result.clock_mhz:g} MHz; "
        f"the artefacts are in {tmp_path}"
    )
    with pytest.raises(CheckError, match=f"^{re.escape(message)}$"):
        result.check_timing()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["ulx3s-25f", "ulx3s-85f"])
def test_ulx3s_end_to_end(name: str, tmp_path: Path) -> None:
    needs_build(ECP5)
    result: BuildResult = build(source(TINY, "ecp5"), boards.get(name), tmp_path, link=UART)
    # ECP5 bitstreams: the preamble BDB3 after the comments (FPGA-TN-02039, sysCONFIG).
    assert bytes.fromhex("bdb3") in result.bitstream.read_bytes()[:400]
    assert result.timing_met
    check_floorplan(tmp_path)


def test_tang_nano_end_to_end(tmp_path: Path) -> None:
    needs_build(GOWIN)
    result: BuildResult = build(source(TINY, "gowin"), boards.get("tang-nano-9k"), tmp_path, link=UART)
    # A Gowin bitstream is text, a frame per line; its header holds the device's code: 1100481B is the GW1N-9C (UG290).
    header = result.bitstream.read_text().splitlines()[:12]
    assert any(int(line, 2).to_bytes(len(line) // 8).hex().endswith("1100481b") for line in header)
    assert result.timing_met and result.clock_mhz == boards.get("tang-nano-9k").clock_mhz
    assert result.utilization["rPLL"]["used"] == 1
    check_floorplan(tmp_path)


@pytest.mark.slow
def test_digits_on_the_tang_nano(root: Path, tmp_path: Path) -> None:
    """The network of the demo on a third family: at the default clock of its board, and no hold time missed."""
    needs_build(GOWIN)
    for arguments in (
        ["import", str(root / "models" / "digits.onnx"), "-o", str(tmp_path / "digits.bnn")],
        ["build", str(tmp_path / "digits.bnn"), "--board", "tang-nano-9k", "-o", str(tmp_path / "out"), "--json"],
    ):
        result = CliRunner().invoke(cli, arguments)
        assert result.exit_code == 0, result.stderr
    answer = json.loads(result.stdout)
    assert answer["timing_met"] and answer["utilization"]["BSRAM"]["used"] > 0
    assert Path(answer["bitstream"]).name == "top.fs"
    assert "Hold/min time violation" not in (tmp_path / "out" / "top.nextpnr.log").read_text()


def test_too_big_before_place_and_route(tiny: Source, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    needs_build(ICE40)

    def never(*arguments: object, **options: object) -> None:
        raise AssertionError("place and route must not begin")

    monkeypatch.setattr(build_module.place_route, "place_and_route", never)
    small = replace(ICEBREAKER, part=replace(ICEBREAKER.part, lut4=300, ff=100))
    with pytest.raises(
        CheckError,
        match=r"^the design does not fit icebreaker: LUT4 \d+ of 300 \(\d+%\), FF \d+ of 100 \(\d+%\)$",
    ):
        build(tiny, small, tmp_path, link=UART)
    assert not list(tmp_path.glob("*.bin")) and not (tmp_path / "report.json").exists()


def test_fit() -> None:
    cells = CellCounts(lut4=5280, ff=5280, carry=0, bram=30, spram=0, dsp=0)
    check_fit(cells, ICEBREAKER)
    message = "the design does not fit icebreaker: LUT4 6000 of 5280 (114%), block RAM 31 of 30 (103%)"
    with pytest.raises(CheckError, match=f"^{re.escape(message)}$"):
        check_fit(replace(cells, lut4=6000, bram=31), ICEBREAKER)


def test_requests_that_are_refused(tiny: Source, tmp_path: Path) -> None:
    for options, message in (
        ({"freq_mhz": 5.0}, "clock must be 12 MHz or in 16..275 MHz, not 5"),
        ({"freq_mhz": -1.0}, "clock must be positive, not -1"),
        (
            {"link": Uart(9_000_000)},
            "clock must be at least 72 MHz for the 9000000 baud of the serial link, not 30; "
            "30 MHz makes 3750000 baud at most",
        ),
    ):
        with pytest.raises(RequestError, match=f"^{re.escape(message)}$"):
            build(tiny, ICEBREAKER, tmp_path / "out", **{"link": UART} | options)  # type: ignore[arg-type]
    assert not (tmp_path / "out").exists()
    for name in ("parallel", "axis"):
        with pytest.raises(RequestError, match=f"^link of icebreaker must be one of uart, spi, not '{name}'$"):
            board_link(ICEBREAKER, name)


def test_missing_tool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(tools, "_package_folder", lambda module: None)
    with pytest.raises(ToolError, match=r"^nextpnr-ice40 is missing, needed for place and route for iCE40: .*$"):
        place_and_route(ICEBREAKER, tmp_path / "a.json", tmp_path / "a.pcf", tmp_path, clock_mhz=12)
