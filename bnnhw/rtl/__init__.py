"""What units share: queues, memories, popcounts, thresholds, text; and the accelerator, made of any units."""
