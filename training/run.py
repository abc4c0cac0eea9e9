"""The folder of a training run: a checkpoint to resume from, metrics as CSV, the result as JSON.

- ``checkpoint.pt``: what :meth:`~bnnhw.training.optimize.Trainer.state` gives, and which run it is of;
- ``metrics.csv``: a row per epoch, columns the fields of :class:`~bnnhw.training.optimize.Epoch`;
- ``result.json``: written once, at the end.

Each is written whole or not at all, and listed in ``.bnnhw.json``: a file that is not in the list, or that was changed
since, is not written over. A checkpoint is read as tensors and plain numbers only; nothing is unpickled.
"""

from __future__ import annotations

import csv
import io
import json
import time
import zipfile
from collections.abc import Mapping
from dataclasses import asdict, fields
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch

from bnnhw.errors import FileError, RequestError
from bnnhw.files import OutputFolder, write_whole
from bnnhw.training.optimize import Epoch, Trainer

__all__ = ["CHECKPOINT", "METRICS", "RESULT", "RunFolder"]

CHECKPOINT, METRICS, RESULT = "checkpoint.pt", "metrics.csv", "result.json"

RUN = "run"
"""What its folder is, in the list of its files."""

INTERVAL_S = 10.0
"""Least time between two checkpoints: what an interruption may cost, beyond the epoch under way."""


class RunFolder:
    """Keeps a run.

    Parameters
    ----------
    path : Path
        Made if it isn't there.
    identity : mapping of str to str
        What decides the run: recipe, seed, epochs, device, version. A checkpoint of another run is refused.

    Raises
    ------
    RequestError
        It is a file, or holds one that would be written and is not as bnnhw wrote it.
    FileError
        The folder can't be made.
    """

    def __init__(self, path: Path, identity: Mapping[str, str]) -> None:
        self.path, self.identity = path, dict(identity)
        self.history: list[Epoch] = []
        self._saved = time.perf_counter()
        self._output = OutputFolder(path, RUN, shared=True)
        # A checkpoint is judged by what it holds.
        self._output.check((METRICS, RESULT), but=(CHECKPOINT,))
        try:
            path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise FileError(f"{path}: can't be made: {error.strerror or error}") from None

    def resume(self, trainer: Trainer) -> None:
        """Take up the checkpoint, if there is one.

        Raises
        ------
        FileError
            It can't be read.
        RequestError
            It is of another run; says in what they differ.
        """
        file = self.path / CHECKPOINT
        if not file.exists():
            return
        try:
            # Anything but a ZIP archive PyTorch would take for a pickle of its early days.
            if not zipfile.is_zipfile(file):
                raise ValueError
            kept = torch.load(file, map_location="cpu", weights_only=True)
            identity, history, state = kept["identity"], kept["history"], kept["trainer"]
        except (OSError, RuntimeError, EOFError, LookupError, TypeError, ValueError, UnpicklingError):
            raise FileError(f"{file}: must be a checkpoint of bnnhw train; remove it to start anew") from None
        for name in self.identity.keys() | identity.keys():
            if identity.get(name) != self.identity.get(name):
                raise RequestError(
                    f"{file}: its {name} must be {self.identity.get(name)!r}, not {identity.get(name)!r}; "
                    "give another folder, or remove it to start anew"
                )
        trainer.restore(state)
        self.history = [Epoch(**row) for row in history]

    def keep(self, trainer: Trainer, epoch: Epoch) -> None:
        """After an epoch: its row, and a checkpoint if it is time for one."""
        self.history.append(epoch)
        self._write_metrics()
        if trainer.done or time.perf_counter() - self._saved >= INTERVAL_S:
            buffer = io.BytesIO()
            history = [asdict(row) for row in self.history]
            torch.save({"identity": self.identity, "history": history, "trainer": trainer.state()}, buffer)
            self._write(CHECKPOINT, buffer.getvalue())
            self._saved = time.perf_counter()

    def _write_metrics(self) -> None:
        text = io.StringIO()
        writer = csv.DictWriter(text, [field.name for field in fields(Epoch)], lineterminator="\n")
        writer.writeheader()
        writer.writerows(asdict(row) for row in self.history)
        self._write(METRICS, text.getvalue().encode())

    def finish(self, result: Mapping[str, Any]) -> None:
        """Write the result beside what decides the run."""
        text = json.dumps({**self.identity, **result}, indent=2, default=str)
        self._write(RESULT, f"{text}\n".encode())

    def _write(self, name: str, data: bytes) -> None:
        with self._output.listing([name]):
            write_whole(self.path / name, data, owned=True)
