"""The file of an ONNX model that bnnhw made."""

from __future__ import annotations

from pathlib import Path

import onnx

from bnnhw.files import seal, write_whole

__all__ = ["save_model"]


def save_model(model: onnx.ModelProto, path: Path) -> None:
    """Writes a model, whole or not at all; the same model gives the same bytes.

    Its documentation is its seal.

    Raises
    ------
    RequestError
        When something is there that bnnhw did not write.
    FileError
        When it can't be written.
    """
    # Of a field that is there twice the later one counts; this one says what all the others are.
    end = onnx.ModelProto(doc_string=seal("model"))
    write_whole(path, model.SerializeToString(deterministic=True) + end.SerializeToString(), "model")
