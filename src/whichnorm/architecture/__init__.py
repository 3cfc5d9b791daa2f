"""What a network looks like: its graph, receptive fields, layer table, picture and ONNX file."""

from whichnorm.architecture.graph import Graph, Node, trace
from whichnorm.architecture.receptive_field import ReceptiveField, receptive_fields
from whichnorm.architecture.summary import Architecture, Row, describe

__all__ = ["Architecture", "Graph", "Node", "ReceptiveField", "Row", "describe", "receptive_fields", "trace"]
