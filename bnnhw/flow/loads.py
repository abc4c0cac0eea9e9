"""What fills the memories of a design that are filled at run time."""

from __future__ import annotations

from bnnhw.boards import Board
from bnnhw.errors import RequestError
from bnnhw.folding import FoldedNetwork
from bnnhw.links import BoardLink, Link
from bnnhw.links.pins import check_flash
from bnnhw.links.weights import LoadSetting

__all__ = ["IMAGE", "check_load", "load_setting"]

IMAGE = "weights.img"
"""The file of an image, beside a design and beside a bitstream."""


def load_setting(folded: FoldedNetwork, words: int, board: Board | None) -> LoadSetting | None:
    """What fills them: a flash those that no bitstream fills, packets those that are writable; None where none is.

    Parameters
    ----------
    words : int
        Of the image.
    board : Board, optional
        Without one, what is around the design has to fill them.
    """
    if not words:
        return None
    large = any(folding.memory == "spram" for folding in folded.foldings)
    flash = large and board is not None and bool(board.filled_sprams)
    return LoadSetting(
        words,
        offset=board.image_offset if flash and board is not None else None,
        starts=not large,
        packets=any(folding.writable for folding in folded.foldings),
    )


def check_load(setting: LoadSetting | None, board: Board | None, link: Link) -> None:
    """:class:`~bnnhw.errors.RequestError` for a link that can't fill them, or that has the flash's pins."""
    if setting is None:
        return
    if not link.loads:
        raise RequestError(
            f"link {link.name} can't fill memories that are filled at run time: another link, or a folding of which no "
            "layer is in SPRAM or writable"
        )
    if board is not None and setting.offset is not None and isinstance(link, BoardLink):
        check_flash(board, link)
