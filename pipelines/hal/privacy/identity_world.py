"""Identity and tax numbers outside Europe: formats, checks, and the words that name them.

Pure data. Formats are public (issuing authorities, python-stdnum). Numbers of companies (EIN, CNPJ)
are not here: they are public.
"""

from __future__ import annotations

import re

from stdnum import verhoeff
from stdnum.au import tfn
from stdnum.ca import sin
from stdnum.cl import rut
from stdnum.in_ import pan
from stdnum.iso7064 import mod_11_2
from stdnum.kr import rrn
from stdnum.mx import curp
from stdnum.tr import tckimlik
from stdnum.us import itin, ssn
from stdnum.za import idnr as south_africa

from .identity_rule import Rule, anything, rule

WORLD: tuple[Rule, ...] = (
    rule("US SSN", r"\d{3}-\d{2}-\d{4}", ssn.is_valid),
    rule(
        "US SSN by name",
        r"\d{3}[ .]?\d{2}[ .]?\d{4}",
        ssn.is_valid,
        " ssn ",
        "social security",
        "social sec ",
        "seguro social",
    ),
    rule("US ITIN", r"9\d{2}-[5-9]\d-\d{4}", itin.is_valid),
    rule("US ITIN by name", r"9\d{2} ?[5-9]\d ?\d{4}", itin.is_valid, " itin ", "taxpayer"),
    # Not "sin" alone: it is a function, and a Spanish word.
    rule(
        "CA SIN",
        r"\d{3}([- ]?)\d{3}\1\d{3}",
        sin.is_valid,
        " my sin ",
        " sin number",
        " sin no ",
        "social insurance",
        "assurance sociale",
    ),
    rule("TR kimlik", r"[1-9]\d{10}", tckimlik.is_valid, "kimlik", " tc ", " t c "),
    rule(
        "IN Aadhaar",
        r"[2-9]\d{3}([ -]?)\d{4}\1\d{4}",
        lambda value: verhoeff.is_valid(re.sub(r"\D", "", value)),
        "aadhaar",
        "aadhar",
        " uid ",
        "uidai",
    ),
    rule(
        "IN PAN",
        r"[A-Z]{3}[ABCFGHLJPT][A-Z]\d{4}[A-Z]",
        pan.is_valid,
        " pan ",
        "income tax",
        "permanent account",
    ),
    rule("AU TFN", r"\d{3} ?\d{3} ?\d{3}", tfn.is_valid, " tfn ", "tax file"),
    rule("AU Medicare", r"[2-6]\d{3} ?\d{5} ?\d", anything, "medicare"),
    rule("MX CURP", r"[A-Z]{4}\d{6}[HMX][A-Z]{5}[0-9A-Z]\d", curp.is_valid),
    rule("CL RUT", r"\d{1,2}\.\d{3}\.\d{3}-[\dkK]", rut.is_valid),
    rule(
        "CN id", r"[1-9]\d{5}(?:19|20)\d{9}[\dXx]", lambda value: mod_11_2.is_valid(value.upper())
    ),
    rule("KR RRN", r"\d{6}-\d{7}", rrn.is_valid),
    rule(
        "ZA id",
        r"\d{6} ?\d{4} ?\d{3}",
        south_africa.is_valid,
        "south afric",
        " id number ",
        " sa id ",
        "identity",
    ),
    rule(
        "tax number",
        r"[A-Z]{0,2}\d[\d ./-]{6,14}\d",
        anything,
        "tax id",
        "tax identification",
        "taxpayer id",
        "steuer id",
        "steueridentifikation",
        "steuernummer",
        "identificación fiscal",
    ),
)
