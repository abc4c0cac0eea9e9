"""The device families: one file each, found by its being here."""

from __future__ import annotations

import pkgutil
from importlib import import_module

from bnnhw.devices.family import BlockRam, Family, Technology, blocks_needed, buffer_style

__all__ = ["FAMILIES", "BlockRam", "Family", "Technology", "blocks_needed", "buffer_style", "family", "technology"]


def _families() -> dict[str, Family]:
    modules = (import_module(f"{__name__}.{module.name}") for module in pkgutil.iter_modules(__path__))
    values = (value for module in modules for value in vars(module).values() if isinstance(value, Family))
    return {value.name: value for value in values}


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
