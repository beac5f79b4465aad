"""The token that stands for a private value, and the spellings under which it comes back.

Pure. `[[PERSON_7K2_1]]` is the type, the nonce of the chat and a number; the name parts of a person
carry a fourth piece, as in `[[PERSON_7K2_1_LAST]]`. Models change what they copy: case, brackets,
escapes, line ends. The grammar here takes those changes and no other: there is no edit distance,
because `_1` and `_12` are one edit apart. Knows no value.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from types import MappingProxyType

from .grammar import Ahead, Behind, Chain, Choice, Framed, Literal, Node, OneOf, Repeat, maybe
from .kinds import Kind

# Neutral words: a label such as "SSN" beside a token makes models refuse (NoPII: 15-20 %).
TYPE_NAMES: Mapping[Kind, str] = MappingProxyType(
    {
        Kind.EMAIL: "EMAIL",
        Kind.PHONE: "PHONE",
        Kind.CREDIT_CARD: "CARD",
        Kind.IBAN: "ACCOUNT",
        Kind.NATIONAL_ID: "ID",
        Kind.MRN: "ID",
        Kind.IP: "IP",
        Kind.MAC: "DEVICE",
        Kind.PERSON: "PERSON",
        Kind.ADDRESS: "PLACE",
        Kind.DOB: "DATE",
        Kind.SECRET: "SECRET",
        Kind.URL_CRED: "SECRET",
        Kind.CRYPTO: "WALLET",
        Kind.PLATE: "PLATE",
    }
)
# Stands for text that only looks like a token: nobody's value, put back as it was.
LITERAL = "TEXT"
ALL_TYPES = frozenset(TYPE_NAMES.values()) | {LITERAL}
PARTS = ("FIRST", "LAST", "MIDDLE", "FULL")

# Without 0, 1, I, L and O, which are misread, and without vowels, which make words.
_LETTERS = "BCDFGHJKMNPQRSTVWXZ"
_DIGITS = "23456789"
_NONCE_CHARS = 3
# With a free choice among 12,000 the second try nearly always succeeds. Past this many a text is
# made to hold them all; scrubbing masks look-alikes anyway.
_NONCE_TRIES = 64
# More numbers than a vault gives out.
NUMBER_DIGITS = 5

# A letter or digit before a bare token forbids it, save in scripts without spaces between words.
# Two ranges at most: larger sets of characters take milliseconds to compile.
_NO_LETTER_BEFORE = r"(?:(?<![^\W_])|(?<=[\u0e00-\u17ff\u2e80-\ud7af]))"
# `_` before a token is emphasis, unless a word stands before it: NATIONAL_ID_7K2_1.
_NO_WORD_BEFORE = Behind(rf"{_NO_LETTER_BEFORE}(?<![^\W_]_)")
CONTEXT_CHARS = 2  # how far _NO_WORD_BEFORE looks

# A space, or a line end of either kind.
_SPACE = Repeat(OneOf(r"\s"), 0, 2)
_UNDERSCORE = Chain((maybe(Literal("\\")), Literal("_")))
_LINE_END = Chain((Literal("\r"), Literal("\n")))
_SEPARATOR = Repeat(Choice((_UNDERSCORE, _LINE_END, OneOf(r"[-\u2010\u2011\s]"))), 1, 2)
# No space before a part: in "PERSON_7K2_1 last saw ..." it is a word of the sentence.
_PART_SEPARATOR = Repeat(_UNDERSCORE, 1, 2)
# Written within the brackets: the genitive, the plural, the end of the sentence.
_ENDING = Choice((Chain((maybe(OneOf("['’]")), Literal("s"))), OneOf("[.,;:!?]")))
_DIGIT_AHEAD = Ahead(r"(?!\d)")
_LINK_AHEAD = Ahead(r"(?!\()")


# What models and the renderers between turn [[ ]] into: Markdown escapes, HTML, URLs, other signs.
_OTHER_BRACKETS = (
    ("\\[\\[", "\\]\\]"),
    ("\\[", "\\]"),
    ("<", ">"),
    ("&lt;", "&gt;"),
    ("&#91;&#91;", "&#93;&#93;"),
    ("%5B%5B", "%5D%5D"),
    ("{{", "}}"),
    ("⟦", "⟧"),
    ("【", "】"),
)


def nonce_for(key: bytes, chat_id: str, occupied: Callable[[str], bool]) -> str:
    """Three characters, the same for a chat as long as `key` is; the next ones when occupied."""
    nonce = ""
    for attempt in range(_NONCE_TRIES):
        nonce = _candidate(key, chat_id, attempt)
        if not occupied(nonce):
            break
    return nonce


def _candidate(key: bytes, chat_id: str, attempt: int) -> str:
    """Letters and digits mixed: "ID 222 1" is ordinary text."""
    alphabet = _LETTERS + _DIGITS
    for turn in range(256):  # one in three candidates is not mixed
        digest = hmac.new(key, f"{attempt}\0{turn}\0{chat_id}".encode(), sha256).digest()
        chars = [digest[2 * at] << 8 | digest[2 * at + 1] for at in range(_NONCE_CHARS)]
        nonce = "".join(alphabet[char % len(alphabet)] for char in chars)
        if set(nonce) & set(_LETTERS) and set(nonce) & set(_DIGITS):
            return nonce
    return "7K2"  # not reached: 3 to the power of -256


def format_token(type_name: str, nonce: str, number: int, part: str = "") -> str:
    suffix = f"_{part}" if part else ""
    return f"[[{type_name}_{nonce}_{number}{suffix}]]"


def occurs(nonce: str, texts: Iterable[str]) -> bool:
    """Whether a text holds something that reads like a token with this nonce."""
    look_alikes = LookAlikes(nonce)
    return any(True for text in texts for _ in look_alikes.find(text))


@dataclass(frozen=True, slots=True)
class Token:
    """What a spelling means; `part` is empty for the value as it was first seen.

    `ending` is what a model has written within the brackets and belongs behind them.
    """

    type_name: str
    number: int
    part: str
    ending: str


class TokenGrammar:
    """The spellings of the tokens of one nonce and some types."""

    def __init__(self, nonce: str, types: Collection[str]) -> None:
        phrase = _phrase(nonce, types)
        self.longest = phrase.longest()
        # The nonce is in every token and in hardly any other text: it is looked for first.
        self._nonce = re.compile(Literal(nonce).full())
        self._full = re.compile(phrase.full())
        self._pending = re.compile(f"{phrase.pending()}\\Z")
        self._read = re.compile(_reader(nonce, types))

    def find(self, text: str, start: int = 0) -> re.Match[str] | None:
        """The first token from `start` on, brackets included."""
        nonce = self._nonce.search(text, start)
        if nonce is None:
            return None
        return self._full.search(text, max(start, nonce.start() - self.longest))

    def pending_from(self, text: str, start: int = 0) -> int:
        """Where at the end of `text` something begins that is not decided; its length if nowhere.

        True only if nothing before `start` is undecided.
        """
        found = self._pending.search(text, max(start, len(text) - self.longest))
        return found.start() if found else len(text)

    def read(self, spelling: str) -> Token:
        found = self._read.search(spelling)
        if found is None:  # `spelling` came from `find`
            raise ValueError("this is not a token")
        name, number, part, ending = found.groups(default="")
        return Token(name.upper(), int(number), part.upper(), ending)


class LookAlikes:
    """What reads like a token of this nonce, of any type, without brackets, even inside a word."""

    def __init__(self, nonce: str) -> None:
        self._nonce = re.compile(Literal(nonce).full())
        # Any digits: what follows them may be masked, and then they end there.
        core = Chain((*_head(nonce, ALL_TYPES), Repeat(OneOf("[0-9]"), 1, NUMBER_DIGITS)))
        self._core = re.compile(core.full())

    def find(self, text: str) -> Iterator[tuple[int, int]]:
        """Where they are: start and end, left to right."""
        if self._nonce.search(text):
            yield from (found.span() for found in self._core.finditer(text))


def _head(nonce: str, types: Collection[str]) -> tuple[Node, ...]:
    """A token up to its number."""
    names = Choice([Literal(name) for name in sorted(types)])
    return names, _SEPARATOR, Literal(nonce), _SEPARATOR


def _core(nonce: str, types: Collection[str]) -> Chain:
    """A token without brackets."""
    number = (OneOf("[1-9]"), Repeat(OneOf("[0-9]"), 0, NUMBER_DIGITS - 1), _DIGIT_AHEAD)
    parts = (maybe(_part(_PART_SEPARATOR)),) if "PERSON" in types else ()
    return Chain((*_head(nonce, types), *number, *parts))


def _part(separator: Node) -> Chain:
    return Chain((separator, Choice([Literal(part) for part in PARTS])))


def _phrase(nonce: str, types: Collection[str]) -> Framed:
    """A token with what is left of its brackets.

    Double brackets are ours, whole or not, and within a whole pair a part may follow a space.
    Single ones are taken only in pairs, and not those of a link, and a lone closing one may be
    anybody's.
    """
    whole = Chain((maybe(_part(_SEPARATOR)), maybe(_ENDING), _closing("]]")))
    single = Choice((_closing("]]"), Chain((_closing("]"), _LINK_AHEAD))))
    frames: list[tuple[Node, Node]] = [
        (_opening("[["), maybe(Choice((whole, _closing("]"))))),
        (Chain((_NO_WORD_BEFORE, _opening("["))), single),
        *((_opening(opener), _closing(closer)) for opener, closer in _OTHER_BRACKETS),
        (_NO_WORD_BEFORE, maybe(Literal("]]"))),
    ]
    return Framed("frame", frames, _core(nonce, types))


def _opening(bracket: str) -> Node:
    return Chain((Literal(bracket), _SPACE))


def _closing(bracket: str) -> Node:
    return Chain((_SPACE, Literal(bracket)))


def _reader(nonce: str, types: Collection[str]) -> str:
    """Reads the pieces of what the grammar has accepted."""
    between = r"[\W_]{1,8}"
    name, part = (Choice([Literal(word) for word in words]).full() for words in (types, PARTS))
    number = rf"([0-9]+)(?:{between}({part}))?"
    ending = rf"({_ENDING.full()}(?={_closing(']]').full()}\Z))?"
    return rf"({name}){between}{Literal(nonce).full()}{between}{number}{ending}"
