"""``bnnhw build DIR`` builds what is in the folder, or refuses it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bnnhw.build.design import Source
from bnnhw.devices import technology
from bnnhw.files import file_digest
from bnnhw.flow import build as flow_build
from bnnhw.folding import FoldedNetwork, LayerFolding, predict
from bnnhw.folding import file as folding_file
from tests.cli.conftest import make_network, run

Refused = Callable[..., str]
FOLDINGS = (LayerFolding(5, 8), LayerFolding(2, 5, "lut"))
ICEBREAKER = ("--board", "icebreaker")


@pytest.fixture
def design(network: Path, tmp_path: Path) -> Callable[..., Path]:
    """Generates a design with some options."""
    folding = tmp_path / "folding.json"
    folding_file.save(FOLDINGS, make_network(), folding)

    def make(*options: str) -> Path:
        folder = tmp_path / "design"
        result = run("generate", network, *options, "--folding", folding, "-o", folder)
        assert result.exit_code == 0, result.stderr
        return folder

    return make


def _change(folder: Path, **changes: Any) -> None:
    path = folder / "design.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_another_board(design: Callable[..., Path], tmp_path: Path, refused: Refused) -> None:
    folder = design(*ICEBREAKER)
    message = refused(2, "build", folder, "--board", "ulx3s-12f", "-o", tmp_path / "out")
    assert message == f"{folder}: was generated for board icebreaker, not for ulx3s-12f; generate it again"


def test_another_family(design: Callable[..., Path], tmp_path: Path, refused: Refused) -> None:
    folder = design(*ICEBREAKER)
    _change(folder, board=None)
    message = refused(2, "build", folder, "--board", "ulx3s-12f", "-o", tmp_path / "out")
    assert message == f"{folder}: was generated for family ice40, and ulx3s-12f is of ecp5; generate it again"


def test_another_link(design: Callable[..., Path], tmp_path: Path, refused: Refused) -> None:
    folder = design(*ICEBREAKER, "--link", "axis")
    message = refused(2, "build", folder, *ICEBREAKER, "-o", tmp_path / "out")
    assert message == (
        f"{folder}: was generated with link axis, and a bitstream for icebreaker has link uart; generate it again"
    )


def test_another_clock(design: Callable[..., Path], tmp_path: Path, refused: Refused) -> None:
    folder = design(*ICEBREAKER, "--link", "uart")
    message = refused(2, "build", folder, *ICEBREAKER, "--freq", "24", "-o", tmp_path / "out")
    assert message == (
        f"{folder}: its link was generated for a clock of 30 MHz, not 24; generate it without a link to build for any "
        "clock"
    )


@pytest.mark.parametrize("version, said", [(1, "version 1"), (None, "an earlier version, which it does not name,")])
def test_another_version_of_the_links_protocol(
    version: int | None, said: str, design: Callable[..., Path], tmp_path: Path, refused: Refused
) -> None:
    folder = design(*ICEBREAKER, "--link", "uart")
    _change(folder, protocol_version=version)
    message = refused(2, "build", folder, *ICEBREAKER, "-o", tmp_path / "out")
    assert message == (
        f"{folder}: its link was generated for {said} of what a host says, and this bnnhw speaks version 2; generate "
        "it again"
    )


def test_an_edit_that_would_not_be_built(design: Callable[..., Path], tmp_path: Path, refused: Refused) -> None:
    folder = design(*ICEBREAKER, "--link", "uart")
    core, whole = folder / "core" / "accelerator.v", folder / "uart_link.v"
    core.write_text(core.read_text() + "// edited\n")
    message = refused(2, "build", folder, *ICEBREAKER, "-o", tmp_path / "out")
    assert message == (
        f"{core}: was edited, and {whole}, which is built, was not; edit it there too, or generate without a link"
    )


def test_a_folding_that_was_changed(design: Callable[..., Path], tmp_path: Path, refused: Refused) -> None:
    folder = design()
    folding_file.save((LayerFolding(1, 8), LayerFolding(2, 5, "lut")), make_network(), folder / "folding.json")
    message = refused(2, "build", folder, *ICEBREAKER, "-o", tmp_path / "out")
    assert message == (
        f"{folder / 'folding.json'}: is not the folding that {folder} was generated with; generate it again"
    )


def test_sidecar_names_what_a_bench_and_synthesis_need(design: Callable[..., Path]) -> None:
    folder = design(*ICEBREAKER, "--link", "uart")
    sidecar = json.loads((folder / "design.json").read_text())
    assert (sidecar["board"], sidecar["technology"], sidecar["link"], sidecar["clock_mhz"]) == (
        "icebreaker", "ice40", "uart", 30.0,
    )  # fmt: skip
    assert sidecar["protocol_version"] == 2
    files = ("folding.json", "core/accelerator.v", "uart_link.v")
    assert sidecar["sha256"] == {name: file_digest(folder / name) for name in files}
    assert [(probe["layer"], probe["type"], probe["lanes"]) for probe in sidecar["probes"]] == [
        ("dense0", "bipolar", 5),
        ("dense1", "uint4", 2),
    ]
    for text, module in (("core/accelerator.v", sidecar["core"]), ("uart_link.v", sidecar)):
        verilog = (folder / text).read_text()
        for name in module["repeated"]:
            # An instance of a module begins with its name and is followed by its own.
            assert len(re.findall(rf"(?m)^  {re.escape(name)} ", verilog)) > 1, name
        assert module["repeated"]
    for probe in sidecar["probes"]:
        assert f" {probe['unit']} (" in (folder / "core/accelerator.v").read_text()


class _StopError(Exception):
    """The build would begin now."""


@pytest.mark.parametrize("options, family", [((), "generic"), (ICEBREAKER, "ice40")])
def test_portable_verilog_is_built_as_it_is(
    options: tuple[str, ...], family: str, design: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Generated for no board: told in one line, and its cycles stay its own."""
    folder, seen = design(*options), []

    def stop(source: Source, *arguments: object, **extra: object) -> None:
        seen.append((source, extra["extra"]))
        raise _StopError

    monkeypatch.setattr(flow_build, "run", stop)
    result = run("build", folder, *ICEBREAKER, "-o", tmp_path / "out")
    assert isinstance(result.exception, _StopError)
    ((source, extra),) = seen
    assert source.verilog == (folder / "accelerator.v").read_text()
    prediction = predict(FoldedNetwork(make_network(), FOLDINGS).graph(technology(family)))
    assert (source.cycles_per_frame, source.latency_cycles) == (
        prediction.cycles_per_frame,
        prediction.latency_cycles,
    )
    assert extra == {"technology": family, "edited": False, "pins": {"rx": "6", "tx": "9"}}
    note = (
        f"{folder}: was generated for no board; what is built for icebreaker is that portable Verilog, and cycles are "
        "its own"
    )
    assert (note in result.stderr.splitlines()) == (family == "generic")
