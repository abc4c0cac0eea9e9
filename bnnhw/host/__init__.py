"""What runs on the PC next to the board."""
