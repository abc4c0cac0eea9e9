"""Writes the files qkeras-*.onnx beside it: QKeras networks that qonnx's converter turned into QONNX, and 200 samples.

Needs ``qkeras==0.9.0 tensorflow==2.15.1 qonnx==0.4.0 tf2onnx==1.16.1 onnx==1.17.0``: the converter
(``qonnx.converters.keras``) left qonnx with version 1.0.
"""

from __future__ import annotations

import os
from pathlib import Path

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import numpy as np
import onnx
import tensorflow as tf
from onnx import helper, numpy_helper
from qkeras import QActivation, QConv2D, QDense, quantized_bits, quantized_relu
from qonnx.converters.keras import from_keras

FOLDER = Path(__file__).parent
FRAMES = 200
keras = tf.keras.layers


def six():
    return {"kernel_quantizer": quantized_bits(6, 0, alpha=1), "bias_quantizer": quantized_bits(6, 0, alpha=1)}


def jets():
    """The jet tagger of hls4ml's tutorial, 16-64-32-32-5 at 6 bits; its input has no quantizer."""
    model = tf.keras.Sequential([keras.Input((16,))])
    for neurons in (64, 32, 32):
        model.add(QDense(neurons, **six()))
        model.add(QActivation(quantized_relu(6)))
    model.add(QDense(5, **six()))
    model.add(keras.Activation("softmax"))
    return model


def maps():
    """A small CNN of images, channels last; the converter drops what stands before the first layer."""
    four = {"kernel_quantizer": quantized_bits(4, 0, alpha=1), "use_bias": False}
    return tf.keras.Sequential([
        keras.Input((10, 10, 2)),
        QConv2D(6, 3, **four),
        keras.BatchNormalization(),
        QActivation(quantized_relu(4, 2)),
        keras.MaxPooling2D(2),
        QConv2D(8, 3, padding="same", **four),
        QActivation(quantized_relu(4, 2)),
        keras.Flatten(),
        QDense(4, **six()),
        keras.Softmax(),
    ])  # fmt: skip


def write(name, model, low, levels, scale):
    random = np.random.default_rng(len(name))
    samples = random.integers(low, low + levels, (1000 + FRAMES, *model.input_shape[1:]))
    taken = (samples * scale).astype(np.float32)
    flat = taken.reshape(len(taken), -1)
    labels = ((flat - flat.mean(0)) @ random.normal(size=(flat.shape[1], model.output_shape[-1]))).argmax(1)
    model.compile(tf.keras.optimizers.Adam(0.003), "sparse_categorical_crossentropy")
    model.fit(taken[:1000], labels[:1000], 50, 5, verbose=0)
    from_keras(model, name, opset=13, output_path=str(FOLDER / f"qkeras-{name}.onnx"))
    samples = samples[1000:].astype(np.int8)
    scores = model(taken[1000:], training=False).numpy()
    np.savez_compressed(FOLDER / f"qkeras-{name}-outputs.npz", samples=samples, scores=scores)


def quantized(name, bits, scale):
    """The same graph with the quantizer that the converter drops put back in front of it."""
    model = onnx.load(FOLDER / f"qkeras-{name}.onnx")
    graph, start = model.graph, model.graph.input[0].name
    for node in graph.node:
        node.input[:] = ["quantized" if tensor == start else tensor for tensor in node.input]
    values = {"input_scale": scale, "input_zero": 0.0, "input_bits": float(bits)}
    graph.initializer.extend(numpy_helper.from_array(np.array(v, np.float32), k) for k, v in values.items())
    how = {"domain": "qonnx.custom_op.general", "signed": 1, "narrow": 0, "rounding_mode": "ROUND"}
    graph.node.insert(0, helper.make_node("Quant", [start, *values], ["quantized"], **how))
    onnx.save(model, FOLDER / f"qkeras-{name}-quantized.onnx")


if __name__ == "__main__":
    for seed, make, *given in ((1, jets, -128, 256, 1 / 32), (2, maps, 0, 16, 1 / 8)):
        tf.keras.utils.set_random_seed(seed)
        write(make.__name__, make(), *given)
    quantized("jets", 8, 1 / 32)
