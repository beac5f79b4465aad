"""The pictures of a conversation, for servers on this machine.

Pure. A server that were given a web address would fetch it: what was asked for would be seen
outside, so only pictures that are in the message themselves pass.
"""

from __future__ import annotations

from ...errors import Rejected


def picture_data(url: str, provider: str) -> str:
    """The base64 of a data URL; raises Rejected for anything else."""
    scheme, _, rest = url.partition(":")
    kind, comma, data = rest.partition(",")
    if scheme.lower() == "data" and comma and kind.lower().endswith(";base64"):
        return data.strip()
    if scheme.lower() in ("http", "https"):
        raise Rejected(
            "An image is given by its web address, and local models do not fetch any.",
            "Attach the image itself.",
            provider=provider,
        )
    raise Rejected(
        "An image is in a form that cannot be read.",
        "Attach it as a file (base64 data URL).",
        provider=provider,
    )
