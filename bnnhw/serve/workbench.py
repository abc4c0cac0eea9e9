"""What the page works on: a design, frames for it, and perhaps a board."""

from __future__ import annotations

import io
import threading
import wave
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bnnhw.datasets.kinds.images import SUFFIXES
from bnnhw.errors import BnnhwError, RequestError
from bnnhw.files import scratch
from bnnhw.flow.design import Design
from bnnhw.flow.evaluate import encode
from bnnhw.flow.frames import Frames, class_names, kept_reading
from bnnhw.flow.inputs import read_inputs
from bnnhw.flow.run import RunningBoard
from bnnhw.flow.simulate import seen_streams
from bnnhw.folding import FoldedNetwork
from bnnhw.ir import Network
from bnnhw.serve.look import Look
from bnnhw.sim.live import LiveCore, LiveFrame

__all__ = ["PICTURES", "Workbench"]

PICTURES = SUFFIXES | {".gif", ".webp", ".tif", ".tiff"}
"""Suffixes of what is read as a picture: those of data sets, and others that people have."""

RATE = 16_000
"""Samples per second of what the page records."""


@dataclass(frozen=True, eq=False)
class _Source:
    """Frames to choose from."""

    name: str
    samples: NDArray[Any]
    labels: NDArray[np.int64] | None


class Workbench:
    """A design whose accelerator runs frames one by one; one at a time, whoever asks.

    Parameters
    ----------
    design : Design or FoldedNetwork
    title : str
    frames : Frames, optional
        Of a data set.
    board : RunningBoard, optional
        That is asked too.
    cache : Path, optional
        Folder of compiled models; the user's cache by default.

    Attributes
    ----------
    core : Core
        What is known of its Verilog.
    look : Look or None
        How its pictures look; None where its frames are none.
    """

    def __init__(
        self,
        design: Design | FoldedNetwork,
        title: str,
        frames: Frames | None = None,
        board: RunningBoard | None = None,
        *,
        cache: Path | None = None,
    ) -> None:
        self.title, self.board = title, board
        self.network: Network = design.network
        self.core, text, streams = seen_streams(design)
        self._live = LiveCore(self.network, self.core, text, streams, cache=cache)
        self._sources: dict[str, _Source] = {}
        if frames is not None and len(frames.samples):
            self._sources["test"] = _Source(frames.name, frames.samples, frames.labels)
        decides = max(2, self.network.output.classes)
        self.names = class_names(self.network) or (frames.names if frames else tuple(map(str, range(decides))))
        self.look = Look.of(self.network.input, None if frames is None else frames.samples)
        self._lock = threading.Lock()

    def describe(self) -> dict[str, Any]:
        """What the page is told once."""
        look, test, board = self.look, self._sources.get("test"), self.board
        height, width, channels = self._map()
        return {
            "title": self.title,
            "classes": list(self.names),
            "input": {"channels": channels, "height": height, "width": width, "type": str(self.network.input.dtype)},
            "picture": None
            if look is None
            else {"channels": look.channels, "height": look.height, "width": look.width, "pen": look.pen}
            | {"written": look.written},
            "test": None if test is None else {"name": test.name, "frames": len(test.samples)},
            "sound": self._hears(),
            "board": None if board is None else {"name": board.built.board.name, "port": board.port_name},
            "cycles_per_frame": self.core.cycles_per_frame,
            "layers": [
                {
                    "name": probe.layer,
                    "type": str(probe.dtype),
                    "channels": list(probe.channels),
                    "lanes": probe.format.lanes,
                    "group": probe.format.group,
                }
                for probe in self.core.probes
            ],
            "streams": [
                {"unit": s.unit, "kind": s.kind, "layer": s.layer, "words": s.words, "probe": s.probe}
                for s in self._live.streams
            ],
        }

    def draw(self, picture: bytes) -> dict[str, Any]:
        """What becomes of a drawing.

        Raises
        ------
        BnnhwError
            For one that is none, or of a network that takes no pictures of one colour.
        """
        if self.look is None or self.look.channels != 1:
            raise RequestError("this network takes no drawings")
        return self._result(self.look.drawn(picture, self.network.input), None)

    def drop(self, name: str, data: bytes) -> dict[str, Any]:
        """Keeps the frames of a file, and says how many there are.

        Raises
        ------
        BnnhwError
            For a file that is none of ours, or does not suit the network.
        """
        suffix = Path(name).suffix.lower()
        if suffix in PICTURES and self.look is not None and not kept_reading(self.network):
            samples = self.look.photo(data, self.network.input)[None]
        else:
            samples = self._read(name, data)
        with self._lock:
            self._sources["drop"] = _Source(name, samples, None)
        return {"name": name, "frames": len(samples)}

    def frame(self, source: str, number: int) -> dict[str, Any]:
        """What becomes of one of the frames of a source: ``"test"``, or ``"drop"``, the file dropped last.

        Raises
        ------
        RequestError
            When there is no such frame.
        """
        frames = self._sources.get(source)
        if frames is None or not 0 <= number < len(frames.samples):
            raise RequestError(f"there is no frame {number} of {source!r}")
        label = None if frames.labels is None else int(frames.labels[number])
        return self._result(frames.samples[number], label)

    def _result(self, sample: NDArray[Any], label: int | None) -> dict[str, Any]:
        sample = np.asarray(sample).reshape(1, *self.network.input.sample_shape)
        codes = encode(self.network, sample)
        with self._lock:
            found = self._live.run(codes[0])
            board = None if self.board is None else self.board.run(sample)
        values = self.network.input.dtype.values(codes[0]).astype(np.int64).reshape(self._map())
        return {
            "class": found.index,
            "name": self.names[found.index],
            "score": found.score,
            "scores": found.scores.tolist(),
            "label": None if label is None else self.names[label],
            "differences": list(found.differences),
            "latency": found.latency,
            "input": _picture(values),
            "layers": [_picture(array) for array in found.activations],
            "streams": self._moves(found),
            "board": None
            if board is None
            else {"name": self.names[board.classes[0]], "score": int(board.scores[0]), "seconds": board.seconds},
        }

    def _hears(self) -> bool:
        """Whether the network takes sounds: whether a second of silence is a frame of it."""
        if self.look is not None:
            return False
        silence = io.BytesIO()
        with wave.open(silence, "wb") as file:
            file.setparams((1, 2, RATE, 0, "NONE", ""))
            file.writeframes(bytes(2 * RATE))
        try:
            return len(self._read("silence.wav", silence.getvalue())) == 1
        except BnnhwError:
            return False

    def _read(self, name: str, data: bytes) -> NDArray[Any]:
        """The samples of a file."""
        with scratch() as folder:
            path = folder / f"dropped{Path(name).suffix.lower()}"
            path.write_bytes(data)
            try:
                return read_inputs(self.network, [path]).samples
            except BnnhwError as error:
                raise type(error)(str(error).replace(str(path), name)) from None

    def _map(self) -> tuple[int, int, int]:
        """Height, width and channels of a frame; those of a picture where the network takes it as a list."""
        if self.look is not None:
            return self.look.height, self.look.width, self.look.channels
        channels, height, width = self.network.input.map
        return height, width, channels

    def _moves(self, found: LiveFrame) -> list[dict[str, Any]]:
        return [
            {"moved": found.journal.moved(n).tolist(), "waited": found.journal.waited(n).tolist()}
            for n in range(len(self._live.streams))
        ]


def _picture(values: NDArray[np.int64]) -> dict[str, Any]:
    """Numbers (height, width, channels), in the order in which a stream brings them."""
    height, width, channels = values.shape
    return {
        "height": height,
        "width": width,
        "channels": channels,
        "low": int(values.min(initial=0)),
        "high": int(values.max(initial=1)),
        "values": values.ravel().tolist(),
    }
