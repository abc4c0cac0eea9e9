"""Random networks of any quantizers, whose every float32 operation is exact."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx

from tests.frontend.models import DOMAIN, node

MODES = ("ROUND", "CEIL", "FLOOR", "UP", "DOWN", "HALF_UP", "HALF_DOWN")
POWERS = (0.25, 0.5, 1.0, 2.0)


class Builder:
    """A random chain of layers."""

    def __init__(self, seed: int, shape: tuple[int, ...], sizes: tuple[int, ...]) -> None:
        self.random = np.random.default_rng(seed)
        self.nodes: list[onnx.NodeProto] = []
        self.constants: dict[str, Any] = {}
        self.tensor, self.count = "input", 0
        self.quantized: list[str] = []
        if len(shape) == 3:
            self.add("Flatten")
        # Raw samples are eighths.
        self.add("Mul", self.const(float(self.random.choice(POWERS))))
        self.add("Sub", self.const(float(self.random.integers(-3, 4)) / 4))
        self.quantize(signed_only=False)
        for i, (k, n) in enumerate(zip(sizes, sizes[1:], strict=False)):
            self.layer(k, n, last=i == len(sizes) - 2)

    def const(self, value: Any) -> str:
        name = f"c{len(self.constants)}"
        self.constants[name] = np.array(value, np.float32)
        return name

    def add(self, kind: str, *inputs: str, domain: str = "", first: str | None = None, **attributes: Any) -> str:
        self.count += 1
        output = f"t{self.count}"
        self.nodes.append(node(kind, [first or self.tensor, *inputs], output, domain, **attributes))
        if first is None:
            self.tensor = output
        return output

    def choose(self, *values: Any) -> Any:
        return values[self.random.integers(len(values))]

    def quantize(self, signed_only: bool) -> None:
        """A random quantizer of elements."""
        kind = self.choose("bipolar", "quant", "quant", "quant", "multithreshold", "sign")
        scale = float(self.choose(*POWERS))
        if kind == "bipolar":
            self.add("BipolarQuant", self.const(scale), domain=DOMAIN)
        elif kind == "sign":
            self.add("Sign")
        elif kind == "multithreshold":
            number = int(self.choose(1, 2, 3, 6, 7))
            thresholds = np.sort(self.random.integers(-12, 13, (1, number)), axis=1) / 4
            attributes = {"out_scale": scale, "out_bias": float(self.choose(0.0, -scale, -2 * scale, 0.75, -scale / 2))}
            self.add("MultiThreshold", self.const(thresholds), domain=DOMAIN, out_dtype="INT4", **attributes)
        else:
            bits, signed, narrow = (int(self.random.integers(*ends)) for ends in ((1, 5), (0, 2), (0, 2)))
            if bits == 1 and not signed:
                narrow = 0
            zero = float(self.choose(0, 0, 0, 1, -2)) if not (bits == 1 and signed) else 0.0
            inputs = [self.const(scale), self.const(zero), self.const(float(bits))]
            self.add("Quant", *inputs, domain=DOMAIN, signed=signed, narrow=narrow, rounding_mode=self.choose(*MODES))
        self.quantized.append(self.tensor)

    def weights(self, k: int, n: int) -> str:
        """Random quantized weights, (k, n)."""
        transposed = bool(self.random.integers(2))
        shape = (n, k) if transposed else (k, n)
        latent = self.const(self.random.integers(-20, 21, shape) / 4)
        per_channel = bool(self.random.integers(2))
        scales = self.random.choice(POWERS, n if per_channel else 1)
        scale = self.const(scales[:, None] if transposed and per_channel else scales)
        if self.random.integers(3) == 0:
            output = self.add("BipolarQuant", scale, domain=DOMAIN, first=latent)
        else:
            bits = self.const(float(self.random.integers(2, 5)))
            attributes = {"signed": 1, "narrow": int(self.random.integers(2)), "rounding_mode": self.choose(*MODES)}
            output = self.add("Quant", scale, self.const(0.0), bits, domain=DOMAIN, first=latent, **attributes)
        return self.add("Transpose", first=output, perm=[1, 0]) if transposed else output

    def layer(self, k: int, n: int, last: bool) -> None:
        weights = self.weights(k, n)
        if self.random.integers(2):
            self.add("MatMul", weights)
        else:
            self.add("Gemm", weights, self.const(self.random.integers(-4, 5, n) / 4), alpha=0.5, beta=2.0)
        for _ in range(self.random.integers(0, 4)):
            kind = self.choose("Mul", "Add", "Sub", "Div", "BatchNormalization", "rsub")
            vector = self.random.choice([-2, -1, -0.5, 0.5, 1, 2], n if self.random.integers(2) else 1)
            if kind == "BatchNormalization":
                norm = [self.const(self.random.choice([-1, 0, 0.5, 2], n))]
                norm += [self.const(self.random.integers(-6, 7, n) / 2) for _ in range(2)]
                self.add(kind, *norm, self.const(np.full(n, 4.0)), epsilon=0.0)
            elif kind == "rsub":
                self.tensor = self.add("Sub", self.tensor, first=self.const(vector))
            else:
                self.add(kind, self.const(vector))
        if last:
            self.nodes[-1].output[0] = self.tensor = "scores"
            return
        match self.choose("nothing", "Relu", "LeakyRelu", "PRelu"):
            case "Relu":
                self.add("Relu")
            case "LeakyRelu":
                self.add("LeakyRelu", alpha=0.25)
            case "PRelu":
                self.add("PRelu", self.const(self.random.choice([0.0, 0.25, 1.0, 2.0], n)))
        self.quantize(signed_only=False)
        # A scale on the way to the next layer, as a model that keeps it apart has it.
        if self.random.integers(2):
            self.add(self.choose("Mul", "Div"), self.const(float(self.choose(0.5, 2.0, -1.0))))
            self.add("Add", self.const(float(self.choose(0.0, 0.25))))


def samples(shape: tuple[int, ...], number: int) -> np.ndarray:
    return np.random.default_rng(7).integers(-40, 41, (number, *shape)) / 8
