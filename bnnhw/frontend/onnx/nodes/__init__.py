"""All operators that are read: one small function each, one file for each family of nodes.

To support another operator, write a function from :class:`~bnnhw.frontend.onnx.call.Call` to a value and register it
(:func:`~bnnhw.frontend.onnx.call.handles`), in one of these files or in a new one: every file of this folder is
imported. A handler refuses, by node and reason, whatever it can't convert exactly.
"""

import importlib
import pkgutil

from bnnhw.frontend.onnx.call import HANDLERS, Call, Handler

__all__ = ["HANDLERS", "Call", "Handler"]

for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_module.name}")
