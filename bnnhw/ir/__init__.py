"""The intermediate representation: networks, layers, bits and their file."""

from bnnhw.ir.activation import Activation, FloatActivation, Thresholds, batch_norm_sign
from bnnhw.ir.arithmetic import DotAffine, dot_affine
from bnnhw.ir.bits import BitMatrix, pack_rows, unpack_rows
from bnnhw.ir.input_spec import InputSpec
from bnnhw.ir.layer import Layer, Shape, follow, walk
from bnnhw.ir.layers import (
    Affine,
    Concat,
    Conv2d,
    Dense,
    Lookup,
    MaxPool,
    Output,
    Quantize,
    Residual,
    SumPool,
    WeightPlane,
)
from bnnhw.ir.network import Network
from bnnhw.ir.steps import (
    BatchNorm,
    Clip,
    Curve,
    Divide,
    Gap,
    PRelu,
    Quantizer,
    Relu,
    Scale,
    Shift,
    Staircase,
    Step,
    apply,
    falling,
    normalize,
    sign,
)
from bnnhw.ir.types import DataType, narrowest
from bnnhw.ir.window import Window

__all__ = [
    "Activation",
    "Affine",
    "BatchNorm",
    "BitMatrix",
    "Clip",
    "Concat",
    "Conv2d",
    "Curve",
    "DataType",
    "Dense",
    "Divide",
    "DotAffine",
    "FloatActivation",
    "Gap",
    "InputSpec",
    "Layer",
    "Lookup",
    "MaxPool",
    "Network",
    "Output",
    "PRelu",
    "Quantize",
    "Quantizer",
    "Relu",
    "Residual",
    "Scale",
    "Shape",
    "Shift",
    "Staircase",
    "Step",
    "SumPool",
    "Thresholds",
    "WeightPlane",
    "Window",
    "apply",
    "batch_norm_sign",
    "dot_affine",
    "falling",
    "follow",
    "narrowest",
    "normalize",
    "pack_rows",
    "sign",
    "unpack_rows",
    "walk",
]
