"""Identity and tax numbers of Europe: formats, checks, and the words that name them.

Pure data. Formats are public (issuing authorities, python-stdnum). Numbers of companies (VAT, NIP,
REGON) are not here: they are public.
"""

from __future__ import annotations

import re

from stdnum.at import vnr
from stdnum.be import nn
from stdnum.br import cpf
from stdnum.ch import ssn as ahv
from stdnum.cz import rc
from stdnum.de import idnr
from stdnum.es import dni, nie
from stdnum.fi import hetu
from stdnum.fr import nif as spi
from stdnum.fr import nir
from stdnum.gb import nhs, utr
from stdnum.ie import pps
from stdnum.it import codicefiscale
from stdnum.nl import bsn
from stdnum.no import fodselsnummer
from stdnum.pl import pesel
from stdnum.pt import cc, nif
from stdnum.ro import cnp

from .identity_checks import danish_date, german_document, german_pension, polish_document, swedish
from .identity_rule import Rule, anything, rule

# HMRC: letters that are not used, and prefixes that are not given out.
_NINO = r"(?!BG|GB|NK|KN|TN|NT|ZZ)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z]"

EUROPE: tuple[Rule, ...] = (
    rule(
        "GB NINO",
        _NINO + r" \d\d \d\d \d\d [A-D]|[A-Z]{2} \d{6} [A-Z]",
        anything,
    ),
    rule(
        "GB NINO by name",
        r"(?i:" + _NINO + r"[ -]?\d\d[ -]?\d\d[ -]?\d\d[ -]?[A-D]?)",
        anything,
        "national insurance",
        " nino ",
        " ni number ",
        " ni no ",
        " nin ",
        "insurance number",
    ),
    rule("GB NHS", r"\d{3}[ -]?\d{3}[ -]?\d{4}", nhs.is_valid, " nhs "),
    rule("GB UTR", r"\d{5} ?\d{5}", utr.is_valid, " utr ", "taxpayer reference"),
    rule("GB DVLA", r"[A-Z]{2}[A-Z9]{3}\d[0156]\d[0-3]\d{2}[A-Z][A-Z9]\d[A-Z]{2}", anything),
    rule("DE IdNr", r"\d{2} \d{3} \d{3} \d{3}", idnr.is_valid),
    rule(
        "DE IdNr bare",
        r"\d{11}",
        idnr.is_valid,
        "steuer",
        " idnr ",
        "identifikationsnummer",
        " tin ",
        "tax id",
    ),
    rule("DE pension", r"\d{2} ?\d{6} ?[A-Z] ?\d{3}", german_pension),
    rule(
        "DE Steuernummer",
        r"\d{2,3}[/ ]\d{3,4}[/ ]\d{4,5}",
        anything,
        "steuernummer",
        " st nr ",
        " stnr ",
    ),
    rule(
        "DE document",
        r"[CFGHJKLMNPRTVWXYZ][CFGHJKLMNPRTVWXYZ0-9]{8}\d?D?",
        german_document,
        "ausweis",
        "reisepass",
        " pass ",
        "passport",
        "personalausweis",
        "id card",
        "perso ",
    ),
    rule(
        "AT SVNR",
        r"[1-9]\d{3}[ -]?\d{6}",
        vnr.is_valid,
        "sozialversicherung",
        " svnr ",
        " sv nr ",
        " sv nummer ",
        "versicherungsnummer",
    ),
    rule("CH AHV", r"756[. ]?\d{4}[. ]?\d{4}[. ]?\d{2}", ahv.is_valid),
    rule(
        "FR NIR",
        r"[12] \d\d (?:[0-3]\d|[4-9]\d) (?:\d\d|2[AB]) \d{3} \d{3}(?: ?/? ?\d\d)",
        nir.is_valid,
    ),
    rule(
        "FR NIR bare",
        r"[12][ .]?\d\d[ .]?\d\d[ .]?(?:\d\d|2[AB])[ .]?\d{3}[ .]?\d{3}[ .]?\d\d",
        nir.is_valid,
        "sécu",
        "secu",
        " nir ",
        "social security",
        "insee",
        "numéro de sécurité",
    ),
    rule("FR SPI", r"[0-3]\d ?\d\d ?\d{3} ?\d{3} ?\d{3}", spi.is_valid, "fiscal", " spi "),
    rule(
        "FR CNI",
        r"\d{12}|[A-Z0-9]{2}\d{2}[A-Z0-9]{5}",
        lambda value: sum(char.isdigit() for char in value) > 4,
        "carte d identité",
        "carte nationale",
        " cni ",
    ),
    rule("ES DNI", r"\d{8}[- ]?[A-Za-z]", dni.is_valid),
    rule("ES DNI dotted", r"\d{2}\.\d{3}\.\d{3}[- ]?[A-Za-z]", dni.is_valid),
    rule("ES NIE", r"[XYZxyz][- ]?\d{7}[- ]?[A-Za-z]", nie.is_valid),
    rule(
        "ES social",
        r"\d{2}[ /-]?\d{8}[ /-]?\d{2}",
        lambda value: int(re.sub(r"\D", "", value)[:10]) % 97 == int(value[-2:]),
        "seguridad social",
        " nss ",
        "afiliación",
    ),
    rule(
        "IT codice fiscale",
        r"[A-Za-z]{6}\d[0-9LMNP-Vlmnp-v][A-Za-z][0-9LMNP-Vlmnp-v]{2}[A-Za-z]"
        r"[0-9LMNP-Vlmnp-v]{3}[A-Za-z]",
        codicefiscale.is_valid,
    ),
    rule("IT CIE", r"C[A-Z]\d{5}[A-Z]{2}", anything, "carta d identità", "identità", " cie "),
    rule(
        "NL BSN",
        r"\d{9}|\d{3}[. ]\d{3}[. ]\d{3}|\d{4}[. ]\d{2}[. ]\d{3}",
        bsn.is_valid,
        " bsn ",
        "burgerservice",
        "sofi",
        "sofinummer",
        "citizen service",
    ),
    rule("BE RN", r"\d{2}\.\d{2}\.\d{2}-\d{3}[.-]\d{2}", nn.is_valid),
    rule(
        "BE RN bare",
        r"\d{11}|\d{6}[ -]\d{3}[ -.]\d{2}",
        nn.is_valid,
        "rijksregister",
        "registre national",
        " insz ",
        " niss ",
        "national register",
    ),
    rule(
        "PL PESEL",
        r"\d(?:[ -]?\d){10}",
        lambda value: pesel.is_valid(re.sub(r"\D", "", value)),
        "pesel",
    ),
    rule(
        "PL dowód",
        r"[A-Za-z]{3}[ -]?\d{3} ?\d{3}",
        polish_document,
        "dowod",
        "dowód",
        "dowodu",
        "tożsamości",
        "legitym",
        "id card",
        "seri",
    ),
    rule("PL paszport", r"[A-Z]{2}[ -]?\d{3}[ -]?\d{4}", anything, "paszport", "passport"),
    rule(
        "PT NIF",
        r"[1235689]\d{2}[ .]?\d{3}[ .]?\d{3}",
        nif.is_valid,
        " nif ",
        "contribuinte",
        "fiscal",
    ),
    rule("PT CC", r"\d{8}[ -]?\d[ -]?[A-Z0-9]{2}\d", cc.is_valid),
    rule("PT NISS", r"[12]\d{10}", anything, " niss ", "segurança social"),
    rule("BR CPF", r"\d{3}\.\d{3}\.\d{3}-\d{2}", cpf.is_valid),
    rule("BR CPF bare", r"\d{11}|\d{9}-\d{2}", cpf.is_valid, " cpf "),
    rule("BR RG", r"\d{1,2}\.?\d{3}\.?\d{3}-?[\dXx]", anything, " rg "),
    # With this century's year, a date and a time of day are no number.
    rule(
        "SE personnummer", r"(?!20\d{6}-(?:[01]\d|2[0-3])[0-5]\d)(?:19|20)?\d{6}[-+]\d{4}", swedish
    ),
    rule(
        "SE personnummer bare",
        r"(?:19|20)?\d{6} ?\d{4}",
        swedish,
        "personnummer",
        "personnr",
        "samordning",
        " pnr ",
        "person nr",
    ),
    rule("FI HETU", r"\d{6}[-+A-FU-Y]\d{3}[0-9A-Y]", hetu.is_valid),
    rule("DK CPR", r"\d{6}[- ]?\d{4}", danish_date, " cpr ", "personnummer"),
    rule(
        "NO fødselsnummer",
        r"\d{6} ?\d{5}",
        fodselsnummer.is_valid,
        "fødselsnummer",
        "personnummer",
        "fodselsnummer",
    ),
    rule("IE PPS", r"\d{7}[A-W][A-IW]?", pps.is_valid, " pps ", " ppsn ", "public service"),
    rule("CZ RČ", r"\d{6}/\d{3,4}", rc.is_valid),
    rule("RO CNP", r"[1-8]\d{12}", cnp.is_valid, " cnp ", "numeric personal"),
)
