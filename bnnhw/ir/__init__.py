"""The intermediate representation: networks, layers, bits and their file."""

from bnnhw.ir.arithmetic import DotAffine, dot_affine
from bnnhw.ir.bits import BitMatrix, pack_rows, unpack_rows
from bnnhw.ir.conv import Conv2d
from bnnhw.ir.elementwise import Affine, Quantize
from bnnhw.ir.layers import (
    BatchNorm,
    Dense,
    FloatActivation,
    Output,
    Thresholds,
    WeightPlane,
    batch_norm_sign,
)
from bnnhw.ir.network import Layer, Network, StreamLayer, follow, walk
from bnnhw.ir.pool import MaxPool, SumPool
from bnnhw.ir.residual import Residual
from bnnhw.ir.steps import Divide, PRelu, Quantizer, Relu, Scale, Shift, Step, apply, falling, normalize, sign
from bnnhw.ir.types import DataType, InputSpec
from bnnhw.ir.window import Window

__all__ = [
    "Affine",
    "BatchNorm",
    "BitMatrix",
    "Conv2d",
    "DataType",
    "Dense",
    "Divide",
    "DotAffine",
    "FloatActivation",
    "InputSpec",
    "Layer",
    "MaxPool",
    "Network",
    "Output",
    "PRelu",
    "Quantize",
    "Quantizer",
    "Relu",
    "Residual",
    "Scale",
    "Shift",
    "Step",
    "StreamLayer",
    "SumPool",
    "Thresholds",
    "WeightPlane",
    "Window",
    "apply",
    "batch_norm_sign",
    "dot_affine",
    "falling",
    "follow",
    "normalize",
    "pack_rows",
    "sign",
    "unpack_rows",
    "walk",
]
