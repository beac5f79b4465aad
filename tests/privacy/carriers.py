"""Sentences in nine languages that bring a private value along, written by ourselves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Carrier:
    """How a language introduces a value, which stands at `{}`; `ask` is a harmless question."""

    ask: str
    thanks: str
    card: str
    iban: str
    identity: str
    medical: str
    key: str
    wallet: str


CARRIERS: Mapping[str, Carrier] = {
    "en": Carrier(
        "Is every such group abelian?",
        "Noted, I have it.",
        "my card number is {}",
        "please use my IBAN {}",
        "my social security number is {}",
        "the patient's medical record number is {}",
        "the API key is {}",
        "send it to my wallet {}",
    ),
    "de": Carrier(
        "Warum ist der Himmel blau?",
        "Gut, das habe ich notiert.",
        "meine Kreditkartennummer ist {}",
        "bitte auf meine IBAN {}",
        "meine Steuer-ID lautet {}",
        "die Patientennummer lautet {}",
        "der API-Schlüssel lautet {}",
        "an meine Wallet {}",
    ),
    "fr": Carrier(
        "Pourquoi le ciel est-il bleu ?",
        "C'est noté.",
        "mon numéro de carte bancaire est {}",
        "sur mon IBAN {}",
        "mon numéro de sécurité sociale est {}",
        "le numéro de dossier médical est {}",
        "la clé API est {}",
        "vers mon portefeuille {}",
    ),
    "es": Carrier(
        "¿Por qué es azul el cielo?",
        "De acuerdo, anotado.",
        "mi número de tarjeta es {}",
        "a mi IBAN {}",
        "mi DNI es {}",
        "el número de historia clínica es {}",
        "la clave de API es {}",
        "a mi monedero {}",
    ),
    "it": Carrier(
        "Perché il cielo è blu?",
        "Va bene, ho preso nota.",
        "il mio numero di carta è {}",
        "sul mio IBAN {}",
        "il mio codice fiscale è {}",
        "il numero di cartella clinica è {}",
        "la chiave API è {}",
        "al mio portafoglio {}",
    ),
    "nl": Carrier(
        "Waarom is de lucht blauw?",
        "Goed, genoteerd.",
        "mijn kaartnummer is {}",
        "op mijn IBAN {}",
        "mijn BSN is {}",
        "het patiëntnummer is {}",
        "de API-sleutel is {}",
        "naar mijn wallet {}",
    ),
    "pl": Carrier(
        "Dlaczego niebo jest niebieskie?",
        "Dobrze, zapisałem.",
        "mój numer karty to {}",
        "na mój IBAN {}",
        "mój PESEL to {}",
        "numer dokumentacji medycznej: {}",
        "klucz API to {}",
        "na mój portfel {}",
    ),
    "pt": Carrier(
        "Por que o céu é azul?",
        "Certo, anotei.",
        "o número do meu cartão é {}",
        "para o meu IBAN {}",
        "o meu NIF é {}",
        "o número do processo clínico é {}",
        "a chave de API é {}",
        "para a minha carteira {}",
    ),
    "sv": Carrier(
        "Varför är himlen blå?",
        "Bra, det är antecknat.",
        "mitt kortnummer är {}",
        "till mitt IBAN {}",
        "mitt personnummer är {}",
        "patientens journalnummer är {}",
        "API-nyckeln är {}",
        "till min plånbok {}",
    ),
}
