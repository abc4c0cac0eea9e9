"""The intermediate representation: networks, layers, bits and their file."""

from bnnhw.ir.arithmetic import DotAffine, dot_affine, normalize
from bnnhw.ir.bits import BitMatrix, pack_rows, unpack_rows
from bnnhw.ir.layers import BatchNorm, BatchNormSign, Dense, Layer, Output, Thresholds, WeightPlane
from bnnhw.ir.network import Network
from bnnhw.ir.types import DataType, InputSpec

__all__ = [
    "BatchNorm",
    "BatchNormSign",
    "BitMatrix",
    "DataType",
    "Dense",
    "DotAffine",
    "InputSpec",
    "Layer",
    "Network",
    "Output",
    "Thresholds",
    "WeightPlane",
    "dot_affine",
    "normalize",
    "pack_rows",
    "unpack_rows",
]
