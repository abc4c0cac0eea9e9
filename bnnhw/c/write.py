"""The files of a network as C."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from bnnhw.c.names import check_name, name_of
from bnnhw.c.network import CCode, to_c
from bnnhw.errors import RequestError
from bnnhw.files import Output, check_apart, sealed, whole_file
from bnnhw.ir import Network

__all__ = ["CFiles", "write_c"]


@dataclass(frozen=True)
class CFiles:
    """What was written.

    Parameters
    ----------
    source, header, main : Path
        ``N.c``, ``N.h`` and the example, ``N_main.c``.
    code : CCode
    """

    source: Path
    header: Path
    main: Path
    code: CCode


def write_c(
    network: Network,
    path: Path,
    *,
    name: str | None = None,
    word_bits: int = 32,
    samples: str = "float",
) -> CFiles:
    """Write a network as C: all three files, or none.

    Parameters
    ----------
    network : Network
        Streamlined.
    path : Path
        Of the source, ``N.c``; ``N.h`` and ``N_main.c`` come beside it.
    name : str, optional
        Prefix of all C names; made of the file's name without it.
    word_bits, samples
        As for :func:`~bnnhw.c.network.to_c`.

    Raises
    ------
    NetworkError, RequestError
        As :func:`~bnnhw.c.network.to_c`; files that bnnhw did not write.
    FileError
        When they can't be written.
    """
    header, main = path.with_suffix(".h"), path.with_name(f"{path.stem}_main.c")
    if any(letter in header.name for letter in '"\\\n'):
        raise RequestError(
            f"{path}: its name must have no quotes, backslashes or line breaks, which #include can't hold"
        )
    check_apart((), (Output(path), Output(header), Output(main)))
    code = to_c(
        network,
        name_of(path.stem) if name is None else check_name(name),
        word_bits=word_bits,
        samples=samples,
        header=header.name,
    )
    texts = ((path, code.source), (header, code.header), (main, code.main))
    with ExitStack() as files:
        # Each takes its place when all are whole.
        for target, text in texts:
            temporary = files.enter_context(whole_file(target, "source"))
            temporary.write_bytes(sealed(text.encode("utf-8")))
    return CFiles(path, header, main, code)
