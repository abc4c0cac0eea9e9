"""The intermediate representation: networks, layers, bits and their file."""

from bnnhw.ir.arithmetic import DotAffine, dot_affine
from bnnhw.ir.bits import BitMatrix, pack_rows, unpack_rows
from bnnhw.ir.layers import (
    BatchNorm,
    Dense,
    FloatActivation,
    Layer,
    Output,
    Thresholds,
    WeightPlane,
    batch_norm_sign,
)
from bnnhw.ir.network import Network
from bnnhw.ir.steps import Divide, Quantizer, Relu, Scale, Shift, Step, apply, normalize, sign
from bnnhw.ir.types import DataType, InputSpec

__all__ = [
    "BatchNorm",
    "BitMatrix",
    "DataType",
    "Dense",
    "Divide",
    "DotAffine",
    "FloatActivation",
    "InputSpec",
    "Layer",
    "Network",
    "Output",
    "Quantizer",
    "Relu",
    "Scale",
    "Shift",
    "Step",
    "Thresholds",
    "WeightPlane",
    "apply",
    "batch_norm_sign",
    "dot_affine",
    "normalize",
    "pack_rows",
    "sign",
    "unpack_rows",
]
