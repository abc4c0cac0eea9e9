"""All layers that are read: one small function for each class, every file of this folder is imported."""

import importlib
import pkgutil

from bnnhw.frontend.larq.registry import add_layer

__all__ = ["add_layer"]

for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_module.name}")
