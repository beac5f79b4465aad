"""Sixty invented pages around the facts of `sample_facts`, in the shapes that pages have.

News, documentation, an encyclopedia, a forum and a PDF, in four languages, each with a menu, a
footer and sentences that say nothing. Two of them are one text on two sites, and one is an old
version of another. The same pages come out every time.
"""

from __future__ import annotations

import random
import re
import zlib
from dataclasses import dataclass
from html import escape

from .sample_facts import Fact, facts

# Owners of the pages: a search takes two pages of each.
SITES = 8
_PARAGRAPHS, _SENTENCES = 5, 4
_FILLER = {
    "en": (
        "Many people in the region have an opinion about {name} and like to share it.",
        "The council has talked about {name} several times and wants to talk about it again.",
        "Visitors who come for {name} usually stay longer than they had planned.",
        "An older report on {name} was put away and never read by anybody.",
        "There is a small shop nearby that sells postcards and bread.",
        "What comes next is open, and those who know are not saying.",
        "Opinions differ, but most agree that patience has helped so far.",
        "The weather played its part, as it does every year in this season.",
        "A working group will meet, and its minutes will be kept in the usual place.",
        "Those who remember the early years tell the story of {name} differently.",
        "The costs are shared as agreed, and the accounts are open to members.",
        "Newer figures about {name} are expected, though nobody says when.",
        "For questions there is a telephone, which is answered in the mornings.",
    ),
    "de": (
        "Viele Leute in der Gegend haben zu {name} eine Meinung und sagen sie gern.",
        "Der Rat hat mehrmals über {name} gesprochen und will es wieder tun.",
        "Wer wegen {name} kommt, bleibt meist länger als geplant.",
        "In der Nähe gibt es einen kleinen Laden mit Postkarten und Brot.",
        "Wie es weitergeht, ist offen, und wer es weiß, schweigt.",
        "Das Wetter tat wie jedes Jahr das Seine dazu.",
        "Eine Arbeitsgruppe trifft sich und hält alles schriftlich fest.",
    ),
    "fr": (
        "Beaucoup de gens de la région ont un avis sur {name} et le disent volontiers.",
        "Le conseil a parlé plusieurs fois de {name} et veut en reparler.",
        "Ceux qui viennent pour {name} restent souvent plus longtemps que prévu.",
        "Une petite boutique vend tout près des cartes postales et du pain.",
        "La suite reste ouverte, et ceux qui savent se taisent.",
        "Le temps a joué son rôle, comme chaque année en cette saison.",
        "Un groupe de travail se réunira et gardera ses notes.",
    ),
    "es": (
        "Mucha gente de la región tiene una opinión sobre {name} y la comparte.",
        "El consejo ha hablado varias veces de {name} y quiere volver a hacerlo.",
        "Quienes vienen por {name} suelen quedarse más de lo previsto.",
        "Cerca hay una tienda pequeña que vende postales y pan.",
        "Lo que sigue está abierto, y quien lo sabe calla.",
        "El tiempo tuvo su parte, como cada año en esta estación.",
        "Un grupo de trabajo se reunirá y guardará sus notas.",
    ),
}
_OLD_TOLL = "At present a car pays 3.40 crowns of toll to cross the Velorin Bridge."
_COPIED = "Record at the Ulmar marathon"


@dataclass(frozen=True, slots=True)
class SamplePage:
    """`site`: which of the SITES has it. `fact` is the title of the fact that it holds, or ""."""

    site: int
    path: str
    title: str
    shape: str
    language: str
    date: str
    paragraphs: tuple[str, ...]
    fact: str = ""

    @property
    def words(self) -> frozenset[str]:
        return frozenset(re.findall(r"\w+", f"{self.title} {' '.join(self.paragraphs)}".lower()))

    @property
    def excerpt(self) -> str:
        """What a search engine shows: the beginning."""
        return self.paragraphs[0][:160]

    def body(self) -> tuple[str, bytes]:
        """(content type, bytes)."""
        if self.shape == "pdf":
            return "application/pdf", _pdf(self.title, self.paragraphs)
        return "text/html; charset=utf-8", _html(self).encode()


def pages() -> tuple[SamplePage, ...]:
    """All sixty."""
    known = [_of_fact(number, fact) for number, fact in enumerate(facts())]
    topics = list(dict.fromkeys(fact.topic for fact in facts()))
    guides = [_guide(number, topic) for number, topic in enumerate(topics[:8])]
    copied = next(page for page in known if page.title == _COPIED)
    copy = _moved(copied, (copied.site + 1) % SITES, f"/wire{copied.path}", copied.date)
    new = known[0]
    told = tuple(_OLD_TOLL if facts()[0].sentence in text else text for text in new.paragraphs)
    old = SamplePage(
        (new.site + 3) % SITES,
        "/archive/toll",
        "Toll on the Velorin Bridge stays",
        "news",
        "en",
        "2021-02-03",
        told,
    )
    return (*known, *guides, copy, old)


def _of_fact(number: int, fact: Fact) -> SamplePage:
    rng = random.Random(fact.title)
    paragraphs = _paragraphs(rng, fact.topic, fact.language)
    at = rng.randrange(1, _PARAGRAPHS)  # never in the excerpt
    paragraphs[at] = f"{paragraphs[at]} {fact.sentence}"
    date = f"2026-{rng.randrange(1, 11):02}-{rng.randrange(1, 28):02}"
    path = f"/{fact.shape}/{number}-{_slug(fact.title)}"
    return SamplePage(
        rng.randrange(SITES),
        path,
        fact.title,
        fact.shape,
        fact.language,
        date,
        tuple(paragraphs),
        fact.title,
    )


def _guide(number: int, topic: str) -> SamplePage:
    """Everything about a subject, and no fact."""
    rng = random.Random(f"guide to {topic}")
    texts = tuple(_paragraphs(rng, topic, "en"))
    path = f"/guide/{_slug(topic)}"
    return SamplePage(
        number % SITES, path, f"{topic}: a guide for visitors", "wiki", "en", "2025-06-01", texts
    )


def _moved(page: SamplePage, site: int, path: str, date: str) -> SamplePage:
    text = page.paragraphs
    return SamplePage(site, path, page.title, page.shape, page.language, date, text, page.fact)


def _paragraphs(rng: random.Random, topic: str, language: str) -> list[str]:
    filler = _FILLER[language]
    return [
        " ".join(rng.choice(filler).format(name=topic) for _ in range(_SENTENCES))
        for _ in range(_PARAGRAPHS)
    ]


def _slug(title: str) -> str:
    return "-".join(re.findall(r"[a-z0-9]+", title.lower()))[:60]


def _html(page: SamplePage) -> str:
    title = escape(page.title)
    texts = [f"<p>{escape(text)}</p>" for text in page.paragraphs]
    main = {
        "news": "<article><h1>{title}</h1><time>{date}</time>{texts}</article>",
        "wiki": "<main><h1>{title}</h1><table class=infobox><tr><td>Kind</td></tr></table>"
        "<h2>Overview</h2>{texts}</main>",
        "docs": "<div class=document role=main><h1>{title}</h1>{texts}"
        "<pre><code>hal = none</code></pre></div>",
        "forum": "<main><h1>{title}</h1>{posts}</main>",
    }[page.shape].format(
        title=title,
        date=page.date,
        texts="".join(texts),
        posts="".join(
            f"<div class=post><span class=user>user{at}</span><div class=content>{text}</div></div>"
            for at, text in enumerate(texts)
        ),
    )
    menu = "".join(f"<li><a href='/{word}'>{word.title()}</a></li>" for word in ("home", "about"))
    return (
        f"<!doctype html><html lang={page.language}><head><meta charset=utf-8><title>{title}"
        f"</title><meta property='article:published_time' content='{page.date}T08:00:00Z'></head>"
        f"<body><nav><ul>{menu}</ul></nav><div class=cookie>We use cookies.</div>{main}"
        "<aside><h3>Read also</h3><a href='/x'>Ten things you did not know</a></aside>"
        "<footer>All rights reserved. <a href='/imprint'>Imprint</a></footer></body></html>"
    )


def _pdf(title: str, paragraphs: tuple[str, ...]) -> bytes:
    """One sheet in Helvetica, as the PDF reference builds it (ISO 32000-1, 7.5)."""
    lines = [line for text in (title, *paragraphs) for line in re.findall(r".{1,90}(?:\s|$)", text)]
    quoted = [re.sub(r"([()])", r"\\\1", line) for line in lines]
    shown = "".join(f"({line}) Tj T*\n" for line in quoted)
    stream = zlib.compress(f"BT /F1 9 Tf 12 TL 40 800 Td\n{shown}ET".encode("latin-1"))
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R"
        b" /Resources << /Font << /F1 5 0 R >> >> >>",
        b"<< /Length %d /Filter /FlateDecode >>\nstream\n%s\nendstream" % (len(stream), stream),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
        b"<< /Title (%s) >>" % title.encode("latin-1"),
    ]
    data, places = b"%PDF-1.4\n", []
    for number, entry in enumerate(objects, start=1):
        places.append(len(data))
        data += b"%d 0 obj\n%s\nendobj\n" % (number, entry)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    count = len(objects) + 1
    end = b"trailer\n<< /Size %d /Root 1 0 R /Info 6 0 R >>\nstartxref\n%d\n%%%%EOF"
    return data + b"xref\n0 %d\n0000000000 65535 f \n" % count + table + end % (count, len(data))
