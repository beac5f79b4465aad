"""The learned router: whether it decides, whether its files are usable, what it was made for.

Sends one GET request to the local server, no text.
"""

from __future__ import annotations

from collections.abc import Iterator

from ...live_router import LiveRouter
from ...routing.learned.folder import RouterFolder
from ..router_place import DigestUnknown, Place, local_digest
from ..router_show import decides
from .result import Check, Context, ok, warn


def checks(context: Context) -> Iterator[Check]:
    settings = context.settings
    place = Place(settings, RouterFolder(settings.log.router), 0.0)
    try:
        digest = local_digest(settings)
    except DigestUnknown:
        digest = ""  # the checks of the local hosts say why
    live = LiveRouter(place.folder, say=lambda _: None)
    now = live.in_force(place.models(digest), settings.router.quality_target)
    detail = f"{now.id}; decides: {decides(place, now)}"
    if now.note:
        remedy = "The classifier decides until then; `hal router show` has more."
        yield warn("learned router", detail, remedy)
    else:
        yield ok("learned router", detail)
