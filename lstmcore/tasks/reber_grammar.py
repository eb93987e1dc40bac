"""Reber grammars: strings, batches of them, and which symbols may come next.

A grammar is a list of nodes, each a dict {symbol: next node}; a node without symbols is the end.
"""

import numpy as np

from lstmcore.tasks.batch import at_least, one_hot, pad

SYMBOLS = "BTSXPVE"
REBER = [
    {"B": 1},
    {"T": 2, "P": 3},
    {"S": 2, "X": 4},
    {"T": 3, "V": 5},
    {"X": 3, "S": 6},
    {"P": 4, "V": 6},
    {"E": 7},
    {},
]


def embed(grammar):
    """B, then T or P, then a string of the grammar, then the same T or P again, then E."""
    n = len(grammar)

    def copy(letter, at):
        return [{s: to + at for s, to in node.items()} or {letter: 2 + 2 * n} for node in grammar]

    return [{"B": 1}, {"T": 2, "P": 2 + n}, *copy("T", 2), *copy("P", 2 + n), {"E": 3 + 2 * n}, {}]


EMBEDDED = embed(REBER)
CONTINUAL = [*EMBEDDED[:-2], {"E": 0}]  # after E, the next string


def reber(rng, B):
    """Strings of Reber's grammar (1967), to predict. -> xs (T, B, 7), target (T, B), lengths (B,), legal (T, B, 7).

    Where two symbols may come next, each has probability ½. A string of n symbols gives n - 1 inputs, each with the
    next symbol as its target and all that might have come in `legal`. Columns: B T S X P V E.
    """
    at_least(1, B=B)
    return encode([draw(rng, REBER) for _ in range(B)], REBER)


def embedded_reber(rng, B):
    """Strings of the embedded Reber grammar. -> xs (T, B, 7), target (T, B), lengths (B,), legal (T, B, 7).

    Hochreiter & Schmidhuber (1997), task 1: B, then T or P, a Reber string, the same T or P, E. As `reber`, which
    says the rest. Only the symbol before last needs a long memory: of the second one, 6 or more symbols earlier.
    The paper counts a string as right if at every step all legal symbols are above all others.
    """
    at_least(1, B=B)
    return encode([draw(rng, EMBEDDED) for _ in range(B)], EMBEDDED)


def embedded_reber_sets(rng, train=256, test=256):
    """Two lists of strings, for `encode`: Hochreiter & Schmidhuber's (1997) fixed training set, and an unseen test set.

    No test string is in the training set. Our choice: within a set, strings may repeat, as they were drawn.
    """
    at_least(1, train=train, test=test)
    seen = [draw(rng, EMBEDDED) for _ in range(train)]
    unseen = []
    while len(unseen) < test:
        if (text := draw(rng, EMBEDDED)) not in seen:
            unseen.append(text)
    return seen, unseen


def continual_reber(rng, B, T):
    """B streams of embedded Reber strings, one after the other. -> xs (T, B, 7), target (T, B), legal (T, B, 7).

    Gers, Schmidhuber & Cummins (2000): nothing marks where a string ends but its own E, and nothing is reset there.
    The paper presents one stream until the net's first mistake, or 10⁶ symbols. Our choices: B streams, which start
    with a string's first symbol and are cut after T steps. To go on longer, cut a long batch in time and pass the
    state on.
    """
    at_least(1, B=B, T=T)
    xs, target, _, legal = encode([draw(rng, CONTINUAL, T + 1) for _ in range(B)], CONTINUAL)
    return xs, target, legal


def draw(rng, grammar=EMBEDDED, most=None):
    """One string of the grammar, up to its end or to `most` symbols."""
    node, text = 0, ""
    while grammar[node] and len(text) != most:
        symbols = list(grammar[node])
        symbol = symbols[rng.integers(len(symbols))]
        text, node = text + symbol, grammar[node][symbol]
    return text


def successors(text, grammar=EMBEDDED):
    """All symbols that may stand at each place of a string, given those before: a list of strings.

    ValueError if one stands there that may not.
    """
    node, legal = 0, []
    for k, symbol in enumerate(text):
        legal.append("".join(grammar[node]))
        if symbol not in legal[-1]:
            raise ValueError(f"{text!r} has {symbol!r} at place {k}; it should be one of {legal[-1] or 'none'}.")
        node = grammar[node][symbol]
    return legal


def encode(texts, grammar=EMBEDDED):
    """Strings -> xs (T, B, 7), target (T, B), lengths (B,), legal (T, B, 7): each symbol from those before it."""
    symbols = [np.array([SYMBOLS.index(s) for s in text]) for text in texts]
    xs, lengths = pad([one_hot(s[:-1], 7) for s in symbols])
    target, _ = pad([s[1:] for s in symbols])
    legal, _ = pad([[[s in step for s in SYMBOLS] for step in successors(text, grammar)[1:]] for text in texts])
    return xs, target, lengths, legal
