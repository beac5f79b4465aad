"""What a learned router was calibrated to: thresholds for promises, on one machine's models.

Values and their choice; pure. Knows neither the file (`calibration_file.py`) nor how they were
found (`hal router calibrate`).
"""

from __future__ import annotations

from dataclasses import dataclass

# A target that a person types as 0.95 must find the choice that was computed for 19/20.
SAME_TARGET = 1e-9


@dataclass(frozen=True, slots=True)
class DraftChoice:
    """The cascade's part of a choice. A turn whose gain is at least `low` and below `high` is
    drafted locally; a draft whose own gain is at least `threshold` is replaced. `high` stands in
    the place of the choice's threshold where drafts are looked at: some of the turns that would
    leave without that can be answered here. None: it is the same.

    `drafted` and `escalated` are shares of all turns; `cloud_share`, `quality` and `worst_case`
    are those of the whole policy with drafts.
    """

    low: float
    threshold: float
    drafted: float
    escalated: float
    cloud_share: float
    quality: float
    worst_case: float
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Choice:
    """One promise and what it takes. Turns with a gain of at least `threshold` go to the cloud
    (infinity: none, -infinity: all).

    `target` is the share of the cloud's quality that was asked for, None where a share of turns
    was. `cloud_share`, `quality` (as a share of always-cloud's) and `worst_case` (its one-sided
    lower end) were measured. From a distance of `margin` between gain and threshold on, the
    language model's classifier is left out (infinity: never), which was so for `sure_share`.
    """

    target: float | None
    threshold: float
    cloud_share: float
    quality: float
    worst_case: float
    margin: float = float("inf")
    sure_share: float = 0.0
    draft: DraftChoice | None = None


@dataclass(frozen=True, slots=True)
class Calibration:
    """All choices for one router and one pair of models.

    `router_id` names the weights, `local_digest` the local model's, "" where its server does not
    tell. `choices` are by target, rising; `fixed` is the one for a share of turns, which goes
    before them. `turns` were looked at, from `since` to `until` (ISO dates); `labels` says how many
    came from where. `made_at`: ISO time.
    """

    router_id: str
    local_model: str
    local_digest: str
    cloud_model: str
    choices: tuple[Choice, ...]
    fixed: Choice | None
    turns: int
    since: str
    until: str
    labels: dict[str, int]
    made_at: str

    def choice_for(self, target: float) -> Choice | None:
        """The cheapest choice that keeps at least this share of quality; None: there is none."""
        if self.fixed is not None:
            return self.fixed
        kept = (one for one in self.choices if (one.target or 0.0) >= target - SAME_TARGET)
        return next(kept, None)


def staleness(
    calibration: Calibration, router_id: str, local_model: str, local_digest: str, cloud_model: str
) -> str:
    """Why a calibration says nothing about what is in force, in words for the user; "" when it
    does. A digest that a server does not tell is not compared.
    """
    if calibration.router_id != router_id:
        return "the router's weights have changed since"
    if calibration.local_model != local_model:
        return f"it was made for {calibration.local_model}, and {local_model} answers now"
    if calibration.cloud_model != cloud_model:
        return f"it was made for {calibration.cloud_model}, and {cloud_model} answers now"
    if calibration.local_digest and local_digest and calibration.local_digest != local_digest:
        return f"{local_model} is another version than it was made for"
    return ""
