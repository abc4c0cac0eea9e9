"""Steps that are skipped when nothing they depend on has changed."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from bnnhw.files import digest, file_digest, write_json

__all__ = ["StepCache", "stamp_name"]


def stamp_name(step: str) -> str:
    """The file of a step's stamp in the folder of the steps."""
    return f".steps/{step}.json"


class StepCache:
    """The steps of one folder, each with a stamp of what went in and what came out.

    A step is skipped when its inputs' digest is the stamp's and every output is still the file the stamp
    knows. The stamp is written last, so a step that was interrupted runs again.

    Parameters
    ----------
    folder : Path
        Where outputs lie; stamps go to ``folder/.steps``.

    Attributes
    ----------
    seconds : dict of str to float
        How long each step took when it last ran, in the order asked for.
    skipped : list of str
        The steps that were not run.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.seconds: dict[str, float] = {}
        self.skipped: list[str] = []

    def run(
        self,
        name: str,
        inputs: Sequence[object],
        outputs: Sequence[Path],
        action: Callable[[], dict[str, Any]],
        *,
        began: float | None = None,
    ) -> dict[str, Any]:
        """Runs ``action``, or returns what it returned the last time.

        Parameters
        ----------
        inputs : sequence
            Everything the result depends on: plain data, see :func:`bnnhw.files.digest`.
        outputs : sequence of Path
            The files that ``action`` leaves.
        action : callable
            Returns a dict that JSON can hold.
        began : float, optional
            When the step began, by ``time.monotonic``, if before this call.
        """
        key = digest(name, list(inputs))
        stamp = self.folder / stamp_name(name)
        known = self._read(stamp)
        if known is not None and known["inputs"] == key and self._unchanged(known["outputs"], outputs):
            self.skipped.append(name)
            self.seconds[name] = known["seconds"]
            return known["result"]
        stamp.unlink(missing_ok=True)
        start = time.monotonic() if began is None else began
        result = action()
        self.seconds[name] = round(time.monotonic() - start, 3)
        stamp.parent.mkdir(parents=True, exist_ok=True)
        content = {
            "inputs": key,
            "outputs": {path.relative_to(self.folder).as_posix(): file_digest(path) for path in outputs},
            "seconds": self.seconds[name],
            "result": result,
        }
        write_json(stamp, content, owned=True)
        return result

    def last_seconds(self, name: str) -> float | None:
        """How long a step took when it last ran in this folder, with whatever inputs; None where it never did."""
        known = self._read(self.folder / stamp_name(name))
        return None if known is None else float(known["seconds"])

    @staticmethod
    def _read(stamp: Path) -> dict[str, Any] | None:
        try:
            known = json.loads(stamp.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        complete = isinstance(known, dict) and {"inputs", "outputs", "seconds", "result"} <= known.keys()
        return known if complete else None

    def _unchanged(self, known: dict[str, str], outputs: Sequence[Path]) -> bool:
        names = {path.relative_to(self.folder).as_posix(): path for path in outputs}
        return known.keys() == names.keys() and all(
            path.is_file() and file_digest(path) == known[name] for name, path in names.items()
        )
