"""A generated accelerator in LiteX: its streams as endpoints, and a simulation that sends frames.

bnnhw generate digits.bnn -o design --link axis       (or --link stream)
pip install litex migen
python examples/litex_stream.py design [--build FOLDER]

Everything that is needed comes from the sidecar: ports, beats, and the frames and results of the testbench. LiteX
writes the Verilog of the design, Icarus Verilog runs it (LiteX' own simulator needs packages that are not on PyPI).
Prints PASS or FAIL; the exit status says so too.
"""

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

from litex.build.generic_platform import Pins
from litex.build.io import CRG
from litex.build.sim import SimPlatform
from litex.gen import LiteXModule
from litex.soc.interconnect import stream
from migen import ClockSignal, Display, Finish, If, Instance, Memory, ResetSignal, Signal

TOP = """module top;
  reg clock = 0;
  always #5 clock = ~clock;
  sim sim (.sys_clk(clock));
endmodule
"""


class Accelerator(LiteXModule):
    """The generated module: frames into ``sink``, results out of ``source``, each with ``last`` on the last beat.

    Parameters
    ----------
    platform : LiteX platform
        Gets the Verilog.
    folder : Path
        What ``bnnhw generate`` wrote.
    """

    def __init__(self, platform, folder):
        design = json.loads((folder / "design.json").read_text())
        self.interface = interface = design["interface"]
        given, result = interface["input"], interface["output"]
        self.sink = sink = stream.Endpoint([("data", given["beat_bits"])])
        self.source = source = stream.Endpoint([("data", result["beat_bits"])])
        reset = ResetSignal() if interface["reset"]["active"] == "high" else ~ResetSignal()
        ports = {f"i_{interface['clock']['port']}": ClockSignal(), f"i_{interface['reset']['port']}": reset}
        inward = {"data": sink.data, "valid": sink.valid, "last": sink.last}
        outward = {"data": source.data, "valid": source.valid, "last": source.last}
        for role, port in given["ports"].items():
            ports |= {f"o_{port}": sink.ready} if role == "ready" else {f"i_{port}": inward[role]}
        for role, port in result["ports"].items():
            if role == "ready":
                ports[f"i_{port}"] = source.ready
            elif role in outward:
                ports[f"o_{port}"] = outward[role]
        if "last" not in result["ports"]:
            # A result of one beat.
            self.comb += source.last.eq(1)
        self.specials += Instance(design["top"], **ports)
        platform.add_source(str(folder / design["verilog"][0]))


class Frames(LiteXModule):
    """Sends the frames of the testbench through an accelerator and compares every beat that comes back."""

    def __init__(self, accelerator, folder):
        top = json.loads((folder / "design.json").read_text())["top"]
        frames, results = (
            [int(line, 16) for line in (folder / f"{top}_tb_{name}.hex").read_text().split()]
            for name in ("frames", "results")
        )
        beats = accelerator.interface["input"]["beats"]
        limit = 100 * (len(frames) + accelerator.interface["latency_cycles"] * len(results))
        sink, source = accelerator.sink, accelerator.source
        sent, received, right = Signal(max=len(frames) + 1), Signal(max=len(results) + 1), Signal(max=len(results) + 1)
        beat, cycle = Signal(max=beats + 1), Signal(32)
        given, expected = Memory(len(sink.data), len(frames), frames), Memory(len(source.data), len(results), results)
        read, compare = given.get_port(async_read=True), expected.get_port(async_read=True)
        self.specials += given, expected, read, compare
        self.comb += [
            read.adr.eq(sent),
            sink.data.eq(read.dat_r),
            sink.valid.eq(sent != len(frames)),
            sink.last.eq(beat == beats - 1),
            compare.adr.eq(received),
            source.ready.eq(1),
        ]
        self.sync += [
            cycle.eq(cycle + 1),
            If(sink.valid & sink.ready, sent.eq(sent + 1), If(sink.last, beat.eq(0)).Else(beat.eq(beat + 1))),
            If(
                source.valid & source.ready,
                received.eq(received + 1),
                If(source.data == compare.dat_r, right.eq(right + 1)).Else(Display("beat %d differs", received)),
            ),
            If(
                right == len(results),
                Display(f"PASS: %d beats of {top} in %d cycles", received, cycle),
                Finish(),
            ).Elif(
                (cycle == limit) | (received == len(results)),
                Display(f"FAIL: of {len(results)} beats %d came, %d as expected", received, right),
                Finish(),
            ),
        ]


class Simulation(LiteXModule):
    """Clock, accelerator, frames."""

    def __init__(self, platform, folder):
        self.crg = CRG(platform.request("sys_clk"))
        self.accelerator = Accelerator(platform, folder)
        self.frames = Frames(self.accelerator, folder)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("design", type=Path, help="what `bnnhw generate` wrote")
    parser.add_argument("--build", type=Path, default=Path("build/litex"), help="where LiteX works")
    arguments = parser.parse_args()
    platform = SimPlatform("SIM", [("sys_clk", 0, Pins(1))])
    simulation = Simulation(platform, arguments.design.resolve())
    fragment = simulation.get_fragment()
    platform.finalize(fragment)
    arguments.build.mkdir(parents=True, exist_ok=True)
    # The contents of memories become files beside the Verilog, wherever the script is.
    os.chdir(arguments.build)
    platform.get_verilog(fragment, name="sim").write("sim.v")
    Path("top.v").write_text(TOP)
    sources = ["top.v", "sim.v", *(source for source, *_ in platform.sources)]
    subprocess.run(["iverilog", "-g2005", "-o", "sim", *sources], check=True)
    done = subprocess.run(["vvp", "-n", "sim"], stdout=subprocess.PIPE, text=True, check=False)
    sys.stdout.write(done.stdout)
    return 0 if "PASS" in done.stdout else 1


if __name__ == "__main__":
    sys.exit(main())
