"""Reports: JSON first, pictures made from it."""
