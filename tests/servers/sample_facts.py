"""Fifty invented facts, each with a question: what the pages of `sample_site` say.

Nothing of it is true, so no model can know it. Ten subjects with five facts each: the pages of one
subject share its name, and only one of them has the answer.
"""

from __future__ import annotations

from dataclasses import dataclass

# topic | shape | language | title | answer | sentence | question | query of the model
# Without a query the model fails, and the user's own words are searched.
_TABLE = """
Velorin Bridge|news|en|Toll on the Velorin Bridge rises in spring|4.20 crowns|Since March a car pays 4.20 crowns to cross the Velorin Bridge, after years at a lower price.|How much is the toll for a car on the Velorin Bridge?|Velorin Bridge toll car
Velorin Bridge|wiki|en|Velorin Bridge: design and builders|Halberd & Quist|The Velorin Bridge was designed and built by the firm Halberd & Quist, which had only built piers before.|Which firm built the Velorin Bridge?|
Velorin Bridge|news|de|Velorin-Brücke wegen Sturm gesperrt|17 Stunden|Die Velorin Bridge blieb wegen des Sturms 17 Stunden gesperrt, so lange wie noch nie.|Wie lange war die Velorin Bridge wegen des Sturms gesperrt?|Velorin Bridge Sturm gesperrt
Velorin Bridge|forum|en|Cycling over the Velorin Bridge, allowed or not?|before nine|A cyclist may use the eastern lane of the Velorin Bridge only before nine in the morning.|When may cyclists use the lane on the Velorin Bridge?|
Velorin Bridge|pdf|en|Inspection report of the Velorin Bridge|212 bolts|The inspection of the Velorin Bridge counted 212 bolts that have to be replaced by winter.|How many bolts did the inspection of the Velorin Bridge find to be replaced?|Velorin Bridge inspection bolts replaced
Tarnel|docs|en|Tarnel 3: configuring the cache|cache_ceiling|The setting cache_ceiling limits how much memory the cache of Tarnel may take.|Which setting limits the memory of the cache in Tarnel?|Tarnel setting cache memory limit
Tarnel|docs|en|Tarnel 3: installing on small machines|384 MB|The Tarnel server needs at least 384 MB of memory to be installed on a small machine.|How much memory does a small machine need to install the Tarnel server?|
Tarnel|forum|en|Tarnel says error E-7741 after the update|stale lock|Error E-7741 of Tarnel means that a stale lock was left in the spool folder by the update.|What does error E-7741 of Tarnel mean?|Tarnel error E-7741
Tarnel|news|en|Tarnel gets a new maintainer|Orsolya Wend|After nine years the maintainer of Tarnel steps back, and Orsolya Wend takes over the project.|Who is the new maintainer of Tarnel?|
Tarnel|docs|fr|Tarnel 3 : sauvegarder une base|tarnel dump --whole|Pour sauvegarder une base entière de Tarnel, on lance la commande tarnel dump --whole sans arrêter le serveur.|Quelle commande permet de sauvegarder une base entière de Tarnel ?|Tarnel commande sauvegarder base entière
Ostrelle Museum|wiki|en|Ostrelle Museum: history of the house|1887|The Ostrelle Museum was founded in 1887 by a captain who could not sell his collection.|When was the Ostrelle Museum founded?|Ostrelle Museum founded year
Ostrelle Museum|news|en|Night opening at the Ostrelle Museum|second Friday|The Ostrelle Museum stays open until midnight on the second Friday of each month.|On which day is the night opening of the Ostrelle Museum?|
Ostrelle Museum|news|es|El museo Ostrelle presta su mapa más antiguo|Puerto Almeda|El Ostrelle Museum presta su mapa más antiguo a la ciudad de Puerto Almeda durante dos años.|¿A qué ciudad presta el Ostrelle Museum su mapa más antiguo?|Ostrelle Museum presta mapa ciudad
Ostrelle Museum|forum|en|Is the tower of the Ostrelle Museum open to children?|six years|Children may climb the tower of the Ostrelle Museum from the age of six years, with an adult.|From what age may children climb the tower of the Ostrelle Museum?|
Ostrelle Museum|wiki|en|Ostrelle Museum: the great globe|31 kilograms|The great globe in the Ostrelle Museum weighs 31 kilograms and is made of lime wood.|What does the great globe in the Ostrelle Museum weigh?|Ostrelle Museum great globe weight
Line 9 ferry|news|en|The Line 9 ferry gets a new boat|Petrel|The new boat of the Line 9 ferry is called Petrel and carries eighty people.|What is the new boat of the Line 9 ferry called?|Line 9 ferry new boat name
Line 9 ferry|docs|en|Timetable of the Line 9 ferry|22:40|The last Line 9 ferry leaves the northern quay at 22:40 on working days.|When does the last Line 9 ferry leave the northern quay?|
Line 9 ferry|forum|de|Hunde auf der Line 9 ferry|Maulkorb|Auf der Line 9 ferry fahren Hunde mit Maulkorb ohne Fahrschein mit.|Was brauchen Hunde auf der Line 9 ferry?|Line 9 ferry Hunde
Line 9 ferry|news|en|Line 9 ferry ran aground in fog|no one was hurt|When the Line 9 ferry ran aground in the fog near Kell Point, no one was hurt.|Was anyone hurt when the Line 9 ferry ran aground in fog?|
Line 9 ferry|wiki|en|Line 9 ferry: history of the crossing|a coal barge|The first crossing of the Line 9 ferry was made with a coal barge, pulled along a chain.|What boat made the first crossing of the Line 9 ferry?|Line 9 ferry first crossing history boat
Marrowfen cheese|wiki|en|Marrowfen cheese: how it is made|nettle leaves|Marrowfen cheese is wrapped in nettle leaves and ripens in a cellar of chalk.|What is Marrowfen cheese wrapped in?|Marrowfen cheese wrapped leaves
Marrowfen cheese|news|en|Prize for Marrowfen cheese|silver ladle|At the fair in Corran, Marrowfen cheese won the silver ladle, the second prize of the jury.|Which prize did Marrowfen cheese win at the fair in Corran?|
Marrowfen cheese|news|fr|Le fromage Marrowfen cheese protégé par la loi|onze villages|Le nom Marrowfen cheese est désormais protégé, et seuls onze villages ont le droit de le produire.|Combien de villages ont le droit de produire le Marrowfen cheese ?|Marrowfen cheese villages droit produire
Marrowfen cheese|forum|en|How long does Marrowfen cheese keep?|five weeks|Cut Marrowfen cheese keeps for five weeks in a damp cloth, and for one in plastic.|How long does cut Marrowfen cheese keep in a damp cloth?|
Marrowfen cheese|docs|en|Rules for the makers of Marrowfen cheese|72 days|Nobody may sell Marrowfen cheese under that name before it has ripened for 72 days.|How many days must Marrowfen cheese ripen before makers may sell it?|Marrowfen cheese rules ripen days sell
Brindle crane|wiki|en|Brindle crane: nesting and young|three eggs|The Brindle crane lays three eggs, of which the last is always smaller.|How many eggs does the Brindle crane lay?|Brindle crane eggs
Brindle crane|news|en|Brindle crane counted again in the delta|1,146|Volunteers counted 1,146 birds of the Brindle crane in the delta this autumn.|How many birds of the Brindle crane did volunteers count in the delta?|
Brindle crane|news|es|La Brindle crane vuelve al lago Tesmar|cuarenta años|La Brindle crane anida de nuevo en el lago Tesmar tras cuarenta años de ausencia.|¿Tras cuántos años de ausencia vuelve la Brindle crane al lago Tesmar?|Brindle crane lago Tesmar años ausencia
Brindle crane|forum|en|Photographing the Brindle crane without disturbing it|ninety metres|Whoever photographs the Brindle crane should keep ninety metres away from the nest.|What distance should one keep when photographing a Brindle crane?|
Brindle crane|wiki|en|Brindle crane: call and song|a rusty hinge|The call of the Brindle crane sounds like a rusty hinge and carries for two miles.|What does the call of the Brindle crane sound like?|Brindle crane call sound
Kessary tram|news|en|Kessary tram extended to the hospital|four stops|The extension of the Kessary tram to the hospital has four stops and opens in autumn.|How many stops has the extension of the Kessary tram to the hospital?|Kessary tram extension hospital stops
Kessary tram|docs|en|Tickets of the Kessary tram|ninety minutes|A single ticket of the Kessary tram is valid for ninety minutes, in both directions.|How long is a single ticket of the Kessary tram valid?|
Kessary tram|news|de|Kessary tram bekommt leisere Räder|Gummiringe|Neue Räder aus Stahl, in denen Gummiringe liegen, machen die Kessary tram um die Hälfte leiser.|Was macht die Räder der Kessary tram leiser?|Kessary tram Räder leiser
Kessary tram|forum|en|Lost an umbrella in the Kessary tram|Depot Street|What is found in the Kessary tram is kept for a month at the office in Depot Street.|Where is the office for things lost in the Kessary tram?|
Kessary tram|wiki|en|Kessary tram: track and gauge|1,060 millimetres|The track of the Kessary tram has a gauge of 1,060 millimetres, which no other town has.|What gauge does the track of the Kessary tram have?|Kessary tram track gauge
Ulmar marathon|news|en|Record at the Ulmar marathon|Deva Sorin|Deva Sorin won the Ulmar marathon in record time and stopped twice to tie a shoe.|Who won the Ulmar marathon in record time?|Ulmar marathon record winner
Ulmar marathon|docs|en|Ulmar marathon: rules of entry|12 January|Entry to the Ulmar marathon closes on 12 January, or when the places are taken.|When does entry to the Ulmar marathon close?|
Ulmar marathon|news|fr|Le Ulmar marathon change de parcours|la vieille mine|Le nouveau parcours du Ulmar marathon passe par la vieille mine au lieu du port.|Par où passe le nouveau parcours du Ulmar marathon ?|Ulmar marathon nouveau parcours
Ulmar marathon|forum|en|What do they hand out at the Ulmar marathon?|salted plums|At the last station of the Ulmar marathon they hand out salted plums and warm tea.|What do they hand out at the last station of the Ulmar marathon?|
Ulmar marathon|wiki|en|Ulmar marathon: origin of the race|a lost letter|The Ulmar marathon began when a postman ran to the coast to deliver a lost letter.|Why did a postman run the first Ulmar marathon?|Ulmar marathon origin postman
Pell Observatory|news|en|Pell Observatory finds a comet|Anvik-Rho|The comet that the Pell Observatory found last month is called Anvik-Rho.|What is the comet called that the Pell Observatory found?|Pell Observatory comet name
Pell Observatory|wiki|en|Pell Observatory: the main mirror|2.3 metres|The main mirror of the Pell Observatory measures 2.3 metres and was cast twice.|How large is the main mirror of the Pell Observatory?|
Pell Observatory|news|es|El Pell Observatory abre de noche al público|los jueves|El Pell Observatory abre sus puertas de noche al público todos los jueves de invierno.|¿Qué días abre el Pell Observatory de noche al público?|Pell Observatory abre noche público
Pell Observatory|docs|en|Applying for time at the Pell Observatory|Form K|Astronomers apply for time at the Pell Observatory with Form K, two seasons ahead.|With which form do astronomers apply for time at the Pell Observatory?|Pell Observatory apply time form
Pell Observatory|forum|en|Road to the Pell Observatory in winter|snow chains|From November the road to the Pell Observatory may only be driven with snow chains.|What does one need to drive the road to the Pell Observatory in winter?|
Corran harbour|news|en|Corran harbour gets a new crane|58 tonnes|The new crane in Corran harbour lifts 58 tonnes and was paid by the town.|How much does the new crane in Corran harbour lift?|Corran harbour new crane lifts tonnes
Corran harbour|wiki|en|Corran harbour: depth and tides|7.4 metres|At low tide Corran harbour has a depth of 7.4 metres at the long quay.|What depth has Corran harbour at low tide?|
Corran harbour|news|de|Corran harbour verbietet Schweröl|ab Juli|Im Corran harbour dürfen Schiffe ab Juli kein Schweröl mehr verbrennen.|Ab wann dürfen Schiffe im Corran harbour kein Schweröl verbrennen?|Corran harbour Schweröl Verbot
Corran harbour|forum|en|Where to moor in Corran harbour for one night|the green buoy|For one night a small boat may moor at the green buoy in Corran harbour without paying.|Where may a small boat moor in Corran harbour for one night without paying?|
Corran harbour|docs|en|Radio and pilots of Corran harbour|channel 14|Ships call the pilots of Corran harbour on channel 14 an hour before they arrive.|On which radio channel do ships call the pilots of Corran harbour?|Corran harbour pilots radio channel
"""  # noqa: E501


@dataclass(frozen=True, slots=True)
class Fact:
    """`question` is answered by `answer`, a part of `sentence`; `query` is the model's, or ""."""

    topic: str
    shape: str
    language: str
    title: str
    answer: str
    sentence: str
    question: str
    query: str


def facts() -> tuple[Fact, ...]:
    """All fifty, in the order of the table."""
    lines = _TABLE.strip().splitlines()
    return tuple(Fact(*line.split("|")) for line in lines)
