"""Random faults planted in the package, one by one, and whether the tests of its own part notice."""
