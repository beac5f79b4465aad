"""Phrases that mean something went wrong, and the many sentences that only look so."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hal.sessions import phrases
from hal.sessions.likeness import is_same_question
from hal.sessions.wording import (
    is_complaint,
    is_refusal,
    names_its_cutoff,
    plain,
    prose,
    wishes_search,
)
from tests.core.things import fixed

COMPLAINTS = [
    "That's wrong.",
    "thats wrong",
    "That’s wrong!",
    "No, that's wrong. It was 1912.",
    "no that is not right",
    "Sorry, but that's not what I asked.",
    "Hmm, you're wrong about the capital.",
    "You are wrong, the river is longer.",
    "Well, actually, that is incorrect",
    "That's not correct – try harder",
    "Not what I asked.",
    "You didn't answer my question.",
    "you misunderstood, I meant the bird",
    "That's wrong because 7 is prime",
    "That's wrong\nIt should be 42.",
    "Wrong.",
    "incorrect!",
    "Das ist falsch.",
    "Nein, das stimmt nicht, es waren drei.",
    "das stimmt so nicht",
    "Falsch!",
    "du hast unrecht",
    "Du liegst falsch, weil das Jahr nicht passt.",
    "Das habe ich nicht gefragt",
    "C'est faux.",
    "Non, tu te trompes !",
    "Ce n'est pas ce que j'ai demandé.",
    "Eso es incorrecto.",
    "No, te equivocas.",
    "No es lo que pregunté",
    "È sbagliato.",
    "Ti sbagli, era a Milano",
    "Isso está errado.",
    "Dat klopt niet.",
]
NO_COMPLAINTS = [
    "",
    "   ",
    "Thanks!",
    'What does "that\'s wrong" mean?',
    '"That\'s wrong" - how do I say this in German?',
    "That's wrong - how do you say that in German?",
    "That's wrong. Translate this into French.",
    "Das ist falsch. Übersetze das ins Englische.",
    "Why is it called that's wrong?",
    "Is that wrong?",
    "That's wrong?",
    "That's not right-handed, is it?",
    "That's wrongly spelled, I guess",
    "wrong = True\nprint(wrong)",
    "wrong number of arguments in python, what now",
    "Wrong turn is a film from 2003, who plays in it?",
    "// that's wrong\nint x = 1;",
    "> that's wrong\nwhat did he mean by this?",
    "- that's wrong\n- that's right",
    "incorrect use of the comma, show examples",
    "False friends in English?",
    "falsch positive Ergebnisse, was ist das?",
    "Das ist falsch geschrieben, oder?",
    "You're wrong if you think that this ends here, she said. Go on with the story.",
    "No",
    "No, thank you.",
    "Tell me what's wrong with my code",
    "I was told that's wrong.",
    "That is not wrong.",
    "Das Lied heisst: das stimmt nicht",
    "c'est faux-cul, c'est quoi ?",
    "That's wrong. " + "And here is the whole letter that I was sent. " * 20,
    "Who sang the phrase that's wrong?",
    "不对",
]


@pytest.mark.parametrize("text", COMPLAINTS)
def test_complaints(text: str) -> None:
    assert is_complaint(text)


@pytest.mark.parametrize("text", NO_COMPLAINTS)
def test_what_is_no_complaint(text: str) -> None:
    assert not is_complaint(text)


WISHES = [
    "search it",
    "Google it!",
    "Please look it up online.",
    "can you look that up?",
    "No, search the web",
    "Could you please check online?",
    "such das im Internet",
    "Bitte recherchiere das.",
    "Kannst du das nachschlagen?",
    "schau im Internet nach",
    "Cherche sur internet.",
    "Búscalo en internet",
    "Cercalo!",
    "zoek het op",
]
NO_WISHES = [
    "",
    "search it in the list with a binary search",
    "Search the web page for all headings and list them",
    "search for it in every file of the folder",
    "How do I search the web?",
    "google that ships with chrome os is what version",
    "look it up table in C++",
    "What does google it mean?",
    "such das Wort im Text",
    '"search it" is a button in my app',
    "search()",
    "Translate: look it up",
]


@pytest.mark.parametrize("text", WISHES)
def test_wishes_for_a_search(text: str) -> None:
    assert wishes_search(text)


@pytest.mark.parametrize("text", NO_WISHES)
def test_what_is_no_wish_for_a_search(text: str) -> None:
    assert not wishes_search(text)


CUTOFFS = [
    ("As of my last update in 2023, the record was 9.58 s.", "Who holds the record?"),
    ("The price was 3 €. My knowledge cutoff is April 2024.", "What does it cost?"),
    ("My knowledge cut-off is 2023, so I may be behind.", "Who is the mayor?"),
    ("I don't have access to real-time data.", "How is the traffic?"),
    ("I don’t have access to real-time data.", "How is the traffic?"),
    ("I'm unable to browse the internet.", "Any news?"),
    ("I do not have up-to-date information on it.", "Any news?"),
    ("filler. " * 3000 + "As of my last update this was so.", "Who is the mayor?"),
    ("Nach meinem Wissensstand von 2023 ist es Berlin.", "Wo ist das Amt?"),
    ("Ich habe keinen Zugriff auf Echtzeitdaten.", "Wie wird das Wetter?"),
    ("Je n'ai pas accès aux données en temps réel.", "La météo ?"),
    ("No tengo acceso a información en tiempo real.", "¿El tiempo?"),
    ("Non ho accesso a dati in tempo reale.", "Che tempo fa?"),
    ("Não tenho acesso a informações em tempo real.", "O clima?"),
    ("Ik heb geen toegang tot realtime gegevens.", "Het weer?"),
]
NO_CUTOFFS = [
    ("", ""),
    ("The capital is Paris.", "What is the capital?"),
    ("My knowledge cutoff is 2023.", "What is your knowledge cutoff?"),
    ("I was trained on data up to 2023.", "When were you trained?"),
    ("Mein Wissensstand ist 2023.", "Was ist dein Wissensstand?"),
    ("No, I don't have access to real-time data.", "Do you have access to real-time data?"),
    ("```python\n# as of my last update\nx = 1\n```", "Write code"),
    ("Run `as of my last update` first.", "How?"),
    ('It means "I don\'t have access to real-time data".', "What does the error say?"),
    ("> As of my last update\nThat is what he wrote.", "Who wrote what?"),
    ("« mes connaissances s'arrêtent » est une phrase.", "Exemple ?"),
    ("As of my last update the roof is done.", "Improve: as of my last update the roof is done"),
    ("As of his last update in March, the film is finished.", "How is the film?"),
    ("The knowledge cutoff of a model is the end of its data.", "Explain cutoffs"),
    ("I can't browse your files, please paste them.", "Read my file"),
]


@pytest.mark.parametrize(("answer", "question"), CUTOFFS)
def test_answers_that_name_the_end_of_their_knowledge(answer: str, question: str) -> None:
    assert names_its_cutoff(prose(answer), question)


@pytest.mark.parametrize(("answer", "question"), NO_CUTOFFS)
def test_answers_that_do_not(answer: str, question: str) -> None:
    assert not names_its_cutoff(prose(answer), question)


REFUSALS = [
    "I'm sorry, but I can't help with that.",
    "I cannot assist with this request.",
    "I'm unable to help with that, but here is a hotline.",
    "Es tut mir leid, aber dabei kann ich dir nicht helfen.",
    "Je suis désolé, je ne peux pas vous aider avec cela.",
    "Lo siento, no puedo ayudarte con eso.",
    "Mi dispiace, non posso aiutarti.",
]
NO_REFUSALS = [
    "",
    "I'm sorry, I can't tell which file you mean. Which one?",
    "Here is the code. " * 60 + "I can't help with the rest.",
    'The sign says "I can\'t help with that".',
    "I can't help with the first part. " + "But this is how the second one goes. " * 30,
    "Sure! " + "Here is the first part. " * 8 + "I can't help with more.",
    "Das kann ich gerne tun.",
]


@pytest.mark.parametrize("answer", REFUSALS)
def test_refusals(answer: str) -> None:
    assert is_refusal(prose(answer), "How?")


@pytest.mark.parametrize("answer", NO_REFUSALS)
def test_what_is_no_refusal(answer: str) -> None:
    assert not is_refusal(prose(answer), "How?")


def test_a_refusal_that_was_dictated_is_none() -> None:
    assert not is_refusal("I can't help with that.", "Say only: I can't help with that.")


SAME = [
    ("What is the capital of Australia?", "what is the capital of australia"),
    ("What is the capital of Australia?", "Please, what is the capital of Australia?"),
    ("How do I sort a list in Python?", "How do I sort a list in Pyhton?"),
    ("Wie koche ich Reis im Topf?", "Wie koche ich denn Reis im Topf?"),
    ("Explain the theorem of Bayes to me", "Explain the theorem of Bayes to me again"),
    ("澳大利亚的首都是哪里,人口有多少,面积有多大?", "澳大利亚的首都是哪里,人口有多少,面积有多大?"),
]
NOT_SAME = [
    ("", ""),
    ("continue", "continue"),
    ("go on", "go on"),
    ("What is the capital of Australia?", "What is the capital of Austria?"),
    ("Convert 5 km to miles, please", "Convert 6 km to miles, please"),
    ("Who won the world cup of 2018 in football?", "Who won the world cup of 2022 in football?"),
    (
        "Write a function that sorts a list of dicts by a key in Python",
        "Write a function that sorts a list of dicts by a key in Rust",
    ),
    ("Tell me another joke about cats", "Tell me another joke about cats"),
    ("How many people live in Iran today?", "How many people live in Iraq today?"),
    ("Is A > B a consequence of the premises?", "Is A < B a consequence of the premises?"),
    ("What is a monad in Haskell?", "Which birds sleep in the air?"),
    (
        "What is the capital of France?",
        "What is the capital of France and of Germany and of Spain?",
    ),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_the_same_question(one: str, other: str) -> None:
    assert is_same_question(one, other)
    assert is_same_question(other, one)


@pytest.mark.parametrize(("one", "other"), NOT_SAME)
def test_other_questions(one: str, other: str) -> None:
    assert not is_same_question(one, other)
    assert not is_same_question(other, one)


def test_the_tables_are_what_they_look_like() -> None:
    """A comma that is missing makes one long phrase out of two, which nobody ever says."""
    tables = {name: value for name, value in vars(phrases).items() if name.isupper()}
    assert len(tables) == 11
    for name, table in tables.items():
        assert isinstance(table, tuple), name
        assert all(isinstance(phrase, str) and 0 < len(phrase) <= 50 for phrase in table), name
        assert len(set(map(plain, table))) == len(table), name


texts = st.text(max_size=300) | st.lists(
    st.sampled_from([*phrases.COMPLAINTS, *phrases.FILLERS, *phrases.SEARCH_WISHES, *'.,!"`>\n '])
).map(" ".join)


@fixed
@given(texts, texts)
def test_nothing_raises(one: str, other: str) -> None:
    is_complaint(one)
    wishes_search(one)
    names_its_cutoff(prose(one), other)
    is_refusal(prose(one), other)
    is_same_question(one, other)


@fixed
@given(st.text(st.sampled_from('ab "`>„“«»\n'), max_size=6000))
def test_only_so_much_is_read_of_an_answer(text: str) -> None:
    assert len(prose(text)) <= 2001


@fixed
@given(texts)
def test_plain_text_stays_as_it_is(text: str) -> None:
    assert plain(plain(text)) == plain(text)
