"""Faults planted in a unit's netlist, to see that its contract notices them.

Yosys' ``mutate`` chooses bits of the netlist, evenly over its cells and wires, and inverts them, ties them or lets
another bit invert them. The source of the unit plays no part, so a refactoring leaves the faults meaningful. A fault
that nobody could ever see, because what a neighbour observes of the unit is proved not to change, is none.
"""

from __future__ import annotations

import re
import subprocess
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from bnnhw import tools
from bnnhw.errors import ToolError
from bnnhw.rtl.contract import Contract
from bnnhw.rtl.emit import rtlil
from rtl_tests.formal.case import Case
from rtl_tests.formal.prove import find_abc

__all__ = ["Fault", "Verdict", "planted", "unit_modules"]

_TOP = "contract"

_READ = """\
read_rtlil {folder}/contract.il
hierarchy -top {top}
proc
memory_map
setundef -undriven -anyseq
setundef -anyseq
opt_expr
opt_clean
techmap
opt_expr
opt_clean
dffunmap
async2sync
setundef -anyseq
opt_clean
"""
"""The gates of each module, once. As for a proof, less the passes that look at registers' values: they stumble over
those that a fault leaves without one.
"""

_GRAPH = """\
flatten
opt_clean
aigmap
opt_clean
write_aiger -zinit -symbols {folder}/{name}.aig
"""

TRAFFIC = ("sim3 -a -F 60 -W 20 -R 20 -N 1", "sim3 -F 100 -W 40 -R 150 -N 2")
"""Random traffic from a fixed seed: most faults show in a little of it, a few in more."""

BOUND = 24
"""Cycles of every traffic there is, for the faults that random traffic does not show."""

SECONDS = 5
"""For each question that the solver is asked about such a fault."""


@dataclass(frozen=True)
class Fault:
    """A bit of the netlist that is not what it was, as ``mutate`` writes it."""

    mutation: str

    def __str__(self) -> str:
        return re.sub(r"^mutate | -src \S+", "", self.mutation)


@dataclass(frozen=True)
class Verdict:
    """What became of a fault.

    Parameters
    ----------
    fault : Fault
    failed : frozenset of str
        Properties that failed; none where the contract did not notice.
    visible : bool
        Whether a neighbour could notice, as far as is known.
    """

    fault: Fault
    failed: frozenset[str]
    visible: bool


def unit_modules(text: str, environment: tuple[str, ...] = ()) -> list[str]:
    """The modules of a contract's RTLIL that the unit consists of, those of its environment left out."""
    bodies = dict(re.findall(r"(?ms)^module \\(\S+)\n(.*?)^end$", text))
    (unit,) = re.findall(r"(?m)^  cell \\(\S+) \\unit$", bodies[_TOP])
    found, queue = [], [unit]
    while queue:
        module = queue.pop()
        if module in found:
            continue
        found.append(module)
        queue += re.findall(r"(?m)^  cell \\(\S+) ", bodies[module])
    return sorted(m for m in found if m not in environment)


def _at_ports(text: str) -> list[Fault]:
    """Faults at the unit's own outputs: handshakes that are stuck, and of anything else the lowest bit inverted."""
    (unit,) = re.findall(r"(?m)^  cell \\(\S+) \\unit$", text)
    (body,) = re.findall(rf"(?ms)^module \\{re.escape(unit)}\n(.*?)^end$", text)
    faults: list[Fault] = []
    for port in re.findall(r"(?m)^  wire .*\boutput \d+ .*\\(\S+)$", body):
        modes = ("const0", "const1") if port.endswith(("_valid", "_ready")) else ("inv",)
        faults += [Fault(f"mutate -mode {mode} -module {_TOP} -cell unit -port {port} -portbit 0") for mode in modes]
    return faults


class _Bench:
    """A contract's netlist in a folder, with and without faults, and ABC to run on it."""

    def __init__(self, contract: Contract, case: Case, folder: Path) -> None:
        self._contract, self._folder, self._abc = contract, folder, find_abc()
        text = rtlil(contract, _TOP)
        (folder / "contract.il").write_text(text)
        modules = unit_modules(text, case.environment)
        read = _READ.format(folder=folder, top=_TOP)
        listing = folder / "mutations.txt"
        self._yosys(
            f"{read}write_rtlil {folder}/gates.il\nselect -set unit {' '.join(modules)}\n"
            f"mutate -list {case.faults} -seed {case.seed} -o {listing} @unit\n"
        )
        self.faults = [*_at_ports(text), *(Fault(line) for line in listing.read_text().splitlines())]
        script = [f"read_rtlil {folder}/gates.il\ndesign -save sound\n{_GRAPH.format(folder=folder, name='sound')}"]
        for number, fault in enumerate(self.faults):
            graph = _GRAPH.format(folder=folder, name=f"fault_{number}")
            script.append(f"design -load sound\n{fault.mutation}\n{graph}")
        self._yosys("".join(script))

    def verdict(self, number: int) -> Verdict:
        """What becomes of one of the faults."""
        fault, properties = self.faults[number], self._contract.properties
        start = f"read_aiger fault_{number}.aig; cone -O 0 -R {len(properties)}; strash"
        for traffic in TRAFFIC:
            said = self._ask(f"{start}; {traffic}")
            failed = frozenset(properties[int(i)] for i in re.findall(r"Output +(\d+) was asserted", said))
            if failed:
                return Verdict(fault, failed, visible=True)
        if self._unseen(number):
            return Verdict(fault, frozenset(), visible=False)
        said = self._ask(f"{start}; bmc3 -F {BOUND} -T {SECONDS}; print_status")
        shown = re.search(r"Output (\d+)", said) if "Status = 0" in said else None
        return Verdict(fault, frozenset({properties[int(shown[1])]} if shown else ()), visible=True)

    def _unseen(self, number: int) -> bool:
        """Whether what is observed of the unit is proved to be the same with the fault and without."""
        first = len(self._contract.properties) + len(self._contract.covers)
        cone = f"cone -O {first} -R {len(self._contract.observed)}; strash"
        cut = "".join(
            f"read_aiger {name}.aig; {cone}; write_aiger -s {name}_seen.aig; " for name in ("sound", f"fault_{number}")
        )
        self._ask(cut)
        miter = f"miter sound_seen.aig fault_{number}_seen.aig; orpos"
        # Where signal correspondence leaves no logic, there is nothing to decide: then without it.
        return any(
            "Status = 1" in self._ask(f"{miter}; {prepare}; pdr -T {SECONDS}; print_status")
            for prepare in ("scorr", "strash")
        )

    def _ask(self, commands: str) -> str:
        done = subprocess.run(
            [str(self._abc), "-q", commands], cwd=self._folder, capture_output=True, text=True, check=False
        )
        return done.stdout

    def _yosys(self, script: str) -> None:
        yosys, path = tools.require("yosys"), self._folder / "script.ys"
        path.write_text(script)
        done = subprocess.run(
            [*yosys.command, str(path)], capture_output=True, text=True, check=False, env=yosys.full_environment()
        )
        if done.returncode:
            raise ToolError(f"yosys failed on a contract: {(done.stderr or done.stdout).strip()[-500:]}")


@cache
def planted(case: Case) -> tuple[Verdict, ...]:
    """What becomes of each fault that is planted in a case's unit.

    Raises
    ------
    ToolError
        When Yosys or ABC is missing.
    """
    with tempfile.TemporaryDirectory(prefix="bnnhw-") as folder:
        bench = _Bench(case.make(), case, Path(folder))
        return tuple(bench.verdict(number) for number in range(len(bench.faults)))
