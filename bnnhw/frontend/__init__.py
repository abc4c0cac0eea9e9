"""Readers of foreign models: one per format, each giving a network that is not streamlined yet."""

from bnnhw.frontend.read import ImportedModel, read_model

__all__ = ["ImportedModel", "read_model"]
