"""The iCEBreaker's top, as it is built, with its pins: oscillator in, serial line in and out, lamps."""

from __future__ import annotations

import subprocess
from pathlib import Path

from bnnhw import tools
from bnnhw.boards import get
from bnnhw.build.design import TOP, Source, write_design
from bnnhw.dataflow.frame import Frame
from bnnhw.links.uart import Uart
from bnnhw.rtl.accelerator import Accelerator
from bnnhw.rtl.emit import verilog
from rtl_tests.accelerator.network import FOLDED
from rtl_tests.uart.bench import DIVISOR, IDENTITY

__all__ = ["BENCH", "RESET_CYCLES", "sources"]

BENCH = "board_bench"
CLOCK_MHZ = 12.0
"""The oscillator's own clock: a PLL has no model to simulate."""

RESET_CYCLES = 1000
"""More than the 15 us that the board holds its reset after configuration."""

# The board's cells: an input or output pin, by the type Amaranth gives it (Lattice, "iCE Technology Library", SB_IO).
_CELLS = """
module SB_IO #(parameter [5:0] PIN_TYPE = 0, parameter PULLUP = 0, parameter NEG_TRIGGER = 0,
               parameter IO_STANDARD = "") (
    inout PACKAGE_PIN, input LATCH_INPUT_VALUE, input CLOCK_ENABLE, input INPUT_CLK, input OUTPUT_CLK,
    input OUTPUT_ENABLE, input D_OUT_0, input D_OUT_1, output D_IN_0, output D_IN_1);
    generate
        if (PIN_TYPE[5:4] == 2'b00) assign D_IN_0 = PACKAGE_PIN;
        else assign PACKAGE_PIN = D_OUT_0;
    endgenerate
endmodule

module SB_GB_IO #(parameter [5:0] PIN_TYPE = 0, parameter PULLUP = 0, parameter NEG_TRIGGER = 0,
                  parameter IO_STANDARD = "") (
    inout PACKAGE_PIN, input LATCH_INPUT_VALUE, input CLOCK_ENABLE, input INPUT_CLK, input OUTPUT_CLK,
    input OUTPUT_ENABLE, input D_OUT_0, input D_OUT_1, output D_IN_0, output D_IN_1, output GLOBAL_BUFFER_OUTPUT);
    assign D_IN_0 = PACKAGE_PIN;
    assign GLOBAL_BUFFER_OUTPUT = PACKAGE_PIN;
endmodule
"""

_BENCH = f"""
module {BENCH} (input clk, input rst, input link_rx, output link_tx, output link_error);
    wire oscillator = clk, rx = link_rx, tx, red, green;
    {TOP} board (.clk12_0__io(oscillator), .uart_0__rx__io(rx), .uart_0__tx__io(tx),
                 .led_r_0__io(red), .led_g_0__io(green));
    assign link_tx = tx;
    // The lamp is lit by a low pin.
    assign link_error = ~red;
endmodule
"""


def sources(folder: Path) -> dict[str, str]:
    """Verilog files: the board's top and the link as they go to synthesis, models of the cells, and the bench."""
    board = get("icebreaker")
    graph = FOLDED.graph(board.family.technology)
    source = Source(
        verilog=verilog(Accelerator(graph), "accelerator", board.family.name),
        module="accelerator",
        linked=False,
        portable=False,
        repeated=(),
        frame=Frame.of(graph),
        classes=FOLDED.network.output.classes,
        identity=f"{IDENTITY:08x}",
        cycles_per_frame=0,
        latency_cycles=0,
    )
    design = write_design(source, board, folder, link=Uart(round(CLOCK_MHZ * 1e6 / DIVISOR)), clock_mhz=CLOCK_MHZ)
    yosys, script, target = tools.require("yosys"), folder / "convert.ys", folder / "board.v"
    reads = "\n".join(f"read_{'verilog' if path.suffix == '.v' else 'rtlil'} {path}" for path in design.sources)
    script.write_text(f"{reads}\nproc -nomux -norom\nmemory_collect\nwrite_verilog -norename {target}\n")
    subprocess.run([*yosys.command, str(script)], check=True, capture_output=True, env=yosys.full_environment())
    share = tools.yosys_share(yosys)
    cells = (share / "ice40" / "cells_sim.v").read_text()
    ram = cells[cells.index("module SB_RAM40_4K ") : cells.index("endmodule", cells.index("module SB_RAM40_4K ")) + 9]
    defines = cells[: cells.index("module ")]
    return {"board.v": target.read_text(), "cells.v": defines + ram + _CELLS, "bench.v": _BENCH}
