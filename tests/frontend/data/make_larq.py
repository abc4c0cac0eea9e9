"""Writes the files larq-*.npz beside it: models that Larq 0.14 made, and what it says of 200 samples.

Needs ``larq==0.14.0 tensorflow==2.21.0 tf_keras==2.21.0``; Larq's layers are those of Keras 2, so TensorFlow is told to
use it. Each network is trained for some epochs on labels of a random teacher.
"""

from __future__ import annotations

import os
from pathlib import Path

os.environ["TF_USE_LEGACY_KERAS"] = "1"
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import larq
import numpy as np
import tensorflow as tf

FOLDER = Path(__file__).parent
TRAINED, FRAMES = 1000, 200
layers, keras = larq.layers, tf.keras.layers


def norm(**options):
    """A batch norm whose gammas have both signs."""
    return keras.BatchNormalization(gamma_initializer=tf.keras.initializers.RandomNormal(0, 1), **options)


def mlp():
    """The network of Larq's introduction, smaller: the first layer takes the pixels."""
    both = {"input_quantizer": "ste_sign", "kernel_quantizer": "ste_sign", "kernel_constraint": "weight_clip"}
    return tf.keras.Sequential([
        layers.QuantDense(24, kernel_quantizer="ste_sign", kernel_constraint="weight_clip", input_shape=(36,)),
        norm(scale=False),
        layers.QuantDense(20, use_bias=False, **both),
        norm(),
        keras.Dropout(0.5),
        layers.QuantDense(5, use_bias=False, **both),
        norm(),
        keras.Activation("softmax"),
    ])  # fmt: skip


def cnn():
    """The CNN of Larq's tutorial, smaller, and the other convolutions; padding of 1, 0 and -1."""
    both = {"input_quantizer": "ste_sign", "kernel_quantizer": "ste_sign", "use_bias": False}
    deep = {"input_quantizer": "approx_sign", "depthwise_quantizer": "ste_sign", "use_bias": False}
    return tf.keras.Sequential([
        layers.QuantConv2D(6, 3, kernel_quantizer="ste_sign", use_bias=False, input_shape=(10, 9, 2)),
        keras.MaxPooling2D(2),
        norm(scale=False),
        layers.QuantConv2D(8, 3, padding="same", pad_values=1.0, **both),
        norm(),
        layers.QuantConv2D(6, (1, 2), padding="same", **both),
        norm(),
        layers.QuantDepthwiseConv2D(3, padding="same", pad_values=-1.0, depth_multiplier=2, **deep),
        norm(),
        layers.QuantSeparableConv2D(8, 2, pointwise_quantizer="ste_sign", **deep),
        norm(),
        keras.Flatten(),
        layers.QuantDense(4, **both),
        norm(),
        keras.Activation("softmax"),
    ])  # fmt: skip


def functional():
    """A functional model over signals, every quantizer in it; its end is one output."""
    value = start = keras.Input((24, 2))
    for layer in (
        layers.QuantConv1D(8, 5, kernel_quantizer="magnitude_aware_sign", padding="causal", dilation_rate=2),
        norm(),
        keras.MaxPooling1D(2),
        layers.QuantConv1D(8, 3, padding="same", pad_values=1.0, strides=2, input_quantizer="swish_sign",
                           kernel_quantizer="ste_tern"),
        norm(),
        layers.QuantConv1D(8, 3, input_quantizer=larq.quantizers.DoReFa(2),
                           kernel_quantizer=larq.quantizers.DoReFa(3, mode="weights")),
        norm(),
        keras.PReLU(shared_axes=[1], alpha_initializer=tf.keras.initializers.RandomUniform(0.05, 0.5)),
        keras.Activation("hard_tanh"),
        layers.QuantConv1D(6, 2, input_quantizer=larq.quantizers.SteTern(0.4), kernel_quantizer="ste_heaviside"),
        norm(),
        keras.GlobalAveragePooling1D(),
        layers.QuantDense(6, input_quantizer="ste_heaviside",
                          kernel_quantizer=larq.quantizers.SteTern(ternary_weight_networks=True)),
        norm(),
        layers.QuantDense(1, input_quantizer="ste_sign", kernel_quantizer="ste_sign"),
        norm(),
        keras.Activation("sigmoid"),
    ):  # fmt: skip
        value = layer(value)
    return tf.keras.Model(start, value)


def write(name, model, bits, scale, offset):
    random = np.random.default_rng(len(name))
    samples = random.integers(0, 1 << bits, (TRAINED + FRAMES, *model.input_shape[1:])).astype(np.uint8)
    taken = (samples * scale + offset).astype(np.float32)
    flat, outputs = taken.reshape(len(taken), -1), model.output_shape[-1]
    labels = ((flat - flat.mean(0)) @ random.normal(size=(flat.shape[1], max(outputs, 2)))).argmax(1)
    model.compile("adam", "binary_crossentropy" if outputs == 1 else "sparse_categorical_crossentropy")
    model.fit(taken[:TRAINED], labels[:TRAINED], 50, 15, verbose=0)
    # As docs/models.md says.
    weights = {
        f"{layer.name}/{w.name.split('/')[-1].split(':')[0]}": w.numpy()
        for layer in model.layers
        for w in layer.weights
    }
    architecture = np.frombuffer(model.to_json().encode(), "uint8")
    given = {"input_bits": bits, "input_scale": scale, "input_offset": offset}
    np.savez(FOLDER / f"larq-{name}.npz", architecture=architecture, **weights, **given)
    scores = model(taken[TRAINED:], training=False).numpy()
    np.savez_compressed(FOLDER / f"larq-{name}-outputs.npz", samples=samples[TRAINED:], scores=scores)


if __name__ == "__main__":
    for seed, make, *given in ((1, mlp, 4, 1.0, 0.0), (2, cnn, 3, 2.0**-2, -1.0), (3, functional, 4, 1.0, 0.0)):
        tf.keras.utils.set_random_seed(seed)
        write(make.__name__, make(), *given)
