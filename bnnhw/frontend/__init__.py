"""Readers of foreign models: one folder per format, each giving a network that is not streamlined yet."""

import importlib
import pkgutil

from bnnhw.frontend.formats import FORMATS, Format, ImportedModel, Match, Option, Source, options, register
from bnnhw.frontend.read import read_model

__all__ = ["FORMATS", "Format", "ImportedModel", "Match", "Option", "Source", "options", "read_model", "register"]

# A folder beside this file is a format, and registers itself.
for _module in pkgutil.iter_modules(__path__):
    if _module.ispkg:
        importlib.import_module(f"{__name__}.{_module.name}")
