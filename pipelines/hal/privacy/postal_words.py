"""Street types, units, boxes and cues of postal addresses, in nine languages and some more.

Data only, from the address standards of the postal services (for English the suffixes of USPS
Publication 28) and from general knowledge of the national orders.
"""

from __future__ import annotations


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


# After the name: "12 Main Street".
SUFFIXES = _set(
    "street st road rd avenue ave av lane ln drive dr boulevard blvd court crescent cres terrace"
    " highway hwy parkway pkwy mews gardens square sq trail turnpike close circle place pl way"
    " strasse straße ulica ulice utca út katu vej"
)
# The same, but also ordinary words: the rest of an address has to follow.
WEAK_SUFFIXES = _set(
    "alley annex arcade bayou beach bend bluff bluffs bottom branch bridge brook brooks burg"
    " bypass camp canyon cape causeway center centre centers circles cliff cliffs club common"
    " commons corner corners course courts cove coves creek crest crossing crossroad curve dale"
    " dam divide drives estate estates expressway extension extensions fall falls ferry field"
    " fields flat flats ford fords forest forge forges fork forks fort freeway garden gateway"
    " glen glens green greens grove groves harbor harbors haven heights hill hills hollow inlet"
    " island islands isle junction junctions key keys knoll knolls lake lakes land landing light"
    " lights loaf lock locks lodge loop mall manor manors meadow meadows mill mills mission"
    " motorway mount mountain mountains neck orchard oval overpass park parks pass passage path"
    " pike pine pines plain plains plaza point points port ports prairie radial ramp ranch rapid"
    " rapids rest ridge ridges river route row run shoal shoals shore shores skyway spring"
    " springs spur spurs squares station stravenue stream streets summit throughway trace track"
    " trafficway tunnel underpass union unions valley valleys via viaduct view views village"
    " villages ville vista walk walks wall ways well wells quay wharf yard chowk nagar marg chase"
    " drove rise end parade quad gate causeway court"
)
# Before the name: "rue Victor Hugo 40", "ul. Długa 5".
PREFIXES = _set(
    "rue avenue boulevard bd bld chemin allée allee impasse ruelle faubourg quai sentier"
    " esplanade calle avda avenida paseo carrer carretera ronda rambla glorieta travesía callejón"
    " pasaje pasadizo plaza plazuela alameda cuesta camino camiño urbanización polígono autopista"
    " prolongación calzada privada retorno cerrada andador periférico eje circunvalación viale"
    " vicolo piazza piazzale piazzetta strada lungomare corso contrada largo salita rotonda borgo"
    " località frazione traversa rua travessa praça alameda estrada rodovia beco calçada azinhaga"
    " ul ulica ulicy aleja aleje alei al os osiedle pl plac skwer trg"
)
# The same, but also ordinary words, unless a capital letter begins them.
WEAK_PREFIXES = _set(
    "via place cours route passage voie villa cité square canale stretto incrocio circuito"
    " acceso cañada vial corredor pasillo diagonal viaducto parque rond-point montée levée al os"
    " pl eje largo borgo corso ronda cuesta"
)
# German and Dutch words, and those of the Nordic countries, end in the street type.
COMPOUNDS = (
    "straße", "strasse", "str", "weg", "platz", "gasse", "allee", "damm", "ufer", "chaussee",
    "promenade", "straat", "laan", "plein", "gracht", "kade", "dijk", "steeg", "singel",
    "gatan", "vägen", "gränd", "torget", "stigen", "backen", "vej", "gade", "vænget", "stræde",
    "veien", "gaten", "vegen", "gata", "katu", "kuja",
)  # fmt: skip
PREPOSITIONS = _set("am an im in auf zum zur unter hinter vor beim")
# Their own meaning is another one: a seat, a way to a solution, a sign's name.
NO_STREETS = _set(
    "arbeitsplatz sitzplatz stellplatz parkplatz lösungsweg rechenweg umweg ausweg speicherplatz"
    " studienplatz ausbildungsplatz startplatz tabellenplatz dienstweg transportweg norweg"
)

# In small letters these are part of an address too: "Stensås terrasse 38", "Kossuth u. 5".
STREET_WORDS = (
    SUFFIXES
    | WEAK_SUFFIXES
    | PREFIXES
    | _set(
        "terrasse tee gate gata gatan vei veg väg vägen tie katu u út útja tér köz utca trg"
        " cesta ulica náměstí nám nábřeží třída rkp straße strasse weg platz straat laan plein"
        " plads allé"
    )
)

UNITS = _set(
    "apt apartment suite ste unit flat appartement appt wohnung whg apto interior puerta piso"
    " appartamento piano lokal mieszkanie lgh studio"
)
BOXES = _set(
    "box postbox postfach postbus postboks postiljonen apartado casella skrytka bp cp cedex"
)

# After these words stands an address, when it looks like one at all.
CUES = _set(
    "address addresses resident residing resides reside lives live living adresse anschrift"
    " wohne wohnt wohnen wohnhaft habite habitons domicilié domiciliée demeurant dirección"
    " domicilio vivo vive vivimos resido indirizzo abito abita abitiamo residente adres woon"
    " woont wonen woonachtig mieszkam mieszka zamieszkały zamieszkała zamieszkania morada"
    " endereço moro mora resido adress bor bosatt"
)
# After these too, but other things as well.
WEAK_CUES = _set(
    "sent send ship shipped deliver delivered delivery return arrived located mail moved move"
    " stop enter zameldowany"
)
# In front of "address": another kind of address.
OTHER_ADDRESSES = _set(
    "ip mac email e-mail mail memory wallet contract web base url network hardware virtual"
    " physical return destination source server host bitcoin ethereum public private local remote"
    " start"
)
# Between a cue and its address.
LINKS = _set(
    "is are at in on to it the my our his her und ist in bei der am auf lautet est au à a es en"
    " la el in al è aan op te w na przy ul i em no na på från here they me us into near under"
    " this"
)

# In a capital letter, but no part of an address: the next line of a form, the next sentence.
STOPS = _set(
    "tel tél telefon phone mobile fax email e-mail mail desk dear please my the i and he she we"
    " it is you your our this that what how when who why can could thanks thank regards best kind"
    " name date website web personal born dob birth mr mrs ms dr call contact then they there"
    " january february march april may june july august september october november december"
    " monday tuesday wednesday thursday friday saturday sunday ich bitte meine wie was mein je"
    " mon ma comment mi el cómo come il wie mijn ik nip regon pesel numer nr data if for in on"
)

PARTICLES = _set(
    "de del de' della delle dello dei degli di da do dos das du des la le les los las el y e i"
    " van der den het ten ter von zu zum zur am an auf im in sur sous en aux of the św gen ks im"
    " bis af på nº n° nr no num número piano"
)
