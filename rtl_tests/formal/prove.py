"""Proofs of contracts: for every input, in every cycle, for ever.

The contract and its unit are emitted as always (:mod:`bnnhw.rtl.emit`), turned into an and-inverter graph by
Yosys, and given to ABC, whose property directed reachability finds the inductive invariant by itself and verifies
it. A contract that does not hold comes back with the inputs of a shortest run that breaks it.
``docs/decisions/0005-formal.md`` says why this way.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from bnnhw import tools
from bnnhw.errors import ToolError
from bnnhw.rtl.contract import Contract
from bnnhw.rtl.emit import port_signals, rtlil

__all__ = ["Proof", "Run", "find_abc", "find_run", "prove"]

_TOP = "contract"

_SCRIPT = """\
read_rtlil {folder}/contract.il
hierarchy -top {top}
proc
flatten
memory_map
# A bit without a value may be anything, and another thing in each cycle: before the optimizer chooses for it.
setundef -undriven -anyseq
setundef -anyseq
opt -fast
techmap
opt -fast
dffunmap
async2sync
setundef -anyseq
aigmap
opt_clean
write_aiger -zinit -symbols -map {folder}/contract.map {folder}/contract.aig
"""

SEARCH_CYCLES = 100
"""Counterexamples and covers are looked for in so many cycles; the units' own bounds are below 30."""


@dataclass(frozen=True)
class Run:
    """A shortest run that breaks a property, or reaches a cover.

    Parameters
    ----------
    name : str
        Of the property or cover.
    inputs : tuple of dict of str to int
        The free inputs of each cycle; it happens in the last.
    """

    name: str
    inputs: tuple[dict[str, int], ...]

    def __str__(self) -> str:
        lines = [f"{self.name} in cycle {len(self.inputs) - 1}"]
        for cycle, values in enumerate(self.inputs):
            lines.append(f"  {cycle}: " + " ".join(f"{name}={value}" for name, value in values.items()))
        return "\n".join(lines)


@dataclass(frozen=True)
class Proof:
    """What became of a contract.

    Parameters
    ----------
    cycles : int or None
        Within so many cycles after power-up no property can fail; None: ever.
    failures : tuple of Run
        One for each property that can fail.
    unreached : tuple of str
        Covers that no run of :data:`SEARCH_CYCLES` reaches: a proof beside them says less than it seems to.
    registers : int
        Bits of state of the unit and its contract.
    """

    cycles: int | None
    failures: tuple[Run, ...]
    unreached: tuple[str, ...]
    registers: int

    @property
    def holds(self) -> bool:
        """Every property holds and every cover was reached."""
        return not self.failures and not self.unreached


def find_abc() -> Path:
    """ABC, which comes with every Yosys but the WebAssembly one.

    Raises
    ------
    ToolError
    """
    yosys = tools.require("yosys")
    assert yosys.path is not None
    beside = yosys.path if yosys.path.is_dir() else yosys.path.parent
    found = shutil.which("yosys-abc", path=str(beside)) or shutil.which("yosys-abc")
    if found is None:
        raise ToolError("yosys-abc is missing, needed for formal proofs: pip install pyosys")
    return Path(found)


class _Graph:
    """A contract's and-inverter graph, in a folder, and ABC to run on it.

    Its outputs are the properties' failures, then the covers, then what is observed.
    """

    def __init__(self, contract: Contract, folder: Path) -> None:
        self._folder = folder
        self._inputs = frozenset({"rst", *(name for name, (_, flow) in port_signals(contract).items() if flow == "i")})
        self._abc = find_abc()
        yosys = tools.require("yosys")
        (folder / "contract.il").write_text(rtlil(contract, _TOP))
        script = folder / "contract.ys"
        script.write_text(_SCRIPT.format(folder=folder, top=_TOP))
        done = subprocess.run(
            [*yosys.command, str(script)], capture_output=True, text=True, check=False, env=yosys.full_environment()
        )
        if done.returncode or not (folder / "contract.aig").is_file():
            raise ToolError(f"yosys failed on a contract: {(done.stderr or done.stdout).strip()[-500:]}")
        with (folder / "contract.aig").open("rb") as graph:
            header = graph.readline().split()
        self.registers, outputs = int(header[3]), int(header[4])
        if outputs != len(contract.properties) + len(contract.covers) + len(contract.observed):
            raise ToolError(f"yosys made {outputs} outputs of a contract")

    def run(self, output: int, count: int, commands: str) -> str:
        """Run ABC's commands on ``count`` outputs; returns what it said."""
        script = f"read_aiger contract.aig; cone -O {output} -R {count}; strash; {commands}; print_status"
        done = subprocess.run(
            [str(self._abc), "-q", script], cwd=self._folder, capture_output=True, text=True, check=False
        )
        if done.returncode or "Status = " not in done.stdout:
            raise ToolError(f"yosys-abc failed on a contract: {(done.stderr or done.stdout).strip()[-500:]}")
        return done.stdout

    def shortest(self, output: int, name: str, cycles: int, seconds: int) -> Run | None:
        """A shortest run that raises an output within ``cycles`` cycles, or None if there is none.

        Raises
        ------
        ToolError
            When ``seconds`` do not suffice to say.
        """
        trace = self._folder / "run.cex"
        trace.unlink(missing_ok=True)
        said = self.run(output, 1, f"bmc3 -F {cycles} -T {seconds}; write_cex -n run.cex")
        if trace.is_file():
            return Run(name, _inputs(trace.read_text(), self._inputs))
        if not _searched(said, cycles):
            raise ToolError(f"yosys-abc could not search {cycles} cycles for {name} in {seconds} s")
        return None


def _searched(said: str, cycles: int) -> bool:
    """Whether ABC searched so many cycles and found nothing, or saw every state there is in fewer."""
    return f"No output asserted in {cycles} frames" in said or "Status = 1" in said


def _inputs(trace: str, names: frozenset[str]) -> tuple[dict[str, int], ...]:
    """ABC's list of ``name[bit]@cycle=value`` -> the values of each cycle.

    Beside the contract's inputs ABC lists registers, with their initial values, and undefined bits.
    """
    runs: list[dict[str, int]] = []
    for line in trace.splitlines():
        match = re.fullmatch(r"(\w+)(?:\[(\d+)\])?@(\d+)=([01])", line)
        if match is None or match[1] not in names:
            continue
        while len(runs) <= int(match[3]):
            runs.append({})
        values = runs[int(match[3])]
        values[match[1]] = values.get(match[1], 0) | int(match[4]) << int(match[2] or 0)
    return tuple(runs)


def _holds_for_ever(graph: _Graph, count: int, seconds: int) -> bool:
    """Whether the first ``count`` outputs stay low for ever; all together, because each helps to prove the others."""
    for prepare in ("scorr -F 2", "strash"):
        # Signal correspondence (scorr) merges registers that are always equal. Where it leaves no logic at all, ABC has
        # nothing to decide and says so at once: then without it.
        said = graph.run(0, count, f"orpos; {prepare}; pdr -s -i -f -T {seconds}")
        if "Status = 1" in said or "Status = 0" in said:
            return "Status = 1" in said
    raise ToolError(f"yosys-abc reached no verdict in {seconds} s")


def _holds_within(graph: _Graph, count: int, cycles: int, seconds: int) -> bool:
    """Whether the first ``count`` outputs stay low for ``cycles`` cycles."""
    said = graph.run(0, count, f"bmc3 -F {cycles} -T {seconds}")
    if "Status = 0" in said:
        return False
    if not _searched(said, cycles):
        raise ToolError(f"yosys-abc could not search {cycles} cycles in {seconds} s")
    return True


def prove(contract: Contract, *, cycles: int | None = None, seconds: int = 600) -> Proof:
    """Prove that no property of a contract can fail, or find out which can.

    Parameters
    ----------
    contract : Contract
    cycles : int, optional
        Only the first ``cycles`` cycles after power-up, where a proof for ever takes too long.
    seconds : int
        For each question that the solver is asked.

    Raises
    ------
    ToolError
        When Yosys or ABC is missing, or gives no answer in time.
    """
    count = len(contract.properties)
    with tempfile.TemporaryDirectory(prefix="bnnhw-") as name:
        graph = _Graph(contract, Path(name))
        search = SEARCH_CYCLES if cycles is None else cycles
        proved = (
            _holds_for_ever(graph, count, seconds) if cycles is None else _holds_within(graph, count, cycles, seconds)
        )
        failures = []
        if not proved:
            runs = [graph.shortest(i, p, search, seconds) for i, p in enumerate(contract.properties)]
            failures = [run for run in runs if run is not None]
            if not failures:
                raise ToolError(f"yosys-abc found a run of more than {search} cycles that breaks the contract")
        unreached = tuple(
            c for i, c in enumerate(contract.covers) if graph.shortest(count + i, c, SEARCH_CYCLES, seconds) is None
        )
        return Proof(cycles, tuple(failures), unreached, graph.registers)


def find_run(contract: Contract, name: str, *, cycles: int = SEARCH_CYCLES, seconds: int = 600) -> Run | None:
    """A shortest run that breaks one property or reaches one cover, or None when none of ``cycles`` cycles does.

    Raises
    ------
    ToolError
        When Yosys or ABC is missing, or gives no answer in time.
    """
    with tempfile.TemporaryDirectory(prefix="bnnhw-") as folder:
        output = (*contract.properties, *contract.covers).index(name)
        return _Graph(contract, Path(folder)).shortest(output, name, cycles, seconds)
