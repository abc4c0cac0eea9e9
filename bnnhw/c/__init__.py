"""Networks as C: one source file with its tables, its header, and an example that runs it."""

from bnnhw.c.network import CCode, to_c
from bnnhw.c.samples import SAMPLE_TYPES
from bnnhw.c.write import CFiles, write_c

__all__ = ["SAMPLE_TYPES", "CCode", "CFiles", "to_c", "write_c"]
