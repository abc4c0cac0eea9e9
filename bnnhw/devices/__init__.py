"""The device families: one file each, found by its being here."""

from __future__ import annotations

import pkgutil
from importlib import import_module

from bnnhw.devices.family import (
    BlockRam,
    Family,
    InternalOscillator,
    Package,
    Part,
    Technology,
    blocks_needed,
    buffer_style,
    ram_attributes,
)
from bnnhw.tools import Program

__all__ = [
    "FAMILIES",
    "BlockRam",
    "Family",
    "InternalOscillator",
    "Package",
    "Part",
    "Technology",
    "blocks_needed",
    "buffer_style",
    "family",
    "programs",
    "ram_attributes",
    "technology",
]


def _families() -> dict[str, Family]:
    # A family is imported before anything that makes its gateware, and imports none of it.
    names = [module.name for module in pkgutil.iter_modules(__path__) if module.name not in _SHARED]
    modules = [import_module(f"{__name__}.{name}") for name in names]
    values = (value for module in modules for value in vars(module).values() if isinstance(value, Family))
    return {value.name: value for value in values}


_SHARED = ("block_ram", "clock", "family", "icestorm")
"""The modules here that are no family: what families share, and parts of them. The first two import Amaranth."""

FAMILIES = _families()
"""Every family, by name."""


def family(name: str) -> Family:
    """The family of a name; ValueError lists the known ones."""
    if name not in FAMILIES:
        raise ValueError(f"technology must be one of {', '.join(FAMILIES)}, not {name!r}")
    return FAMILIES[name]


def technology(name: str) -> Technology:
    """The technology of a family's name; ValueError lists the known ones."""
    return family(name).technology


def programs() -> tuple[Program, ...]:
    """The programs that families need, besides Yosys, to make bitstreams and to unpack them again."""
    toolchains = [value.toolchain for value in FAMILIES.values() if value.toolchain is not None]
    unpackers = [value.unpacker for value in FAMILIES.values() if value.unpacker is not None]
    return (
        *(t.place_route for t in toolchains),
        *(t.packer for t in toolchains),
        *(program for unpacker in unpackers for program in unpacker.programs),
    )
