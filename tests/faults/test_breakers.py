"""A target that goes on failing is left alone, so that the next turns do not wait for it."""

from __future__ import annotations

import time

import pytest

from tests.server.logbook import Row
from tests.servers.faults import Where

from .case import Case, Place
from .household import BY_NAME, HEALED, OTHER, Household, turn_of

STAYS = "without leaving this machine"
OPENING = [
    ("connection refused", 1),
    ("self-signed certificate", 1),
    ("401", 1),
    ("402", 1),
    ("429 retry-after: 3600", 1),
    ("HTML", 3),
]
PLACES = [Place.CLOUD_FIRST, Place.LOCAL_ALONE]
# The request was at fault, or the model is not there: that says nothing about the next turn.
HARMLESS = ["400", "400 context", "404 model", "413"]


def question(place: Place) -> Case:
    return Case("", place, bare=True)


def last_turn(house: Household) -> Row:
    return house.log.turns()[-1]


# Of a local model, slowness may mean that it is being loaded: that is none of its breaker's.
OPENED = [(fault, turns, place) for fault, turns in OPENING for place in PLACES]
OPENED += [("hang after the head", 3, Place.CLOUD_FIRST)]


@pytest.mark.parametrize(("fault", "turns", "place"), OPENED)
def test_it_is_not_asked_any_more(fault: str, turns: int, place: Place) -> None:
    with Household(BY_NAME[fault], place) as house:
        house.fail()
        for _ in range(turns):
            house.ask(turn_of(question(place)))
        connections = house.failing.connections
        if BY_NAME[fault].where is Where.SERVER:
            assert len(house.failing.chats) >= turns
        answer = house.ask(turn_of(question(place)))
        calls = house.log.of_turn("call", last_turn(house)["id"])
        assert [c for c in calls if c["provider"] == place.provider] == []
        assert house.failing.connections == connections
        assert f"{place.provider}_circuit_open" in last_turn(house)["degradations"]
        if place.may_leave:
            assert answer.text == OTHER
            assert any("is not asked" in line for line in answer.statuses)
        else:
            assert STAYS in answer.error["message"]
            assert "It is tried again in" in answer.error["message"]
            assert house.xai.connections == 0


@pytest.mark.parametrize("place", PLACES, ids=str)
@pytest.mark.parametrize("fault", HARMLESS)
def test_what_says_nothing_about_its_health_is_no_reason(fault: str, place: Place) -> None:
    with Household(BY_NAME[fault], place) as house:
        house.fail()
        for _ in range(4):
            house.ask(turn_of(question(place)))
        house.heal()
        assert house.ask(turn_of(question(place))).text == HEALED


def test_after_the_time_that_it_named_it_is_asked_again() -> None:
    place = Place.CLOUD_FIRST
    with Household(BY_NAME["429 retry-after: 1"], place) as house:
        house.fail()
        house.ask(turn_of(question(place)))
        house.heal()
        held_back = house.ask(turn_of(question(place)))
        assert HEALED not in held_back.text
        time.sleep(1.1)
        assert house.ask(turn_of(question(place))).text == HEALED
        assert house.ask(turn_of(question(place))).text == HEALED


def test_two_failures_are_bad_luck() -> None:
    place = Place.CLOUD_FIRST
    with Household(BY_NAME["HTML"], place) as house:
        house.fail()
        for _ in range(2):
            assert house.ask(turn_of(question(place))).text == OTHER
        house.heal()
        assert house.ask(turn_of(question(place))).text == HEALED
        house.fail()
        for _ in range(2):
            assert house.ask(turn_of(question(place))).text == OTHER
        house.heal()
        assert house.ask(turn_of(question(place))).text == HEALED
