"""All operators that are read: one small function each, in the modules named here.

To support another operator, write a function from :class:`~bnnhw.frontend.call.Call` to a value and register it, in
one of these modules or in a new one imported here. A handler refuses, by node and reason, whatever it can't convert
exactly.
"""

from __future__ import annotations

from bnnhw.frontend import nodes_affine, nodes_conv, nodes_pool, nodes_product, nodes_quant, nodes_shape
from bnnhw.frontend.call import HANDLERS, Call, Handler

__all__ = ["HANDLERS", "MODULES", "Call", "Handler"]

MODULES = (nodes_affine, nodes_conv, nodes_pool, nodes_product, nodes_quant, nodes_shape)
