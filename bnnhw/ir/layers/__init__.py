"""The kinds of layers, one file per kind."""

from bnnhw.ir.layers.affine import Affine
from bnnhw.ir.layers.conv import Conv2d
from bnnhw.ir.layers.dense import Dense, WeightPlane
from bnnhw.ir.layers.max_pool import MaxPool
from bnnhw.ir.layers.output import Output
from bnnhw.ir.layers.quantize import Quantize
from bnnhw.ir.layers.residual import Residual
from bnnhw.ir.layers.sum_pool import SumPool

__all__ = [
    "Affine",
    "Conv2d",
    "Dense",
    "MaxPool",
    "Output",
    "Quantize",
    "Residual",
    "SumPool",
    "WeightPlane",
]
