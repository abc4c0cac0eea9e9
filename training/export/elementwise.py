"""Modules that treat each element alone: quantizers, signs, norms."""

from __future__ import annotations

import numpy as np

from bnnhw.ir import DataType
from bnnhw.qonnx.graph import Tensor
from bnnhw.training.export.writer import Writer, array_of, exports
from bnnhw.training.fitted import FittedInput
from bnnhw.training.layers import BatchNorm, BinaryActivation, IntegerInput, ThresholdInput
from bnnhw.training.quantize import QuantActivation
from bnnhw.training.react import RPReLU, RSign

__all__: list[str] = []


@exports(IntegerInput)
def _integer_input(writer: Writer, module: IntegerInput, tensor: Tensor) -> Tensor:
    dtype: DataType = module.dtype
    bits = writer.number("input_bits", float(dtype.bits))
    step = writer.number("one" if module.scale == 1 else "input_scale", module.scale)
    constants = (step, writer.number("zero", 0.0), bits)
    signed = int(dtype.kind == "int")
    return writer.graph.node("Quant", "input_quant", tensor, *constants, signed=signed, narrow=0, rounding_mode="FLOOR")


@exports(FittedInput)
def _fitted_input(writer: Writer, module: FittedInput, tensor: Tensor) -> Tensor:
    return writer.graph.multithreshold("input", tensor, array_of(module.thresholds), module.dtype, "FLOAT32")


@exports(ThresholdInput)
def _threshold_input(writer: Writer, module: ThresholdInput, tensor: Tensor) -> Tensor:
    threshold = writer.number("input_threshold", module.threshold)
    return writer.sign("input_sign", writer.graph.node("Sub", "input_shift", tensor, threshold))


@exports(QuantActivation)
def _quant(writer: Writer, module: QuantActivation, tensor: Tensor) -> Tensor:
    step = writer.number("one" if module.step == 1 else f"step_{module.bits}", module.step)
    constants = (step, writer.number("zero", 0.0), writer.number(f"bits_{module.bits}", module.bits))
    name = f"{writer.prefix}_sign"
    return writer.graph.node("Quant", name, tensor, *constants, signed=0, narrow=0, rounding_mode="ROUND")


@exports(BinaryActivation)
def _sign(writer: Writer, _module: BinaryActivation, tensor: Tensor) -> Tensor:
    return writer.sign(f"{writer.prefix}_sign", tensor)


@exports(RSign)
def _rsign(writer: Writer, module: RSign, tensor: Tensor) -> Tensor:
    name = f"{writer.prefix}_sign_shift"
    shift = writer.channels(f"{name}_value", module.shift, tensor)
    return _sign(writer, module, writer.graph.node("Sub", name, tensor, shift))


@exports(RPReLU)
def _rprelu(writer: Writer, module: RPReLU, tensor: Tensor) -> Tensor:
    name = f"{writer.prefix}_rprelu"
    shift = writer.channels(f"{name}_shift_in", module.shift_in, tensor)
    tensor = writer.graph.node("Sub", f"{name}_in", tensor, shift)
    # PRelu's slope broadcasts to its input from behind, without the batch.
    slope = array_of(module.slope).reshape(-1, *[1] * (len(tensor.shape) - 2))
    tensor = writer.graph.node("PRelu", name, tensor, writer.graph.constant(f"{name}_slope", slope))
    shift = writer.channels(f"{name}_shift_out", module.shift_out, tensor)
    return writer.graph.node("Add", f"{name}_out", tensor, shift)


@exports(BatchNorm)
def _norm(writer: Writer, module: BatchNorm, tensor: Tensor) -> Tensor:
    name = f"{writer.prefix}_norm"
    if float(np.float32(module.eps)) != module.eps:
        raise ValueError(f"eps must be exact in float32, not {module.eps!r}")
    # One value for all channels is written once for each: ONNX's operator knows no other form.
    constants = [
        writer.graph.constant(f"{name}_{part}", np.broadcast_to(array_of(value), tensor.shape[1]))
        for part, value in module.inference().items()
    ]
    return writer.graph.node("BatchNormalization", name, tensor, *constants, epsilon=module.eps)
