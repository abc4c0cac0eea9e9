"""Models of block RAMs: what Yosys maps a memory to must behave as the memory, contents at power-up included."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from bnnhw import devices
from bnnhw.build.synth import synthesize
from bnnhw.errors import RequestError, ToolError
from bnnhw.sim.cells import models_for, netlist_verilog
from bnnhw.sim.harness import Harness
from bnnhw.sim.ports import Interface, Port
from tests.needs import SIMULATION, needs

_MEMORY = """
module core(
    input clk, input rst,
    input [{msb}:0] input_payload, input input_valid, output input_ready,
    output [{data_msb}:0] output_payload, output output_valid, input output_ready
);
    (* no_rw_check, ram_style = "block" *) reg [{data_msb}:0] memory [0:{depth}-1];
    initial $readmemh("{contents}", memory);
    reg [{data_msb}:0] data;
    reg valid = 0;
    wire [{data_msb}:0] written;
    wire [{address_msb}:0] write_address, read_address;
    wire write;
    assign {{write, write_address, read_address, written}} = input_payload;
    assign input_ready = !valid;
    wire go = input_valid && input_ready;
    always @(posedge clk) begin
        if (go) begin
            data <= memory[read_address];
            if (write) memory[write_address] <= written;
        end
        if (go) valid <= 1;
        else if (output_ready) valid <= 0;
    end
    assign output_valid = valid;
    assign output_payload = data;
endmodule
"""


def operations(width: int, depth: int, frames: int) -> tuple[list[int], NDArray[np.int64], list[int]]:
    """Contents, operations (write, write address, read address, data), and what the reads must return."""
    generator = np.random.default_rng(width)
    contents = [int(v) for v in generator.integers(0, 1 << width, depth)]
    # A few addresses, the last among them, so that what was written is read again.
    addresses = np.concatenate([[0, depth - 1], generator.integers(0, depth, 30)])
    rows = np.stack(
        [
            generator.integers(0, 2, frames),
            generator.choice(addresses, frames),
            generator.choice(addresses, frames),
            generator.integers(0, 1 << width, frames),
        ],
        axis=1,
    )
    # Reading what is being written is undefined.
    rows[rows[:, 1] == rows[:, 2], 0] = 0
    memory, reads = list(contents), []
    for write, write_address, read_address, data in rows.tolist():
        reads.append(memory[read_address])
        if write:
            memory[write_address] = data
    return contents, rows, reads


@pytest.mark.parametrize(
    ("family", "width", "depth", "cell"),
    [
        ("ecp5", 1, 16384, r"\.DATA_WIDTH_[AB]\(32'd1\)"),
        ("ecp5", 4, 4096, r"\.DATA_WIDTH_[AB]\(32'd4\)"),
        ("ecp5", 9, 2048, r"\.DATA_WIDTH_[AB]\(32'd9\)"),
        ("ecp5", 36, 512, r"\.DATA_WIDTH_B\(32'd36\)"),
        ("gowin", 1, 16384, r"DPB #"),
        ("gowin", 4, 4096, r"DPB #"),
        ("gowin", 9, 2048, r"DPX9B #"),
        ("gowin", 18, 1024, r"DPX9B #"),
        ("gowin", 36, 512, r"SDPX9B #"),
        ("ice40", 2, 2048, r"\.READ_MODE\(\d+'s?[hd]0*3\)"),
        ("ice40", 16, 256, r"\.READ_MODE\(\d+'s?[hd]0+\)"),
    ],
)
def test_block_memory(
    family: str, width: int, depth: int, cell: str, tmp_path: Path, cache: Path, simulation: None
) -> None:
    frames = 400
    contents, rows, reads = operations(width, depth, frames)
    (tmp_path / "contents.hex").write_text("".join(f"{value:x}\n" for value in contents))
    address = (depth - 1).bit_length()
    total = width + 2 * address + 1
    text = _MEMORY.format(
        msb=total - 1, data_msb=width - 1, address_msb=address - 1, depth=depth, contents="contents.hex"
    )
    (tmp_path / "core.v").write_text(text)
    netlist = netlist_verilog(
        synthesize([tmp_path / "core.v"], "core", devices.family(family), tmp_path).netlist, "core"
    )
    assert re.search(cell, netlist), set(re.findall(r"^  (\w+) #", netlist, flags=re.M))
    packed = [
        ((write << address | write_address) << address | read_address) << width | data
        for write, write_address, read_address, data in rows.tolist()
    ]
    limbs = -(-total // 32)
    words = np.frombuffer(b"".join(v.to_bytes(4 * limbs, "little") for v in packed), "<u4").reshape(frames, 1, limbs)
    interface = Interface("core", Port.plain("input_payload", total), 1, (Port.plain("output_payload", width),))
    models, defines = models_for(family, {"netlist.v": netlist})
    core = Harness({**models, "netlist.v": netlist}, interface, defines=defines, cache=cache)
    recording = core.run(words, reset_cycles=0)
    np.testing.assert_array_equal(recording.outputs["output_payload"], reads)


def test_refused_where_not_modelled(cache: Path, simulation: None) -> None:
    """What the model does not cover stops the build, and says so."""
    text = """module core(input clk, input rst, input input_payload, input input_valid, output input_ready,
        output output_payload, output output_valid, input output_ready);
        DP16KD #(.CSDECODE_A("0b011")) ram(.CLKA(clk), .DOA0(output_payload)); endmodule"""
    interface = Interface("core", Port.plain("input_payload", 1), 1, (Port.plain("output_payload", 1),))
    models, defines = models_for("ecp5", {"core.v": text})
    with pytest.raises(ToolError, match=r"^Verilator failed: .*DP16KD with a chip select decode is not modelled.*$"):
        Harness({**models, "core.v": text}, interface, defines=defines, cache=cache)


def test_models_for() -> None:
    assert models_for("generic", {"a.v": "SB_LUT4 x();"}) == ({}, ())
    assert models_for("ice40", {"a.v": "module a; endmodule"}) == ({}, ())
    with pytest.raises(RequestError, match=f"^technology must be one of {', '.join(devices.FAMILIES)}, not 'xc7'$"):
        models_for("xc7", {})


@pytest.fixture
def simulation() -> None:
    """What these tests run."""
    needs(*SIMULATION)
