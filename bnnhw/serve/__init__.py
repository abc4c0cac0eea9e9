"""A page that shows a design at work: what is drawn, dropped or taken from a data set, and all that happens to it."""
