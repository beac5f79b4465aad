"""Open WebUI on this machine, beside `make run`; `python -m webui --help` tells more.

A tool of the checkout, not a part of the package: nothing in `hal` knows it.
"""
