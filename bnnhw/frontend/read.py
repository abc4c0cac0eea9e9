"""The one way in for foreign models: find the format, name the file in every refusal."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bnnhw.errors import FileError, NetworkError, RequestError, UnsupportedError
from bnnhw.frontend.formats import FORMATS, Format, ImportedModel, Match, Source, options, takers
from bnnhw.frontend.unread import why_unread

__all__ = ["read_model"]


def _find(source: Source) -> Format:
    """The format that is surest of a source; of a file that is known to be something else, none is."""
    found = {name: entry.sniff(source) for name, entry in FORMATS.items()}
    best = max(found, key=lambda name: found[name])
    # A folder is sure of by its layers' names alone.
    if (source.folder or found[best] is not Match.YES) and (reason := why_unread(source)):
        raise UnsupportedError(f"{source.path}: {reason}")
    if found[best] is Match.NO:
        raise FileError(f"{source.path}: must be {', '.join(entry.noun for entry in FORMATS.values())}")
    return FORMATS[best]


def _check_options(path: Path, chosen: Format, given: dict[str, Any]) -> None:
    known = {option.name: option for option in options()}
    for name in given:
        if name not in known:
            raise TypeError(f"option must be one of {', '.join(sorted(known))}, not {name!r}")
        if known[name] not in chosen.options:
            raise RequestError(f"{path}: {known[name].flag} must be given for {takers(name)} only")


def read_model(path: Path, **given: Any) -> ImportedModel:
    """Read a foreign model of any format that :data:`~bnnhw.frontend.formats.FORMATS` has.

    Parameters
    ----------
    path : Path
        A file or a folder.
    **given
        What the model's files do not say: ``topology`` and ``decode`` of a parameter folder
        (:mod:`bnnhw.frontend.bnn_pynq.folder`), ``input_scale`` of an ONNX file
        (:mod:`bnnhw.frontend.onnx.samples`). None counts as not given.

    Raises
    ------
    FileError
        The file is missing, too large, truncated or not a model of a known format.
    UnsupportedError
        It holds something that can't be converted exactly; the message names the node and its position.
    RequestError
        An option is not one of this format's, or its value is not one for this model.
    """
    source = Source.open(Path(path))
    chosen = _find(source)
    said = {name: value for name, value in given.items() if value is not None}
    _check_options(source.path, chosen, said)
    try:
        return chosen.read(source, **said)
    except FileError as error:
        raise FileError(f"{source.path}: {error}") from None
    except (UnsupportedError, NetworkError) as error:
        raise UnsupportedError(f"{source.path}: {error}") from None
    except OSError as error:
        raise FileError(f"{source.path}: can't be read: {error.strerror or error}") from None
