"""Readers of foreign formats, one each, all returning the IR."""
