"""Writes the files brevitas-*.onnx beside it: networks that Brevitas exported, and PyTorch's scores of 200 samples.

Needs ``brevitas==0.13.4 torch==2.13.0 onnx onnxscript onnxoptimizer``. Each network is trained for some steps on labels
of a random teacher, so that scales, means and variances are those of real training, and written by PyTorch's
TorchScript exporter (``-script``) and by its newer one (``-dynamo``, Brevitas' default), as QONNX and, where a network
has no binary quantizers, which that format can't hold, as QCDQ. What the newer exporter notes of every node (names of
modules, places in the source code) is left out: nine tenths of the file.
"""

from __future__ import annotations

import sys
import warnings
from pathlib import Path

import numpy as np
import onnx
import torch
from brevitas import nn as q
from brevitas import quant
from brevitas.export import export_onnx_qcdq, export_qonnx
from brevitas.inject.enum import ScalingImplType
from torch import nn

FOLDER = Path(__file__).parent
FRAMES = 200

BOTH = (("qonnx", False), ("qonnx", True), ("qcdq", False), ("qcdq", True))
"""The formats, and whether by the newer exporter; as QCDQ that one has no quantized biases."""

BITS = {"weight_quant": quant.SignedBinaryWeightPerTensorConst}


class BinaryAct(quant.SignedBinaryActPerTensorConst):
    scaling_const = 1.0


def sign():
    return q.QuantIdentity(act_quant=BinaryAct)


class Mlp(nn.Module):
    """TFC of Brevitas' examples, smaller: bits throughout, pixels of 0..1 mapped onto -1..1, a norm of one channel."""

    shape, levels, scale, exports = (1, 6, 6), 256, 1 / 255, BOTH[:2]

    def __init__(self):
        super().__init__()
        self.body = nn.ModuleList([sign(), nn.Dropout(0.2)])
        for inputs, outputs in ((36, 24), (24, 20)):
            self.body += [q.QuantLinear(inputs, outputs, bias=False, **BITS), nn.BatchNorm1d(outputs), sign()]
        self.body.append(q.QuantLinear(20, 5, bias=False, **BITS))
        self.body.append(nn.BatchNorm1d(5))

    def forward(self, x):
        x = 2.0 * x.view(x.shape[0], -1) - torch.tensor([1.0])
        for layer in self.body:
            x = layer(x)
        return x


class Defaults(nn.Module):
    """What Brevitas' introduction uses: an 8-bit input, weights of 8 and 4 bits, biases, QuantReLU."""

    shape, levels, scale, exports = (16,), 16, 1.0, BOTH[:3]

    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(
            q.QuantIdentity(return_quant_tensor=True),
            q.QuantLinear(16, 20, bias=True, return_quant_tensor=True),
            q.QuantReLU(return_quant_tensor=True),
            q.QuantLinear(20, 16, bias=True, weight_bit_width=4, bias_quant=quant.Int32Bias),
            nn.BatchNorm1d(16),
            q.QuantReLU(bit_width=3, return_quant_tensor=True),
            q.QuantLinear(16, 4, bias=True, weight_bit_width=2),
        )

    def forward(self, x):
        return self.body(x)


class Cnn(nn.Module):
    """A small VGG: 4-bit weights per channel, 2- to 4-bit activations, pools of both kinds, and a flatten by view."""

    shape, levels, scale, exports = (2, 10, 10), 16, 1.0, BOTH

    def __init__(self):
        super().__init__()
        per = {"weight_quant": quant.Int8WeightPerChannelFloat, "weight_bit_width": 4, "bias": False}
        self.features = nn.Sequential(
            q.QuantIdentity(bit_width=5, return_quant_tensor=True),
            q.QuantConv2d(2, 6, 3, padding=1, **per),
            nn.BatchNorm2d(6),
            q.QuantReLU(bit_width=4, return_quant_tensor=True),
            nn.MaxPool2d(2),
            q.QuantConv2d(6, 6, 3, padding=1, groups=6, **per),
            nn.BatchNorm2d(6),
            q.QuantReLU(bit_width=4, return_quant_tensor=True),
            q.QuantConv2d(6, 8, 1, **per),
            nn.BatchNorm2d(8),
            q.QuantReLU(bit_width=4, return_quant_tensor=True),
            q.TruncAvgPool2d(2, bit_width=4),
        )
        self.last = q.QuantLinear(8 * 2 * 2, 5, bias=True, weight_bit_width=4)

    def forward(self, x):
        x = self.features(x)
        return self.last(x.view(x.shape[0], -1))


class BinaryCnn(nn.Module):
    """CNV of Brevitas' examples, smaller: an 8-bit input, bits behind it, Hardtanh before a sign."""

    shape, levels, scale, exports = (3, 8, 8), 256, 1 / 255, BOTH[:2]

    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            q.QuantIdentity(
                act_quant=quant.Int8ActPerTensorFixedPoint, min_val=-1.0, max_val=1 - 2.0**-7, narrow_range=False,
                scaling_impl_type=ScalingImplType.CONST,
            ),
            q.QuantConv2d(3, 6, 3, bias=False, **BITS),
            nn.BatchNorm2d(6, eps=1e-4),
            sign(),
            q.QuantConv2d(6, 8, 3, bias=False, **BITS),
            nn.BatchNorm2d(8, eps=1e-4),
            nn.Hardtanh(),
            sign(),
            nn.MaxPool2d(2),
        )  # fmt: skip
        self.last = nn.Sequential(
            q.QuantLinear(8 * 2 * 2, 12, bias=False, **BITS),
            nn.BatchNorm1d(12, eps=1e-4),
            sign(),
            q.QuantLinear(12, 4, bias=False, **BITS),
            nn.BatchNorm1d(4),
        )

    def forward(self, x):
        x = self.features(2.0 * x - 1.0)
        return self.last(torch.flatten(x, 1))


class Residual(nn.Module):
    """Signals: a shortcut whose branches share a quantizer, an adaptive average, one output behind a QuantHardTanh."""

    shape, levels, scale, exports = (2, 16), 16, 1.0, BOTH

    def __init__(self):
        super().__init__()
        four = {"weight_bit_width": 4, "bias": False}
        self.first = nn.Sequential(
            q.QuantIdentity(bit_width=5, return_quant_tensor=True), q.QuantConv1d(2, 6, 3, padding=1, **four),
            nn.BatchNorm1d(6), q.QuantReLU(bit_width=4, return_quant_tensor=True),
        )  # fmt: skip
        self.branch = nn.Sequential(q.QuantConv1d(6, 6, 3, padding=1, **four), nn.BatchNorm1d(6))
        self.common = q.QuantIdentity(bit_width=4, return_quant_tensor=True)
        self.middle = nn.Sequential(
            q.QuantReLU(bit_width=4, return_quant_tensor=True), q.QuantConv1d(6, 6, 5, stride=2, **four),
            nn.BatchNorm1d(6), q.QuantHardTanh(bit_width=4, min_val=-1.0, max_val=1.0, return_quant_tensor=True),
        )  # fmt: skip
        self.last = q.QuantLinear(6 * 6, 1, bias=True, weight_bit_width=4)

    def forward(self, x):
        x = self.first(x)
        x = self.middle(self.common(self.branch(x)) + self.common(x))
        return self.last(x.flatten(1))


def train(network, samples):
    """Some steps on the labels of a random linear teacher; scales that are learned from statistics settle too."""
    samples = torch.from_numpy(samples.astype(np.float32) * network.scale)
    flat = samples.flatten(1)
    flat = (flat - flat.mean(0)) @ torch.randn(flat.shape[1], max(network(samples[:2]).shape[-1], 2))
    labels = flat.argmax(1)
    optimizer = torch.optim.Adam(network.parameters(), 0.01)
    network.train()
    for step in range(120):
        part = slice(step % 4 * 100, step % 4 * 100 + 100)
        scores = network(samples[part])
        if scores.shape[1] == 1:
            loss = nn.functional.binary_cross_entropy_with_logits(scores[:, 0], labels[part].float())
        else:
            loss = nn.functional.cross_entropy(scores, labels[part])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    network.eval()


def write(name, network, folder):
    random = np.random.default_rng(len(name))
    size = (400 + FRAMES, *network.shape)
    # Bytes of sixteen values: a file of them is half as large.
    samples = (random.integers(0, 16, size) * (17 if network.levels == 256 else 1)).astype(np.uint8)
    train(network, samples[:400])
    samples = samples[400:]
    example = torch.from_numpy(samples[:1].astype(np.float32) * np.float32(network.scale))
    for kind, dynamo in network.exports:
        export = {"qonnx": export_qonnx, "qcdq": export_onnx_qcdq}[kind]
        path = folder / f"brevitas-{name}-{kind}-{'dynamo' if dynamo else 'script'}.onnx"
        export(network, args=example, export_path=str(path), dynamo=dynamo)
        # The newer exporter puts the weights into a file beside, Brevitas into the model again.
        path.with_suffix(".onnx.data").unlink(missing_ok=True)
        model = onnx.load(path)
        for noted in (model, model.graph, *model.graph.node, *model.graph.value_info, *model.graph.input):
            del noted.metadata_props[:]
        path.write_bytes(model.SerializeToString())
    with torch.no_grad():
        taken = torch.from_numpy((samples * network.scale).astype(np.float32))
        scores = network(taken)
        scores = getattr(scores, "value", scores).numpy()
    np.savez_compressed(folder / f"brevitas-{name}-outputs.npz", samples=samples, scores=scores)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER
    for seed, make in enumerate((Mlp, Defaults, Cnn, BinaryCnn, Residual)):
        torch.manual_seed(seed)
        write(make.__name__.lower(), make(), folder)
