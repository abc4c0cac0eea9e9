"""Writes the files finn-*.onnx beside it: what FINN's front end makes of Brevitas' files, in its MultiThreshold form.

Needs ``finn-plus==1.6.1`` (its own requirements, or without them ``qonnx==1.0.0 onnx==1.21.0 onnxruntime==1.25.1
onnxoptimizer onnx-passes pydantic pyyaml mashumaro[yaml] termcolor psutil``), FINN's fork on PyPI. ``-finn`` is its
``ConvertQONNXtoFINN``, ``-streamlined`` its ``Streamline`` behind that, with the ``TopK`` of its tutorials at the end.
Samples and scores are those of the Brevitas files.
"""

from __future__ import annotations

import sys
from pathlib import Path

from finn.transformation.qonnx.convert_qonnx_to_finn import ConvertQONNXtoFINN
from finn.transformation.streamline import Streamline
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.transformation.general import GiveReadableTensorNames, GiveUniqueNodeNames, RemoveUnusedTensors
from qonnx.transformation.infer_datatypes import InferDataTypes
from qonnx.transformation.insert_topk import InsertTopK
from qonnx.util.cleanup import cleanup_model

FOLDER = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent


def save(model, name):
    for transformation in (GiveUniqueNodeNames(), GiveReadableTensorNames(), RemoveUnusedTensors()):
        model = model.transform(transformation)
    # The shapes of all tensors are the larger part of the file.
    del model.graph.value_info[:]
    model.save(str(FOLDER / name))


for network in ("mlp", "defaults", "binarycnn", "residual"):
    model = cleanup_model(ModelWrapper(str(FOLDER / f"brevitas-{network}-qonnx-script.onnx")))
    model = model.transform(ConvertQONNXtoFINN())
    save(model, f"finn-{network}-finn.onnx")
    model = model.transform(Streamline()).transform(InferDataTypes())
    if network != "residual":
        model = model.transform(InsertTopK(k=1))
    save(model, f"finn-{network}-streamlined.onnx")
