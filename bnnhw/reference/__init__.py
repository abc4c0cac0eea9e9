"""The integer meaning of the IR, evaluated with NumPy."""
