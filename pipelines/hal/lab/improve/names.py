"""The words of `hal improve` that its command line has to know as well.

Constants only, so that `hal --help` costs nothing.
"""

from __future__ import annotations

# In their order; `--until` takes one of them.
STAGES = ("collect", "mine", "propose", "evaluate", "gate", "stage")
# The prompts that may be changed from the log, and those to which rules may be added when a person
# has approved them by name. All others stay as they are shipped: answering prompts and the rules of
# privacy are never changed by a machine.
CHANGEABLE = ("classify", "search_need")
ADVISED = ("rewrite", "grounded")
