"""What holds for all tests: how Hypothesis runs."""

from __future__ import annotations

from hypothesis import Phase, settings

# Without the explanations: before Python 3.12 they trace every line of every example, which takes
# several times as long as the examples. No deadline: the machines of a CI are as slow as they are.
settings.register_profile(
    "hal", phases=[phase for phase in Phase if phase is not Phase.explain], deadline=None
)
settings.load_profile("hal")
