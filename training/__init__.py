"""PyTorch layers, training and export for networks that become this hardware.

A model is a :class:`torch.nn.Module` whose ``forward`` calls the layers named here, adds branches, flattens and
reshapes; :func:`train_model` trains it and :func:`export_model` writes it as QONNX, which ``bnnhw import`` reads. A
recipe is a model and all that decides its training, by name (:func:`bnnhw.training.train.train`).

Nothing else in the project imports torch, and this module does when one of its names is first asked for.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from bnnhw.errors import ToolError

if TYPE_CHECKING:
    from bnnhw.training.api import export_model, train_model
    from bnnhw.training.check import check_export
    from bnnhw.training.conv import BinaryConv1d, BinaryConv2d, MaxPool, SignPool
    from bnnhw.training.evaluation import evaluate_float64, hidden_activations, weight_bits
    from bnnhw.training.fan_in import FanInLinear
    from bnnhw.training.layers import (
        BatchNorm,
        BinaryActivation,
        BinaryLinear,
        SignedInput,
        TensorNorm,
        ThresholdInput,
        UnsignedInput,
    )
    from bnnhw.training.lookup import ClassSums, LookupLayer, Unary
    from bnnhw.training.lookup_conv import LookupConv2d
    from bnnhw.training.quantize import QuantActivation
    from bnnhw.training.react import RPReLU, RSign
    from bnnhw.training.scaling import ScaledConv2d, ScaledLinear
    from bnnhw.training.settings import Settings
    from bnnhw.training.shift import ShiftBatchNorm
    from bnnhw.training.shortcut import DyadicNorm, Shortcut
    from bnnhw.training.stochastic import StochasticActivation
    from bnnhw.training.thermometer import Thermometer

_NAMES = {
    "api": ("export_model", "train_model"),
    "check": ("check_export",),
    "conv": ("BinaryConv1d", "BinaryConv2d", "MaxPool", "SignPool"),
    "evaluation": ("evaluate_float64", "hidden_activations", "weight_bits"),
    "fan_in": ("FanInLinear",),
    "layers": (
        "BatchNorm", "BinaryActivation", "BinaryLinear", "SignedInput", "TensorNorm", "ThresholdInput", "UnsignedInput",
    ),
    "lookup": ("ClassSums", "LookupLayer", "Unary"),
    "lookup_conv": ("LookupConv2d",),
    "quantize": ("QuantActivation",),
    "react": ("RPReLU", "RSign"),
    "scaling": ("ScaledConv2d", "ScaledLinear"),
    "settings": ("Settings",),
    "shift": ("ShiftBatchNorm",),
    "shortcut": ("DyadicNorm", "Shortcut"),
    "stochastic": ("StochasticActivation",),
    "thermometer": ("Thermometer",),
}  # fmt: skip
"""Module -> what it gives to the package."""

_MODULES = {name: module for module, names in _NAMES.items() for name in names}

__all__ = [
    "BatchNorm", "BinaryActivation", "BinaryConv1d", "BinaryConv2d", "BinaryLinear", "ClassSums", "DyadicNorm",
    "FanInLinear", "LookupConv2d", "LookupLayer", "MaxPool", "QuantActivation", "RPReLU", "RSign", "ScaledConv2d",
    "ScaledLinear", "Settings", "ShiftBatchNorm", "Shortcut", "SignPool", "SignedInput", "StochasticActivation",
    "TensorNorm", "Thermometer", "ThresholdInput", "Unary", "UnsignedInput", "check_export", "evaluate_float64",
    "export_model", "hidden_activations", "train_model", "weight_bits",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
    except ModuleNotFoundError as error:
        if error.name != "torch":
            raise
        raise ToolError("PyTorch is needed to train, and was not found: pip install 'bnnhw[train]'") from error


def __dir__() -> list[str]:
    return [*globals(), *__all__]
