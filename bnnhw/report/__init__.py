"""One self-contained HTML page from the JSON files of a run."""

from bnnhw.report.collect import collect
from bnnhw.report.page import render

__all__ = ["collect", "render"]
