"""No link: the accelerator's own streams, for a design that brings what is around it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bnnhw.links.link import FrameAccelerator, Link, Setting

if TYPE_CHECKING:
    from amaranth.lib import wiring

    from bnnhw.dataflow import Graph
    from bnnhw.links.interface import Interface

__all__ = ["LINK", "Stream"]


class Stream(Link):
    """Words with valid and ready in, one word per frame out."""

    name = "stream"
    summary = "bare streams"
    module = "accelerator"
    bare = True
    loads = True

    def gateware(self, accelerator: FrameAccelerator, setting: Setting) -> wiring.Component:
        """The accelerator itself."""
        # It is a component too; its streams come from its signature.
        component: Any = accelerator
        return component

    def interface(self, graph: Graph, setting: Setting) -> Interface:
        from bnnhw.links.interface import stream_interface

        return stream_interface(graph)


LINK = Stream()
