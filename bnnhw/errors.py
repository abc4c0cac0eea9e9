"""The errors a user can cause, and the exit code each stands for; and what is warned of.

Everything raised on purpose for bad input derives from :class:`BnnhwError`; the command line prints
its one line and exits with :attr:`BnnhwError.exit_code`. A programming error keeps its traceback.
"""

from __future__ import annotations


class BnnhwError(Exception):
    """Base of all errors with one clear message for the user."""

    exit_code = 2


class RequestError(BnnhwError):
    """The request was wrong: an unknown name, an impossible option, a bad combination."""


class FileError(BnnhwError):
    """A file is missing, truncated, foreign, or from a newer version."""


class NetworkError(BnnhwError):
    """A network is not well formed; the message names the layer."""


class UnsupportedError(BnnhwError):
    """A foreign model holds something that can't be converted exactly; the message names it."""


class MissingError(BnnhwError):
    """A kind of layer or unit lacks a part of its own; the message names the kind and where the part belongs."""


class FoldingError(BnnhwError):
    """A folding can't be built; the message names the layer and the nearest legal foldings."""


class CheckError(BnnhwError):
    """The job ran and its check failed: a mismatch, timing missed, a design that does not fit."""

    exit_code = 1


class ToolError(BnnhwError):
    """A tool is missing; the message names it and how to get it."""

    exit_code = 3


class BnnhwWarning(UserWarning):
    """Base of all warnings: what is done is right all the same, but perhaps not what was meant."""


class RangeWarning(BnnhwWarning):
    """Samples and the thresholds of a network's input are of other ranges, so that elements tell little of samples."""
