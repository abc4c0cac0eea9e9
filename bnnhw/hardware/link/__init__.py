"""Ways into and out of the accelerator."""
