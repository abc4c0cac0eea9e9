"""Tool discovery, synthesis, place and route, bitstreams."""
