"""hal-auto: one model that decides, turn by turn, who answers.

Importing the package has no effect: no threads, no files, no network, no mutable module state.
"""

__version__ = "0.1.0"
