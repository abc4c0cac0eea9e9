"""Frames on the chip: what of a data set lies in block RAM beside an accelerator, and what feeds it from there.

No link itself: whatever carries packets to a board can ask it to count (``bnnhw/links/packets/counting.py``).
"""
