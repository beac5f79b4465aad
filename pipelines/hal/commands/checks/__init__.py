"""The checks of `hal doctor`: one module for each part, each a generator of results.

They look, and change nothing. What they send is named in their docstrings.
"""
