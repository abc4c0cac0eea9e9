"""Streamlining: from what was trained to what hardware computes, one pass per file."""

from bnnhw.streamline.result import StreamlineResult
from bnnhw.streamline.streamline import PASSES, streamline

__all__ = ["PASSES", "StreamlineResult", "streamline"]
