"""Reber's grammar, aⁿbⁿ and the small grammar of sentences: what is legal, and how often it comes."""

import itertools
import re
from collections import defaultdict

import numpy as np
import pytest
from chances import rng, share

from lstmcore import tasks
from lstmcore.tasks import language, reber_grammar

# Reber's language. The regular expression was written from the published diagram, apart from the table in the code.
UPPER = "(XT*VP)*(S|XT*VV)"  # from the node that X leads to
INNER = f"B(TS*X{UPPER}|PT*V(P{UPPER}|V))E"
OUTER = f"B(T{INNER}T|P{INNER}P)E"


def is_legal(text, of):
    try:
        reber_grammar.successors(text, of)
    except ValueError:
        return False
    return text.endswith("E")


def test_reber_accepts_what_the_diagram_accepts_and_nothing_else():
    for n in range(2, 9):
        for middle in itertools.product("TSXPV", repeat=n - 2):
            text = f"B{''.join(middle)}E"
            assert is_legal(text, reber_grammar.REBER) == bool(re.fullmatch(INNER, text)), text
    for text in ["BTSSXXTVVE", "BPVPXVPXVPXVVE", "BTXXVPSE"]:
        assert is_legal(text, reber_grammar.REBER)
    with pytest.raises(ValueError, match="'BTSSPXSE' has 'P' at place 4; it should be one of SX"):
        reber_grammar.successors("BTSSPXSE", reber_grammar.REBER)


def test_embedded_strings_are_legal_and_as_long_as_their_probabilities_say():
    generator = rng()
    texts = [reber_grammar.draw(generator) for _ in range(4000)]
    assert all(re.fullmatch(OUTER, text) and is_legal(text, reber_grammar.EMBEDDED) for text in texts)
    lengths = np.array([len(text) for text in texts])
    assert lengths.min() == 9 and share(lengths == 9, 1 / 4) and share(lengths == 10, 3 / 16)
    assert share([text[1] == "T" for text in texts], 1 / 2)
    seen = defaultdict(list)
    for text in texts:
        for k, (symbol, legal) in enumerate(zip(text, reber_grammar.successors(text), strict=True)):
            seen[text[:k], legal].append(symbol)
    often = {place: symbols for place, symbols in seen.items() if len(symbols) > 200}
    assert len(often) > 20
    for (_, legal), symbols in often.items():
        assert set(symbols) == set(legal) and share(np.array(symbols) == legal[0], 1 / len(legal))


@pytest.mark.parametrize(
    "task, grammar, pattern",
    [(tasks.reber, reber_grammar.REBER, INNER), (tasks.embedded_reber, reber_grammar.EMBEDDED, OUTER)],
)
def test_reber_batches_ask_for_the_next_symbol_and_show_all_legal_ones(task, grammar, pattern):
    xs, target, lengths, legal = task(rng(), 40)
    symbols = np.array(list(reber_grammar.SYMBOLS))
    for b, n in enumerate(lengths):
        text = "".join(symbols[xs[:n, b].argmax(axis=-1)]) + symbols[target[n - 1, b]]
        assert re.fullmatch(pattern, text) and "".join(symbols[target[:n, b]]) == text[1:]
        assert (xs[:n, b].sum(axis=-1) == 1).all() and legal[np.arange(n), b, target[:n, b]].all()
        allowed = ["".join(sorted(symbols[row])) for row in legal[:n, b]]
        assert allowed == ["".join(sorted(s)) for s in reber_grammar.successors(text, grammar)[1:]]


def test_no_unseen_string_of_1997_was_seen():
    seen, unseen = tasks.embedded_reber_sets(rng(), 60, 50)
    assert len(seen) == 60 and len(unseen) == 50 and not set(seen) & set(unseen)
    xs, *_ = reber_grammar.encode(unseen)
    assert xs.shape[1] == 50


def test_continual_reber_is_one_string_after_the_other():
    xs, target, legal = tasks.continual_reber(rng(), 3, 300)
    symbols = np.array(list(reber_grammar.SYMBOLS))
    for b in range(3):
        text = "".join(symbols[xs[:, b].argmax(axis=-1)])
        strings = re.match(f"({OUTER})*", text)
        assert 270 < strings.end() <= 300 and len(re.findall(OUTER, text)) > 15
        assert text[1:] == "".join(symbols[target[:-1, b]])
        ends = strings.end() - 1
        assert "".join(symbols[legal[ends, b]]) == "B"
        assert np.take_along_axis(legal[:, b], target[:, b, None], 1).all()


def test_anbn_counts():
    xs, target, lengths, legal = tasks.anbn(rng(), 300, 4)
    letters = np.array(list("SabT"))
    texts = ["".join(letters[[*xs[:n, b].argmax(axis=-1), target[n - 1, b]]]) for b, n in enumerate(lengths)]
    assert set(texts) == {"SabT", "SaabbT", "SaaabbbT", "SaaaabbbbT"}
    assert share([text == "SabT" for text in texts], 1 / 4)
    b = texts.index("SaabbT")
    assert "".join(letters[target[:5, b]]) == "aabbT"
    assert ["".join(letters[allowed]) for allowed in legal[:5, b]] == ["a", "ab", "ab", "b", "T"]
    xs, *_ = tasks.anbn(rng(), 2, 9, least=9)
    assert xs.shape == (19, 2, 4)
    with pytest.raises(ValueError, match="most is 2; it should be a whole number, at least 3"):
        tasks.anbn(rng(), 2, 2, least=3)


def classes(n):
    """All legal sentences of subjects of number n, as classes of words, written out apart from the code."""
    phrases = {m: [f"{d} {j}{'ns'[m]}" for d in ("the", "at"[m]) for j in ("", "adj ")] for m in (0, 1)}
    every = phrases[0] + phrases[1]
    subjects = [s + more for s in phrases[n] for more in ["", *(f" near {p}" for p in every)]]
    verbs = ["VS"[n], *(f"{'WH'[n]} {p}" for p in every)]
    return {f"{s} {v}" for s in subjects for v in verbs}


WORDS = {
    "the": ["the"],
    "a": ["a"],
    "t": ["two"],
    "adj": language.ADJECTIVES,
    "n": language.NOUNS[0],
    "s": language.NOUNS[1],
    "near": language.PREPOSITIONS,
    "V": language.ALONE[0],
    "S": language.ALONE[1],
    "W": language.TRANSITIVE[0],
    "H": language.TRANSITIVE[1],
}


def test_the_grammar_has_35_words_and_a_verb_agrees_with_its_subject_alone():
    assert sum(map(len, WORDS.values())) == 35 == len(set().union(*WORDS.values()))
    for text in ["the dogs near a young king sleep.", "a mouse with two cats sees the mice."]:
        assert tasks.accepts(text)
    for text in [
        "the dogs near a king sleeps.",
        "a mouse with two cats see a dog.",
        "the dog near the cat near the king sleeps.",
        "the dog sleeps",
        "the dog sleeps!",
        "the dog sleeps. ",
        "the  dog sleeps.",
        "a dogs sleep.",
        "",
    ]:
        assert not tasks.accepts(text)


def test_accepts_is_exact_on_legal_sentences_and_on_all_that_differ_by_a_word():
    legal, generator = classes(0) | classes(1), rng()
    assert len(legal) == 2 * 4 * 9 * 9
    sample = sorted(legal)[::30]
    near = {tuple(s.split()) for s in sample}
    for s in list(near):
        for k, word in itertools.product(range(len(s)), WORDS):
            near |= {(*s[:k], word, *s[k + 1 :]), (*s[:k], word, *s[k:]), (*s[:k], *s[k + 1 :])}
    assert len(near) > 2000
    for s in sorted(near):
        text = " ".join(WORDS[word][generator.integers(len(WORDS[word]))] for word in s) + "."
        assert tasks.accepts(text) == (" ".join(s) in legal), text


def test_sentences_are_accepted_and_spelt_letter_by_letter():
    xs, target, lengths = tasks.sentences(rng(), 400)
    letters = np.array(list(language.CHARACTERS))
    texts = ["".join(letters[target[:n, b]]) for b, n in enumerate(lengths)]
    assert all(map(tasks.accepts, texts)) and set("".join(texts)) | {"\n"} == set(letters)
    assert all("".join(letters[xs[:n, b].argmax(-1)]) == "\n" + texts[b][:-1] for b, n in enumerate(lengths))
    assert share([bool(re.search("near|behind|with", text)) for text in texts], 1 / 2)
    nouns = [*language.NOUNS[0], *language.NOUNS[1]]
    plural = [[word in language.NOUNS[1] for word in text[:-1].split() if word in nouns] for text in texts]
    for k in (1, 2):  # the other nouns' numbers do not follow the subject's
        assert share([numbers[0] != numbers[k] for numbers in plural if len(numbers) > k], 1 / 2)
    assert {word for text in texts for word in text[:-1].split()} == set().union(*WORDS.values())
