"""Finds licence plates: the national formats, beside a word such as "plate" or "Kennzeichen".

Pure. Without a word only the German form with a hyphen and a known district is sure enough. It does
not know whether a plate was ever issued.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from .found import Found, Priority
from .kinds import Kind

# One of these has to be in the text, in any case.
_STEMS = (
    "plate", "licen", "kennzeichen", "immatric", "plaque", "matr", "targa", "targat", "kenteken",
    "nummerplaat",
    "rejestr", "nr rej", "tablic", "registr", "placa", "regnr", "reg nr", "reg. nr", "regnummer",
    "skylt",
    "number plate", "reg:", "reg.", " reg ", "vehicle", "nummernschild", "kfz", "carplate", "vrm",
)  # fmt: skip
_CUE = re.compile(
    r"\b(?:(?:licen[cs]e|number|registration|car|vehicle) ?-?plates?|plates?(?: no\.?| number)?"
    r"|(?:vehicle|car) (?:reg(?:istration|\.)?|number|with)|registration (?:no\.?|number|mark)"
    r"|reg\.?(?: no\.?)?"
    r"|vrm|kennzeichen|kfz-kennzeichen|amtl\. kennzeichen|nummernschild|(?:plaque"
    r"|plaques)(?: d'immatriculation)?"
    r"|immatricul(?:ation|ée?|é)|matr[ií]cula|placas?|targ(?:a|he|ata|ato)|kenteken|nummerplaat"
    r"|(?:numer|nr|nru|numeru|numerze)\.? rej(?:estracyjny\w{0,3}|\.)?|rejestracyjn\w{1,4}"
    r"|rejestracj\w{1,2}"
    r"|tablic\w{0,2}(?: rejestracyjn\w{1,3})?|registreringsnummer|regnummer|reg\.?nr|nummerskylt"
    r"|skylt)(?![^\W\d_])",
    re.IGNORECASE,
)
_UPPER = "A-ZÄÖÜ"
_FORMS = (
    rf"[{_UPPER}]{{1,3}}[- ][A-Z]{{1,2}}[ -]?\d{{1,4}}[EH]?",  # DE, AT in part
    r"[A-Z]{2}[- ]?\d{3}[- ]?[A-Z]{2}",  # FR, IT
    r"\d{1,4}[ -]?[A-Z]{2,3}[ -]?\d{2}",  # FR until 2009
    r"[A-Z]{2}\d{2} ?[A-Z]{3}|[A-Z]\d{1,3} ?[A-Z]{3}|[A-Z]{3} ?\d{1,3}[A-Z]",  # UK
    r"\d{4}[ -]?[BCDFGHJKLMNPRSTVWXYZ]{3}|[A-Z]{1,2}[ -]\d{4}[ -][A-Z]{1,2}",  # ES
    r"[A-Z]{1,3}[- ]?\d{2,3}[- ]?[A-Z]{1,2}|\d{1,2}-?[A-Z]{2,3}-?\d{1,2}|[A-Z]{2}-\d{2}-\d{2}"
    r"|\d{2}-\d{2}-[A-Z]{2}|[A-Z]{2}-\d{2}-[A-Z]{2}|[A-Z]{2}-[A-Z]{2}-\d{2}"
    r"|\d{2}-[A-Z]{2}-[A-Z]{2}",  # NL, PT
    r"[A-Z]{2,3}[ -]?(?=[A-Z]{0,3}\d)[0-9A-Z]{4,6}",  # PL
    r"[A-Z]{3}[ -]?\d{2}[0-9A-Z]|[A-Z]{3}[ -]?\d[A-Z]\d{2}|[A-Z]{3}[ -]?\d{4}",  # SE, BR, US
    rf"[{_UPPER}]{{1,2}}[- ]\d{{1,5}}[ -]?[A-Z]{{0,3}}|[A-Z]{{2}} ?\d{{1,6}}",  # AT, CH
    r"\d[A-Z]{3}\d{3}|\d-[A-Z]{3}-\d{3}|[A-Z]{3}[- ]\d{3,4}|\d{3}[- ][A-Z]{3}"
    r"|[A-Z]\d{2}-[A-Z]\d{2}",  # US, BE
)
# The ending of a file that is named after the plate may follow.
_NOT_IN_A_WORD = r"(?![\w/@]|-\w|\.(?!(?:txt|pdf|docx?|csv|xlsx?|png|jpe?g|heic)\b)\w)"
_PLATE = re.compile(
    rf"(?<![\w/.-])(?:{'|'.join(sorted(_FORMS, key=len, reverse=True))}){_NOT_IN_A_WORD}"
)
# The cue's own words, a colon, "is", "des Wagens", a table's bar.
_AFTER_CHARS = 48
# These are words of other things too: their plate follows nearly at once.
_WEAK = frozenset(
    ["plate", "plates", "placa", "placas", "plaque", "plaques", "reg", "reg.", "skylt"]
)
_WEAK_CHARS = 12  # " number is: "
# A sentence ends there, or another number follows.
_STOP = re.compile(
    r"[!?;\n]|\. [A-ZÀ-Ž]|\b(?:vin|nip|regon|pesel|krs|iban|isbn|invoice|order)\b", re.IGNORECASE
)

# German districts of the larger cities and counties; a hyphen and the digits make the form sure.
_DISTRICT_WORDS = (
    "A AA AB AC AN AÖ AS AUR AW B BA BB BC BI BIT BL BM BN BO BOR BOT BS BT C CB CE CO COE CUX CW"
    " D DA DAH DAN DAU DD DE DH DN DO DON DU E EBE EE EF EI EIC EL EM EMD EN ER ERB ERH ERZ ES ESW"
    " EU F FB FD FDS FF FFB FG FL FN FO FR FRG FS FT FÜ G GAP GE GER GF GG GI GL GM GÖ GP GS GT"
    " GTH GÜ GZ H HA HAL HAM HB HD HDH HE HEF HEI HF HG HGW HH HI HL HM HN HO HOL HOM HP HR HRO HS"
    " HSK HST HU HX HZ IGB IK IN J JL K KA KB KC KE KEH KF KG KH KI KL KLE KN KO KR KS KT KU KÜN"
    " KUS L LA LAU LB LD LDK LER LEV LG LI LIF LIP LL LM LÖ LOS LU LWL M MA MB MD ME MEI MG MH MI"
    " MIL MK MKK MM MN MOS MR MS MSP MTK MÜ MYK MZ MZG N NB ND NE NEA NES NEW NF NI NK NM NMS NOH"
    " NOM NR NU NW OA OAL OB OF OG OH OHZ OL OS OSL P PA PAF PAN PB PE PF PI PIR PLÖ PM PN PR PS R"
    " RA RD RE REG RH RO ROW RP RS RT RV RW S SB SC SE SG SHA SHG SHK SI SIG SIM SK SL SLS SM SN"
    " SO SOK SON SP SPN SR ST STA STD SU SÜW SW SZ TBB TIR TO TR TS TÜ TUT UE UL UM UN VB VEC VER"
    " VIE VK VS W WAF WB WE WEN WES WF WHV WI WIL WL WM WN WND WO WOB WST WT WTM WÜ WUG WUN WW WZ"
    " Z ZW"
)
_DISTRICTS = frozenset(_DISTRICT_WORDS.split())
_GERMAN = re.compile(
    rf"(?<![\w/.-])([{_UPPER}]{{1,3}})-[A-Z]{{1,2}} [1-9]\d{{0,3}}[EH]?(?!,\w){_NOT_IN_A_WORD}"
)


def find(text: str) -> Iterator[Found]:
    """Yields plates near a cue, and German ones anywhere."""
    if "-" in text:
        for match in _GERMAN.finditer(text):
            if match[1] in _DISTRICTS:
                yield Found(match.start(), match.end(), Kind.PLATE, Priority.SHAPE)
    folded = text.lower()
    if not any(stem in folded for stem in _STEMS):
        return
    for cue in _CUE.finditer(text):
        # A plate has at most 10 characters.
        plate = _PLATE.search(text, cue.end(), min(len(text), cue.end() + _AFTER_CHARS + 12))
        if plate is None or plate.start() - cue.end() > _AFTER_CHARS:
            continue
        if cue.group().lower() in _WEAK and plate.start() - cue.end() > _WEAK_CHARS:
            continue
        if _is_plate(plate.group()) and not _STOP.search(text, cue.end(), plate.start()):
            yield Found(plate.start(), plate.end(), Kind.PLATE, Priority.NAMED)


def _is_plate(value: str) -> bool:
    """Four signs at least, a letter and a digit among them."""
    signs = [sign for sign in value if sign.isalnum()]
    return len(signs) >= 4 and any(map(str.isdigit, signs)) and any(map(str.isalpha, signs))
