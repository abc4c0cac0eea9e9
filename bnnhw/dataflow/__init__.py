"""An accelerator as a graph of units and streams: formats, exact cycles, queues, costs. Knows no particular unit."""

from bnnhw.dataflow.format import Coding, ResultFormat, StreamFormat
from bnnhw.dataflow.graph import Graph, Node, Probe
from bnnhw.dataflow.resources import Resources
from bnnhw.dataflow.unit import Timing, Unit

__all__ = ["Coding", "Graph", "Node", "Probe", "Resources", "ResultFormat", "StreamFormat", "Timing", "Unit"]
