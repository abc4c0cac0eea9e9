"""PyTorch layers, recipes and export for networks that become this hardware."""
