"""Phone numbers: international, national with a word in front, or in a shape that only they have.

Pure. `phonenumbers` (Google's library) knows the numbering plans; it is asked for single
candidates, since its own search through a text is slow. A bare row of digits without a word in
front is an order number to it and to us: it is not reported.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import phonenumbers

from .found import Found, Priority
from .kinds import Kind

# At most 17 digits with up to three signs between two of them, and an extension.
_CANDIDATE = re.compile(
    r"(?<![\w./+@#$€£-])(?<!\d[ (])(?<!\d[a-f] )(?<![a-f]\d )"
    r"(?:\+ ?|\( ?\+?)?\d(?:[ \u00a0()./-]{0,3}\d){5,16}(?!\d)"
    r"(?: ?(?:x|ext\.?|extension|Durchwahl|App\.?) ?\d{1,6})?(?![\w@]|[.:/-]\d|-\w)"
)
# E.164 allows 15 digits; six are the shortest local numbers that people write with a separator.
_MAX_DIGITS = 15
_MIN_DIGITS = 6
_MIN_BARE_DIGITS = 7
# Without a country a number that is dialled has nine digits or more, trunk zero included.
_MIN_NATIONAL_DIGITS = 9
_MIN_INTERNATIONAL_DIGITS = 8

# How the numbers of North America are written, and nothing else: 3-3-4 with an optional 1.
_NORTH_AMERICAN = re.compile(
    r"(?:\+?1[ .-]?)?(?:\([2-9]\d{2}\) ?|[2-9]\d{2}[.-])\d{3}[ .-]\d{4}(?!\d)"
)
_DAY, _MONTH = r"(?:0?[1-9]|[12]\d|3[01])", r"(?:0?[1-9]|1[0-2])"
_DATE = re.compile(
    rf"(?:{_DAY}[./-] ?{_MONTH}|{_MONTH}[./-]{_DAY})"
    r"[./-] ?(?:(?:19|20)\d{2}|\d{2}(?![./-]\d))(?!\d)"
    rf"|(?:19|20)\d{{2}}[./-]{_MONTH}[./-]{_DAY}(?!\d)"
)
# Years of a period, an invoice with its year, a fraction, an IP address.
_YEARS = re.compile(
    r"(?:19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\Z|"
    r"(?:19|20)\d{2} ?[-/] ?(?:19|20)\d{2}\Z|.{2,14}/(?:19|20)\d{2}\Z|\d{1,4}\.\d+\Z"
    r"|\d{1,3}(?:\.\d{1,3}){3}\Z"
)
# ZIP+4, Boston, MA 02110-1301.
_ZIP = re.compile(r"\d{5}-\d{4}\Z")
# Reserved for films: 555-0100 to 555-0199.
_FICTION = re.compile(r"1?(?:\d{3})?55501\d{2}\Z")
_AMOUNT_AFTER = re.compile(
    r"\s?(?:€|\$|£|%|EUR|USD|GBP|PLN|zł|kr\b|km\b|kg\b|ms\b|px\b|MB\b|GB\b|m²)"
)

# The nearest of these words in front decides. Words for a number as such decide nothing.
_PHONE_WORD = (
    r"phone|\btel\b|\btel\.|tél|telef|téléph|\btlf|mobil|\bcell|celular|handy|móvil|portable|"
    r"komórk|telemóvel|\bgsm\b|\bfax|whats ?app|\bsms\b|rufnummer|durchwahl|hotline|pager|"
    r"\bnumer(?:em)? kom|"
    r"\b(?:my|her|his|and|their) (?:number|nummer|numéro|número|numero|numer)\b"
)
# Also said of other things than phones: a bare row of digits must be as long as a whole number.
_CALL_WORD = (
    r"\bdesk\b|\bcall(?:ed|ing|s)?\b|\bring\b|\bdial|\btext(?: me)?\b|message|\breach|contact|"
    r"signal|llám|llama(?:me|r\b|d\b|nos)|appel|joindre|chiam|\bbel\b|bellen|dzwo|\blig(?:ue|ar|a)\b|anruf|erreich|"
    r"\bruf|kontakt|registered"
)
_OTHER_WORD = (
    r"order|invoice|account|refer|\bref\b|ticket|track|\bcase\b|serial|version|isbn|issn|\bnip\b|"
    r"regon|\bkrs\b|pesel|konto|kunden|policy|bestell|rechnung|artik|\bsku\b|\bpart\b|\bzip\b|post|"
    r"model|build|\bport\b|card|karte|passport|pass\b|licen|steuer|social|iban|\bid\b|\bdoi\b|"
    r"amount|price|total|prime|zamów|faktur|commande|pedido|ordine|betaling|member|patient|"
    r"record|mrn"
)
_WORD = re.compile(f"(?i)(?P<phone>{_PHONE_WORD})|(?P<call>{_CALL_WORD})|(?P<other>{_OTHER_WORD})")
# An e-mail address directly in front, as in a table or a signature.
_MAIL_BEFORE = re.compile(r"@[\w.-]{3,60}[>\"']?\s?[,;|\t/]\s?\"?\Z")
_WORD_CHARS = 48
# Countries whose numbers people write without the country code, with their trunk zero.
_ZERO_REGIONS = ("DE", "GB", "FR", "AT", "CH", "BE", "NL", "SE", "AU", "IT")
# So many questions to the library cost 0.1 s; a text with more such numbers is a list of numbers,
# and every further one is taken for one.
_MAX_QUESTIONS = 300


class _Plans:
    """Asks the library, a limited number of times."""

    def __init__(self) -> None:
        self._left = _MAX_QUESTIONS

    def is_possible(self, number: str) -> bool:
        if self._left <= 0:
            return True
        self._left -= 1
        try:
            return phonenumbers.is_possible_number(phonenumbers.parse(number, None))
        except phonenumbers.NumberParseException:
            return False

    def is_national(self, digits: str) -> bool:
        """A number with its trunk zero that some country's plan has."""
        for region in _ZERO_REGIONS:
            if self._left <= 0:
                return True
            self._left -= 1
            try:
                if phonenumbers.is_valid_number(phonenumbers.parse(digits, region)):
                    return True
            except phonenumbers.NumberParseException:
                continue
        return False


def find(text: str) -> Iterator[Found]:
    """Phone numbers, with their extension."""
    plans = _Plans()
    for match in _CANDIDATE.finditer(text):
        start = match.start()
        before = text[max(0, start - _WORD_CHARS) : start]
        if _is_phone(match.group(), before, text[match.end() : match.end() + 4], plans):
            yield Found(start, match.end(), Kind.PHONE, Priority.SHAPE)


def _is_phone(value: str, before: str, after: str, plans: _Plans) -> bool:
    main = re.split(r" ?(?:x|e|D|A)", value, maxsplit=1)[0]
    digits = re.sub(r"\D", "", main)
    if not _MIN_DIGITS <= len(digits) <= _MAX_DIGITS or _is_something_else(main, digits, after):
        return False
    if "+" in main[:3]:
        enough = len(digits) >= _MIN_INTERNATIONAL_DIGITS
        return enough and plans.is_possible("+" + digits.replace("0", "", "(0)" in main))
    word = _nearest_word(before)
    if word == "":
        return _has_shape(main, digits, plans)
    least = _MIN_BARE_DIGITS if word == "phone" else _MIN_NATIONAL_DIGITS
    return word != "other" and (not main.isdigit() or len(digits) >= least)


def _has_shape(main: str, digits: str, plans: _Plans) -> bool:
    """Without a word: the North American way, or a trunk zero and a plan that has it."""
    if _NORTH_AMERICAN.match(main):
        return True
    if main.isdigit() or len(digits) < _MIN_NATIONAL_DIGITS or _ZIP.match(main):
        return False
    if digits.startswith("00"):
        return plans.is_possible("+" + digits[2:])
    return digits.startswith("0") and plans.is_national(digits)


def _nearest_word(before: str) -> str:
    """What stands in front: "phone", "call" or "other"; the empty string for nothing."""
    if _MAIL_BEFORE.search(before):
        return "phone"
    words = list(_WORD.finditer(before))
    return words[-1].lastgroup or "" if words else ""


def _is_something_else(main: str, digits: str, after: str) -> bool:
    if _DATE.match(main) or _YEARS.match(main) or _AMOUNT_AFTER.match(after):
        return True
    if len(set(digits)) == 1 or _FICTION.match(digits):
        return True
    groups = re.findall(r"\d+", main)
    # 1 2 3 4 5 6 7: a list, not the digits of one number. Opened brackets close.
    if main.count("(") != main.count(")"):
        return True
    return "+" not in main and len(groups) * 2 > len(digits) + 1
