"""A network for other tools, and as C."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from bnnhw.errors import RequestError
from bnnhw.files import new_folders
from bnnhw.ir import Network

if TYPE_CHECKING:
    from bnnhw.c import CFiles

__all__ = ["export", "is_c"]


def is_c(path: Path) -> bool:
    """Whether a name is that of C source.

    Raises
    ------
    RequestError
        For a header: it comes with its source.
    """
    if path.suffix.lower() in (".h", ".cc", ".cpp", ".cxx", ".hpp"):
        raise RequestError(
            f"{path}: C is written as {path.with_suffix('.c').name}, its header beside it; give that name"
        )
    return path.suffix.lower() == ".c"


def export(
    network: Network,
    path: Path | str,
    *,
    name: str | None = None,
    word_bits: int | None = None,
    samples: str | None = None,
) -> CFiles | None:
    """Writes a network, whole or not at all; folders on the way are made.

    ``N.c`` is portable C99, with its header ``N.h`` and an example, ``N_main.c``, beside it; any other name is
    streamlined QONNX (MultiThreshold form).

    Parameters
    ----------
    network : Network
        Streamlined, as :func:`bnnhw.read` gives it.
    path : Path or str
    name : str, optional
        Of C alone: the prefix of its names; made of the file's name without it.
    word_bits : int, optional
        Of C alone: 32, or 64.
    samples : str, optional
        Of C alone: the type of raw samples: ``float``, ``double``, ``uint8``, ``int8``, ``uint16``, ``int16`` or
        ``int32``.

    Returns
    -------
    CFiles or None
        Of C the three files, ``source``, ``header`` and ``main``, and in ``code`` the bytes of tables and of scratch
        memory.

    Raises
    ------
    RequestError
        For options of C with another file; a name that is none of C.
    UnsupportedError
        When the network holds numbers that float32 does not, which QONNX has.
    """
    path = Path(path)
    options = {"name": name, "word_bits": word_bits, "samples": samples}
    given = {key: value for key, value in options.items() if value is not None}
    if is_c(path):
        from bnnhw.c import write_c

        with new_folders(path.parent):
            return write_c(network, path, **given)
    if given:
        raise RequestError(f"{path}: {' and '.join(given)} can be said of C alone: give a name that ends in .c")
    from bnnhw.qonnx import write_qonnx

    with new_folders(path.parent):
        write_qonnx(network, path)
    return None
