"""The units in Amaranth and the accelerator that chains them."""
