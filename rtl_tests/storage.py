"""Bits of registers and memories of a component, counted in its RTLIL."""

from __future__ import annotations

import re

from amaranth.lib import wiring

from bnnhw.rtl.emit import rtlil

__all__ = ["memories", "modules", "register_bits"]


def modules(text: str) -> dict[str, str]:
    """The modules of an RTLIL text by name."""
    found = re.findall(r"(?ms)^module \\(\S+)\n(.*?)^end$", text)
    assert len({name for name, _ in found}) == len(found), "a module is defined twice"
    return dict(found)


def register_bits(component: wiring.Component, technology: str = "generic") -> int:
    """Bits of all registers of a component, those of memories aside."""
    texts = modules(rtlil(component, "top", technology))

    def visit(module: str) -> int:
        total = 0
        for kind, body in re.findall(r"(?ms)^  cell (\S+) \S+\n(.*?)^  end$", texts[module]):
            if kind in ("$dff", "$adff"):
                width = re.search(r"parameter \\WIDTH (\d+)", body)
                assert width
                total += int(width[1])
            elif kind.startswith("\\"):
                total += visit(kind[1:])
        return total

    return visit("top")


def memories(component: wiring.Component, technology: str = "generic") -> dict[str, tuple[int, int]]:
    """Depth and width of each memory of a component, by ``module.memory``."""
    return {
        f"{module}.{name}": (int(depth), int(width))
        for module, text in modules(rtlil(component, "top", technology)).items()
        for width, depth, name in re.findall(r"(?m)^  memory width (\d+) size (\d+) \\(\S+)$", text)
    }
