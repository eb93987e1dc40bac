"""Sentences of a small grammar, letter by letter: the verb agrees with a noun that may stand far before it.

    sentence  subject (preposition + any noun phrase)? verb (any noun phrase, after a transitive verb) "."
    phrase    determiner adjective? noun
The words and the rules are ours: 35 word forms.
"""

import re

import numpy as np

from lstmcore.tasks.batch import at_least, one_hot, pad

NUMBERS = [0, 1]  # singular, plural
DETERMINERS = [["the", "a"], ["the", "two"]]
ADJECTIVES = ["small", "quiet", "young"]
NOUNS = [
    ["cat", "dog", "bird", "child", "teacher", "farmer", "king", "mouse"],
    ["cats", "dogs", "birds", "children", "teachers", "farmers", "kings", "mice"],
]
PREPOSITIONS = ["near", "behind", "with"]
ALONE = [["sleeps", "sings", "waits"], ["sleep", "sing", "wait"]]
TRANSITIVE = [["sees", "helps"], ["see", "help"]]
CHARACTERS = "\n .abcdefghiklmnopqrstuwy"  # "\n" starts a sentence


def sentences(rng, B):
    """Sentences to predict letter by letter. -> xs (T, B, 25), target (T, B), lengths (B,).

    The first input is "\\n", the last target "."; columns and classes follow CHARACTERS.
    """
    at_least(1, B=B)
    texts = [np.array([CHARACTERS.index(c) for c in "\n" + sentence(rng)]) for _ in range(B)]
    xs, lengths = pad([one_hot(text[:-1], len(CHARACTERS)) for text in texts])
    target, _ = pad([text[1:] for text in texts])
    return xs, target, lengths


def sentence(rng):
    """One sentence, such as "the dogs near a young king sleep."

    Numbers are even; three phrases in ten have an adjective, half of the subjects a preposition, half of the verbs
    an object.
    """
    n = rng.integers(2)
    words = _phrase(rng, n)
    if rng.random() < 0.5:
        words += [rng.choice(PREPOSITIONS), *_phrase(rng, rng.integers(2))]
    if rng.random() < 0.5:
        words += [rng.choice(TRANSITIVE[n]), *_phrase(rng, rng.integers(2))]
    else:
        words += [rng.choice(ALONE[n])]
    return " ".join(words) + "."


def _phrase(rng, n):
    adjective = [rng.choice(ADJECTIVES)] if rng.random() < 0.3 else []
    return [rng.choice(DETERMINERS[n]), *adjective, rng.choice(NOUNS[n])]


def accepts(text):
    """Is this a sentence of the grammar? "the dogs near a king sleep." is, "the dogs near a king sleeps." is not."""
    return SENTENCE.fullmatch(text) is not None


def _one_of(words):
    return f"({'|'.join(words)})"


def _pattern():
    phrase = [f"{_one_of(DETERMINERS[n])} ({_one_of(ADJECTIVES)} )?{_one_of(NOUNS[n])}" for n in NUMBERS]
    near = f"( {_one_of(PREPOSITIONS)} {_one_of(phrase)})?"
    verb = [f" ({_one_of(ALONE[n])}|{_one_of(TRANSITIVE[n])} {_one_of(phrase)})" for n in NUMBERS]
    return _one_of([phrase[n] + near + verb[n] for n in NUMBERS]) + r"\."


SENTENCE = re.compile(_pattern())
