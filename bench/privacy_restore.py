"""How well tokens come back: any chunking of random texts, and a model that miscopies them.

    python bench/privacy_restore.py [--cases 1000000] [--sentences 20000] [--seed 1]

The first part cuts texts that are dense in fragments of tokens, and compares what streams out with
what the whole text gives. The second part writes sentences with tokens that were changed the way
models and renderers change them. Data on stdout, progress on stderr; exit code 1 on a difference
or on a wrong restore. Ratios of a machine, not of a test.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import unquote

from hal.privacy.kinds import Kind
from hal.privacy.restore import Restorer, restore
from hal.privacy.vault import Vault

_FRAGMENTS = """
    [ ] [[ ]] < > {{ }} ⟦ ⟧ 【 】 &lt; &gt; &#91;&#91; &#93;&#93; %5B%5B %5D%5D \\[ \\]
    \\[\\[ \\]\\] PERSON person Person EMAIL ID PLACE PER P E i SSN LAST first _ \\_ __ - ‑
    7K2 7k2 7 K2 7K3 1 2 12 0 9 123456 ( ) . , ' ’ s x é 王 PERSON_7K2_1 [[EMAIL_7K2_12]]
    _7K2_3 ** `
"""
FRAGMENTS = (*_FRAGMENTS.split(), " ", "\n", "\r\n", "\u00a0")
TOKENS = ("[[PERSON_7K2_1]]", "PERSON_7K2_12_LAST", "&lt;EMAIL\\_7K2\\_3&gt;", "[ID_7K2_1]")
PIECE_CHARS = (1, 2, 4, 9, 40)
PERSONS = 40
PROGRESS_EVERY = 50_000


def filled() -> Vault:
    """Persons 1 to 40 with their parts, and as many mail addresses: 1, 12 and 21 all exist."""
    vault = Vault("7K2")
    for number in range(1, PERSONS + 1):
        vault.token_for(Kind.PERSON, f"«V{number}» «N{number}»")
        vault.token_for(Kind.EMAIL, f"«m{number}»@b.de")
    vault.token_for(Kind.NATIONAL_ID, "«id1»")
    return vault


@dataclass(slots=True)
class Chunking:
    """What the first part has seen."""

    cases: int = 0
    characters: int = 0
    restored: int = 0
    different: int = 0
    most_held: int = 0
    streaming_s: float = 0.0


def chunking(cases: int, rng: random.Random, vault: Vault) -> Chunking:
    seen = Chunking()
    for case in range(cases):
        text = random_text(rng)
        whole = restore(text, vault)
        pieces = cut(text, rng)
        started = time.perf_counter()
        came, held, restored = streamed(pieces, vault)
        seen.streaming_s += time.perf_counter() - started
        seen.cases += 1
        seen.characters += len(text)
        seen.restored += restored
        seen.most_held = max(seen.most_held, held)
        if came != whole:
            seen.different += 1
            print(f"difference: {pieces!r}: {came!r} is not {whole!r}")
        if case % PROGRESS_EVERY == PROGRESS_EVERY - 1:
            print(f"{case + 1:,} of {cases:,}", file=sys.stderr)
    return seen


def random_text(rng: random.Random) -> str:
    text = "".join(rng.choices(FRAGMENTS, k=rng.randrange(1, 12)))
    if rng.random() < 0.5:
        token = rng.choice(TOKENS)
        at = rng.randrange(len(token))
        text += token[:at] + rng.choice((token[at], "", rng.choice(FRAGMENTS))) + token[at + 1 :]
    return text


def cut(text: str, rng: random.Random) -> list[str]:
    longest = rng.choice(PIECE_CHARS)
    pieces, at = [], 0
    while at < len(text):
        size = rng.randint(1, longest)
        pieces.append(text[at : at + size])
        at += size
    return pieces


def streamed(pieces: list[str], vault: Vault) -> tuple[str, int, int]:
    restorer, out, most = Restorer(vault), [], 0
    for piece in pieces:
        out.append(restorer.feed(piece))
        most = max(most, restorer.held_chars)
    out.append(restorer.flush())
    return "".join(out), most, restorer.restored


# How a model or a renderer changes a token that it copies.
MUTATIONS: dict[str, Callable[[str], str]] = {
    "as written": lambda token: token,
    "lower case": str.lower,
    "title case": lambda token: token.replace("PERSON", "Person").replace("EMAIL", "Email"),
    "single brackets": lambda token: token[1:-1],
    "no brackets": lambda token: token[2:-2],
    "opening brackets lost": lambda token: token[2:],
    "closing brackets lost": lambda token: token[:-2],
    "one opening bracket lost": lambda token: token[1:],
    "one closing bracket lost": lambda token: token[:-1],
    "spaces within": lambda token: f"[[ {token[2:-2]} ]]",
    "spaces for underscores": lambda token: token.replace("_", " "),
    "hyphens for underscores": lambda token: token.replace("_", "-"),
    "doubled underscores": lambda token: token.replace("_", "__"),
    "escaped underscores": lambda token: token.replace("_", "\\_"),
    "escaped brackets": lambda token: token.replace("[", "\\[").replace("]", "\\]"),
    "all escaped": lambda token: "".join("\\" + c if c in "[]_" else c for c in token),
    "wrapped after the type": lambda token: token.replace("_", "_\n", 1),
    "wrapped before the number": lambda token: token.replace("K2_", "K2_\r\n"),
    "wrapped after the brackets": lambda token: f"[[\n{token[2:-2]}\n]]",
    "HTML brackets": lambda token: token.replace("[", "&#91;").replace("]", "&#93;"),
    "angle brackets": lambda token: f"<{token[2:-2]}>",
    "HTML angle brackets": lambda token: f"&lt;{token[2:-2]}&gt;",
    "URL brackets": lambda token: f"%5B%5B{token[2:-2]}%5D%5D",
    "braces": lambda token: f"{{{{{token[2:-2]}}}}}",
    "mathematical brackets": lambda token: f"⟦{token[2:-2]}⟧",
    "bold": lambda token: f"**{token}**",
    "italics": lambda token: f"_{token}_",
    "italics without brackets": lambda token: f"_{token[2:-2]}_",
    "bold within": lambda token: f"[[**{token[2:-2]}**]]",
    "code": lambda token: f"`{token}`",
    "quoted": lambda token: f'"{token}"',
    "a link": lambda token: f"[{token}](https://x.example/a)",
    "genitive": lambda token: f"{token}'s",
    "genitive within": lambda token: f"{token[:-2]}'s]]",
    "plural": lambda token: f"{token}s",
    "plural without brackets": lambda token: f"{token[2:-2]}s",
    "inflected": lambda token: f"{token}owi",
    "full stop within": lambda token: f"{token[:-2]}.]]",
    "comma within": lambda token: f"{token[:-2]},]]",
}
# Things that a grammar without edit distance leaves alone, on purpose.
BROKEN: dict[str, Callable[[str], str]] = {
    "a letter of the type lost": lambda token: token.replace("ERS", "ES").replace("AI", "A"),
    "a letter of the nonce lost": lambda token: token.replace("7K2", "7K"),
    "another nonce": lambda token: token.replace("7K2", "7K3"),
    "a leading zero": lambda token: token.replace("K2_", "K2_0"),
    "a number nobody has": lambda token: token.replace("K2_", "K2_77"),
}
SENTENCES = (
    "Dear {}, thank you for your letter.",
    "Please ask {} about it; the rest is up to {}.",
    "{} and {} met in the park (with {}).",
    "- {}: done\n- {}: open",
    "| {} | 12 |\n| {} | 7 |",
    "Sehr geehrte Frau {}, Ihr Termin mit {} steht.",
    "Wrote to {}.",
    "1. {}\n2. {}\n12. done",
)


def miscopied(
    mutate: Callable[[str], str], sentences: int, rng: random.Random, vault: Vault
) -> Counter[str]:
    """How many tokens came back, were lost, or came back as somebody else."""
    seen: Counter[str] = Counter()
    for _ in range(sentences):
        sentence = rng.choice(SENTENCES)
        wanted = [random_value(rng) for _ in range(sentence.count("{}"))]
        text = sentence.format(*(mutate(token) for token, _ in wanted))
        came = unquote(streamed(cut(text, rng), vault)[0])  # in URLs values are written for them
        values = Counter(value for _, value in wanted)
        found = Counter({value: came.count(value) for value in all_values(vault) if value in came})
        seen["tokens"] += len(wanted)
        seen["restored"] += (values & found).total()
        seen["wrong"] += (found - values).total()
    seen["lost"] = seen["tokens"] - seen["restored"]
    return seen


def random_value(rng: random.Random) -> tuple[str, str]:
    number = rng.randint(1, PERSONS)
    if rng.random() < 0.5:
        return f"[[PERSON_7K2_{number}]]", f"«V{number}» «N{number}»"
    return f"[[EMAIL_7K2_{number}]]", f"«m{number}»@b.de"


def all_values(vault: Vault) -> list[str]:
    numbers = range(1, PERSONS + 1)
    both = [(vault.value_of("PERSON", n), vault.value_of("EMAIL", n)) for n in numbers]
    return [value for pair in both for value in pair if value]


def report(name: str, seen: Counter[str]) -> None:
    lost, wrong = (seen[key] / seen["tokens"] for key in ("lost", "wrong"))
    print(f"  {name:30} {seen['tokens']:7,} tokens  lost {lost:7.2%}  wrong {wrong:7.2%}")


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--cases", type=int, default=1_000_000)
    parser.add_argument("--sentences", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    rng, vault = random.Random(options.seed), filled()
    seen = chunking(options.cases, rng, vault)
    per_char_us = 1e6 * seen.streaming_s / max(1, seen.characters)
    print(
        f"{seen.cases:,} texts, {seen.characters:,} characters, {seen.restored:,} tokens restored:"
        f" {seen.different} differences, {seen.most_held} characters held at most,"
        f" {per_char_us:.2f} µs per character"
    )
    wrong = 0
    for title, mutations in (("miscopied", MUTATIONS), ("beyond repair", BROKEN)):
        total: Counter[str] = Counter()
        print(f"{title}:")
        for name, mutate in mutations.items():
            one = miscopied(mutate, options.sentences // len(mutations), rng, vault)
            report(name, one)
            total += one
        report("all", total)
        wrong += total["wrong"]
    return 1 if seen.different or wrong else 0


if __name__ == "__main__":
    sys.exit(main())
