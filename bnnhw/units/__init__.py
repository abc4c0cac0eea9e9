"""The units that accelerators consist of, one folder each: model, RTL made from it, and what is proved of it."""

from __future__ import annotations

import pkgutil
from importlib import import_module

from bnnhw.dataflow.unit import Unit

__all__ = ["KINDS"]


def _kinds() -> dict[str, type[Unit]]:
    """Every unit by its kind, which is also its folder's name; engines register themselves on the way."""
    found: dict[str, type[Unit]] = {}
    for folder in pkgutil.iter_modules(__path__):
        model = import_module(f"{__name__}.{folder.name}.model")
        if any(
            module.name == "engine"
            for module in pkgutil.iter_modules(import_module(f"{__name__}.{folder.name}").__path__)
        ):
            import_module(f"{__name__}.{folder.name}.engine")
        found.update({value.kind: value for value in vars(model).values() if _is_unit(value, model.__name__)})
    return found


def _is_unit(value: object, module: str) -> bool:
    return isinstance(value, type) and issubclass(value, Unit) and value.__module__ == module


KINDS = _kinds()
"""Every kind of unit."""
