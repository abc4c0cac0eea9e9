"""Verilog as Yosys writes it, made pleasant to read: ports in the header, in an order that means something."""

from __future__ import annotations

import re

__all__ = ["port_order", "readable"]

_MODULE = re.compile(r"^module (\\\S+ |\w+ ?)\(([^)]*)\);\n(.*?)^endmodule\n", re.M | re.S)
_REGISTER = re.compile(r"^  (reg (?:signed )?(?:\[\d+:\d+\] )?)(\\\S+ |\w+) ?= ([^;]+);\n", re.M)
_RANGE = r"((?:signed )?(?:\[\d+:\d+\] )?)"
_PORT = r"^  (input|output) " + _RANGE + r"{0} ?;\n  (wire|reg) " + _RANGE + r"{0} ?(= [^;]+)?;\n"
_ROLES = (
    "payload",
    "data",
    "tdata",
    "keep",
    "tkeep",
    "user",
    "tuser",
    "last",
    "tlast",
    "valid",
    "tvalid",
    "ready",
    "tready",
)
_FIRST = ("clk", "aclk", "rst", "aresetn")


def port_order(ports: dict[str, str]) -> list[str]:
    """Names of ports: clock, reset, inputs, outputs; a stream's together, where its payload goes.

    Parameters
    ----------
    ports : dict of str to str
        Name -> ``"input"`` or ``"output"``.
    """

    names = sorted(ports)

    def place(name: str) -> tuple[int, int, int]:
        if name in _FIRST:
            return -1, _FIRST.index(name), 0
        stem, _, role = name.rpartition("_")
        if not stem or role not in _ROLES:
            return int(ports[name] == "output"), names.index(name), 0
        members = [other for other in names if other.rpartition("_")[0] == stem]
        # Ready goes against the stream.
        way = next((ports[other] for other in members if other.endswith("valid")), ports[members[0]])
        return int(way == "output"), names.index(members[0]), _ROLES.index(role)

    return sorted(ports, key=place)


def readable(text: str) -> str:
    """The text with every module's ports declared in its header, and initial values in statements of their own.

    (In SystemVerilog an initial value in a declaration is no event, and some tools warn of it beside an assignment.)
    """
    return _MODULE.sub(_module, text)


def _module(match: re.Match[str]) -> str:
    name, listed, body = match[1].strip(), [port.strip() for port in match[2].split(",")], match[3]
    directions: dict[str, str] = {}
    lines: dict[str, str] = {}
    first: list[str] = []
    for port in filter(None, listed):
        found = re.search(_PORT.format(re.escape(port)), body, re.M)
        if found is None:
            return match[0]
        body = body[: found.start()] + body[found.end() :]
        directions[port] = found[1]
        # An escaped name ends with a space.
        written = f"{port} " if port.startswith("\\") else port
        lines[port] = f"  {found[1]} {'reg ' if found[3] == 'reg' else ''}{found[4]}{written}"
        if found[5]:
            first.append(f"  initial {written} {found[5]};\n")

    def plain(register: re.Match[str]) -> str:
        first.append(f"  initial {register[2]} = {register[3]};\n")
        return f"  {register[1]}{register[2]};\n"

    body = _REGISTER.sub(plain, body)
    header = ",\n".join(lines[port] for port in port_order(directions))
    separator = " " if name.startswith("\\") else ""
    return f"module {name}{separator}(\n{header}\n);\n{body}{''.join(first)}endmodule\n"
