"""Takes out of an answer what would load or open something: images, tags, foreign addresses.

Pure. Knows which addresses an answer may show as links; brackets are for `cite`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from .links import (
    Allowed,
    address_in,
    bare_address,
    closing_bracket,
    destination,
    is_overlong,
    plain,
    skipped_address,
    tag,
    without_link,
)
from .walk import WAIT, Handler, Walker


class Outward(Walker):
    """`urls`: the addresses that may be linked to; `signs`: what deals with further signs."""

    def __init__(self, urls: Collection[str], signs: Mapping[str, Handler]) -> None:
        own = {"!": self._bang, "<": self._angle, "address": self._address}
        super().__init__({**own, **signs})
        self._allowed = Allowed(urls)

    def _bang(self, buffer: str, at: int) -> int:
        if self._lacks(buffer, at, 2):
            return WAIT
        if buffer[at + 1 : at + 2] != "[":
            return self._one(buffer, at)
        end = closing_bracket(buffer, at + 1)
        if end is None:
            return self._one(buffer, at)
        if not self._is_last and (end == WAIT or self._lacks(buffer, end, 2)):
            return WAIT
        link = destination(buffer, end + 1) if buffer[end + 1 : end + 2] == "(" else None
        if link == ("", WAIT) and not self._is_last:
            return WAIT
        if link is None or link[1] == WAIT:  # the bracket that follows will stand apart
            return self._one(buffer, at)
        self._out.leave_out()
        return link[1]

    def _angle(self, buffer: str, at: int) -> int:
        if self._lacks(buffer, at, 2):
            return WAIT
        after = buffer[at + 1 : at + 2]
        if not after or not (after.isalpha() or after in "/!?@#$|"):
            return self._one(buffer, at)
        found = tag(buffer, at)
        if found == ("", WAIT) and not self._is_last:
            return WAIT
        if found is None or found[1] == WAIT:
            self._out.put("< ")  # apart from what follows it, it is a sign of less
            return at + 1
        self._tag(found[0])
        return found[1]

    def _tag(self, text: str) -> None:
        address = address_in(text)
        if address is None:
            is_break = text[1:3].lower() == "br"
            self._out.leave_out(had_space=is_break)
        elif "://" in address:
            self._write_address(address)
        elif "@" in address and address.partition(":")[0] in (address, "mailto"):
            self._out.put(plain(address.removeprefix("mailto:"), self._allowed))
        else:  # javascript:, data: and the like
            self._out.leave_out()

    def _address(self, buffer: str, at: int) -> int:
        end = bare_address(buffer, at)
        if end == at:
            # The longest beginning of an address.
            if self._lacks(buffer, at, len("https://")):
                return WAIT
            return self._one(buffer, at)
        if is_overlong(end - at):
            self._is_skipping = True
        elif end == len(buffer) and not self._is_last:
            return WAIT
        read = self._write_address(buffer[at:end])
        return end if self._is_skipping else at + read

    def _write_address(self, address: str) -> int:
        shown, read = without_link(address, self._allowed)
        if shown:
            self._out.put_own(shown)
        else:
            self._out.leave_out()
        return read

    def _skip(self, buffer: str, at: int) -> int:
        end = skipped_address(buffer, at)
        self._is_skipping = end == len(buffer)
        return end
