"""What icebox_vlog writes, as Verilog that a simulator takes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bnnhw import devices, tools
from bnnhw.devices import icestorm
from bnnhw.devices.ice40 import ICE40
from bnnhw.errors import BnnhwError, ToolError

WRITTEN = """
module top (input rx, output tx, input clk);

wire n1, rx, n2, tx;
wire clk;
SB_PLL40_PAD #(
  .DIVF(7'b1001111)
) PLL_12_31 (
  .PACKAGEPIN(n2),
  .PLLOUTGLOBAL(n1)
);
assign tx = rx;

// Warning: unmatched port 'clk'

endmodule
"""


def test_ports_once_and_the_pin_of_the_pll() -> None:
    mended = icestorm._mended(WRITTEN)  # pyright: ignore[reportPrivateUsage]
    assert re.findall(r"^wire .*", mended, re.M) == ["wire n1, n2;"]
    assert ".PACKAGEPIN(clk)," in mended
    assert mended.count("assign tx = rx;") == 1


def test_a_signal_of_several_pins_is_one_again() -> None:
    """Its bits have plain names on the way: escaped ones are declared twice as well."""
    pins = "set_io d[0] 4\nset_io --warn-no-port d[1] 2\nset_io rx 6\nset_frequency d 30\n"
    single, signals = icestorm._single(pins)  # pyright: ignore[reportPrivateUsage]
    assert single == "set_io d__bit0 4\nset_io --warn-no-port d__bit1 2\nset_io rx 6\nset_frequency d 30\n"
    text = "module top (inout d__bit0, inout d__bit1, input rx);\nendmodule\n"
    together = icestorm._together(text, signals)  # pyright: ignore[reportPrivateUsage]
    assert together.splitlines() == [
        "module top_single (inout d__bit0, inout d__bit1, input rx);",
        "endmodule",
        "",
        "module top (inout [1:0] d, inout rx);",
        "top_single single (.d__bit0(d[0]), .d__bit1(d[1]), .rx(rx));",
        "endmodule",
    ]
    assert icestorm._together(text, {}) == text  # pyright: ignore[reportPrivateUsage]


def test_packages_by_icestorm_s_names() -> None:
    package = icestorm._package  # pyright: ignore[reportPrivateUsage]
    assert package(ICE40.part("iCE40UP5K"), ("--up5k", "--package", "sg48")) == "sg48"
    assert package(ICE40.part("iCE40HX4K"), ("--package", "tq144")) == "tq144:4k"


def _unpacker(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    found = tools.Tool("icebox_vlog", True, None, Path("x"), "", "")
    monkeypatch.setattr(icestorm.tools, "require", lambda program: found)
    monkeypatch.setattr(icestorm, "_run", lambda tool, arguments, folder: text)


def test_special_blocks_are_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("top.bin", "top.pcf"):
        (tmp_path / name).write_bytes(b"")
    _unpacker(monkeypatch, "/* DSP0    0  5 */ assign dsp0_0_5_clk = n4;\n")
    unpacker = ICE40.unpacker
    assert unpacker is not None
    given = (tmp_path / "top.bin", tmp_path / "top.pcf", ICE40.part("iCE40UP5K"), ("--package", "sg48"))
    message = f"{tmp_path / 'top.bin'}: uses a special block (DSP0), which icebox_vlog can't read"
    with pytest.raises(BnnhwError, match=f"^{re.escape(message)}$"):
        unpacker.verilog(*given)
    _unpacker(monkeypatch, "nothing\n")
    with pytest.raises(BnnhwError, match=r"^icebox_vlog wrote no module$"):
        unpacker.verilog(*given)


def test_icestorm_may_be_missing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """It is looked for, is not needed for a bitstream, and is named where it is."""
    assert {"iceunpack", "icebox_vlog"} <= {program.name for program in devices.programs() if program.optional}
    monkeypatch.setenv("PATH", str(tmp_path))
    unpacker = ICE40.unpacker
    assert unpacker is not None
    with pytest.raises(
        ToolError, match=r"^icebox_vlog is missing, .* apt install fpga-icestorm; PyPI has none\)$"
    ) as no:
        unpacker.verilog(tmp_path / "top.bin", tmp_path / "top.pcf", ICE40.part("iCE40UP5K"), ())
    assert no.value.exit_code == 3
