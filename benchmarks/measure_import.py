"""Time and memory of importing large networks: ResNet18 (images of 224 x 224), VGG10 (RadioML) and a wide last layer.

    python benchmarks/measure_import.py [--only NAME]

The graphs are written anew, with random weights, as Brevitas exports them: quantizers as nodes, batch norms,
activations of 4 or 8 bits; 11 million weights of 4 or 8 bits, first and last layer always 8. Each is imported in a
process of its own by ``bnnhw import``. Some minutes on one core; writes benchmarks/results/import.json.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

RESULT = Path(__file__).parent / "results" / "import.json"
DOMAIN = "qonnx.custom_op.general"


class Graph:
    """A graph in the making; its weights are random."""

    def __init__(self) -> None:
        self.random = np.random.default_rng(0)
        self.nodes: list[onnx.NodeProto] = []
        self.arrays: list[onnx.TensorProto] = []
        self.weights = 0

    def constant(self, value: Any, dtype: Any = np.float32) -> str:
        self.arrays.append(numpy_helper.from_array(np.asarray(value, dtype), f"c{len(self.arrays)}"))
        return self.arrays[-1].name

    def add(self, kind: str, *inputs: str, **attributes: Any) -> str:
        domain = DOMAIN if kind == "Quant" else ""
        name = f"t{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [name], name=f"{kind}_{name}", domain=domain, **attributes))
        return name

    def quant(self, x: str, bits: int, scale: Any, signed: int = 0, narrow: int = 0) -> str:
        parameters = [self.constant(value) for value in (scale, 0, bits)]
        return self.add("Quant", x, *parameters, signed=signed, narrow=narrow, rounding_mode="ROUND")

    def latent(self, shape: tuple[int, ...], bits: int) -> str:
        """Weights with a scale per output, the first dimension."""
        self.weights += int(np.prod(shape))
        array = self.random.normal(0, 0.05, shape).astype(np.float32)
        axes = tuple(range(1, len(shape)))
        scale = np.abs(array).max(axis=axes, keepdims=True) / (2 ** (bits - 1) - 1)
        return self.quant(self.constant(array), bits, scale, signed=1, narrow=1)

    def norm(self, x: str, channels: int) -> str:
        draw = self.random
        arrays = (draw.uniform(0.5, 1.5, channels), draw.normal(size=channels), draw.normal(size=channels))
        names = [self.constant(array) for array in (*arrays, draw.uniform(0.5, 2, channels))]
        return self.add("BatchNormalization", x, *names, epsilon=1e-5)

    def conv(self, x: str, shape: tuple[int, ...], bits: int, stride: int = 1, pad: int = 0) -> str:
        rank = len(shape) - 2
        weights = self.latent(shape, bits)
        y = self.add("Conv", x, weights, kernel_shape=shape[2:], strides=[stride] * rank, pads=[pad] * (2 * rank))
        return self.norm(y, shape[0])

    def dense(self, x: str, inputs: int, outputs: int, bits: int) -> str:
        return self.add("Gemm", x, self.latent((outputs, inputs), bits), self.constant(np.zeros(outputs)), transB=1)

    def save(self, path: Path, end: str, shape: tuple[int, ...], classes: int) -> None:
        graph = helper.make_graph(
            [*self.nodes, helper.make_node("Identity", [end], ["scores"], "end")],
            "large",
            [helper.make_tensor_value_info("input", TensorProto.FLOAT, [1, *shape])],
            [helper.make_tensor_value_info("scores", TensorProto.FLOAT, [1, classes])],
            self.arrays,
        )
        opsets = [helper.make_opsetid("", 17), helper.make_opsetid(DOMAIN, 1)]
        onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=8), path)


def resnet18(path: Path, bits: int) -> int:
    """ResNet18: 4 stages of 2 blocks, shortcuts quantized to one scale, average pool, 1,000 classes."""
    graph = Graph()
    x = graph.quant("input", 8, 1.0)
    x = graph.quant(graph.add("Relu", graph.conv(x, (64, 3, 7, 7), 8, 2, 3)), bits, 0.25)
    x = graph.add("MaxPool", x, kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])
    channels = 64
    for stage in range(4):
        for block in range(2):
            width, stride = 64 << stage, 2 if stage and not block else 1
            y = graph.quant(graph.add("Relu", graph.conv(x, (width, channels, 3, 3), bits, stride, 1)), bits, 0.25)
            y = graph.quant(graph.conv(y, (width, width, 3, 3), bits, 1, 1), 8, 0.125, signed=1)
            if channels != width:
                x = graph.quant(graph.conv(x, (width, channels, 1, 1), bits, stride), 8, 0.125, signed=1)
            x = graph.quant(graph.add("Relu", graph.add("Add", y, x)), bits, 0.25)
            channels = width
    x = graph.add("Flatten", graph.add("GlobalAveragePool", x), axis=1)
    x = graph.quant(x, 8, 0.125)
    graph.save(path, graph.dense(x, channels, 1000, 8), (3, 224, 224), 1000)
    return graph.weights


def vgg10(path: Path, bits: int) -> int:
    """VGG10 for radio signals, widened to 11 million weights: 7 convolutions, 3 dense layers, 24 classes."""
    graph = Graph()
    x, channels, width = graph.quant("input", 8, 1 / 64, signed=1), 2, 256
    for _ in range(7):
        x = graph.quant(graph.add("Relu", graph.conv(x, (width, channels, 3), bits, 1, 1)), bits, 0.25)
        x, channels = graph.add("MaxPool", x, kernel_shape=[2], strides=[2]), width
    x = graph.add("Flatten", x, axis=1)
    for inputs, outputs in ((width * 8, 3072), (3072, 1024)):
        x = graph.quant(graph.add("Relu", graph.norm(graph.dense(x, inputs, outputs, bits), outputs)), bits, 0.25)
    graph.save(path, graph.dense(x, 1024, 24, 8), (2, 1024), 24)
    return graph.weights


def head(path: Path, bits: int) -> int:
    """One layer: 4096 inputs, 1,000 classes with a bias."""
    graph = Graph()
    x = graph.quant("input", 8, 1.0)
    rows = graph.random.normal(0, 0.05, (1000, 4096)).astype(np.float32)
    graph.weights += rows.size
    weights = graph.quant(graph.constant(rows), bits, np.abs(rows).max() / (2 ** (bits - 1) - 1), 1, 1)
    graph.save(
        path, graph.add("Gemm", x, weights, graph.constant(graph.random.normal(size=1000)), transB=1), (4096,), 1000
    )
    return graph.weights


NETWORKS: dict[str, tuple[Callable[[Path, int], int], int]] = {
    "resnet18-w4a4": (resnet18, 4),
    "resnet18-w8a8": (resnet18, 8),
    "vgg10-w4a4": (vgg10, 4),
    "vgg10-w8a8": (vgg10, 8),
    "head-4096x1000-w8a8": (head, 8),
}


def measure(model: Path, output: Path) -> dict[str, Any]:
    """Wall seconds and peak memory of an import, and how many warnings it gave."""
    command = [sys.executable, "-c", "from bnnhw.cli import main; main()", "import", str(model), "-o", str(output)]
    start = time.perf_counter()
    with subprocess.Popen([*command, "--json", "-q"], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        text = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    result = json.loads(text)
    if process.returncode:
        raise SystemExit(f"{model.stem}: {result['error']}")
    return {
        "wall_s": round(time.perf_counter() - start, 1),
        "processor_s": round(usage.ru_utime + usage.ru_stime, 1),
        "peak_mib": usage.ru_maxrss >> 10,
        "warnings": len(result["warnings"]),
    }


def main() -> None:
    """Measure all, or one."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=NETWORKS)
    only = parser.parse_args().only
    found: dict[str, Any] = {}
    for name, (build, bits) in NETWORKS.items():
        if only in (None, name):
            with tempfile.TemporaryDirectory() as folder:
                weights = build(model := Path(folder) / f"{name}.onnx", bits)
                found[name] = {"weights": weights, **measure(model, Path(folder) / "network.bnn")}
            print(name, found[name], flush=True)
    if only is None:
        RESULT.write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
