"""The kinds of layers, one file per kind: a file beside this one is a kind, and registers its codec itself."""

import importlib
import pkgutil

from bnnhw.ir.layers.affine import Affine
from bnnhw.ir.layers.concat import Concat
from bnnhw.ir.layers.conv import Conv2d
from bnnhw.ir.layers.dense import Dense, WeightPlane
from bnnhw.ir.layers.lookup import Lookup
from bnnhw.ir.layers.lookup_conv import LookupConv
from bnnhw.ir.layers.max_pool import MaxPool
from bnnhw.ir.layers.output import Output
from bnnhw.ir.layers.quantize import Quantize
from bnnhw.ir.layers.residual import Residual
from bnnhw.ir.layers.sum_pool import SumPool

__all__ = [
    "Affine",
    "Concat",
    "Conv2d",
    "Dense",
    "Lookup",
    "LookupConv",
    "MaxPool",
    "Output",
    "Quantize",
    "Residual",
    "SumPool",
    "WeightPlane",
]

for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_module.name}")
