"""Generated tasks, by their papers' rules: `tasks.embedded_reber(rng, B)` gives a batch.

rng comes first, then B, the number of sequences. Inputs are float32 and time-major, xs (T, B, D), symbols one-hot.
target   (B,) or (T, B) class numbers, or (B, 1) float32 where a number is asked for
lengths  (B,), where sequences are unequal: they are padded with zeros at their end
legal    (T, B, K) bool, where several next symbols are right: which ones
"""

from lstmcore.tasks.arithmetic import adding, adding_1997, multiplication
from lstmcore.tasks.language import accepts, sentence, sentences
from lstmcore.tasks.long_lag import long_lag_2a, long_lag_2b, long_lag_2c, recall, temporal_order_6a, temporal_order_6b
from lstmcore.tasks.reber_grammar import continual_reber, embedded_reber, embedded_reber_sets, reber
from lstmcore.tasks.symbols import anbn, copying
from lstmcore.tasks.video import bouncing_digits

__all__ = [
    "accepts",
    "adding",
    "adding_1997",
    "anbn",
    "bouncing_digits",
    "continual_reber",
    "copying",
    "embedded_reber",
    "embedded_reber_sets",
    "long_lag_2a",
    "long_lag_2b",
    "long_lag_2c",
    "multiplication",
    "reber",
    "recall",
    "sentence",
    "sentences",
    "temporal_order_6a",
    "temporal_order_6b",
]
