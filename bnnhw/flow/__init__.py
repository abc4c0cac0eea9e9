"""The steps from a model to a bitstream, and the folders they leave; no command line here.

One file per step. What a step tells on its way it tells a :class:`~bnnhw.flow.progress.Progress`.
"""
