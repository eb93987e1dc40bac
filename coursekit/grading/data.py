"""Values as JSON, and what a function makes of them. Reading them can run no code. The same file on both sides."""

import base64
import importlib
import sys
import warnings

import numpy as np

KINDS = set("biufc")  # dtypes: no objects, no text, no dates


def pack(value):
    """What a learner may be given or may return: numbers, arrays, tuples, lists, None. Else TypeError, a sentence."""
    if value is None:
        return None
    if isinstance(value, tuple | list) and not (isinstance(value, list) and is_numeric(value)):
        named = f"{type(value).__module__}:{type(value).__qualname__}" if hasattr(value, "_fields") else None
        return {"tuple": [pack(part) for part in value], "type": named}
    array = np.asarray(value)
    if array.dtype.kind not in KINDS:
        raise TypeError(f"A {type(value).__name__} came back where numbers should be.")
    data = base64.b64encode(np.ascontiguousarray(array).tobytes()).decode()
    return {"array": data, "dtype": array.dtype.str, "shape": list(array.shape), "list": isinstance(value, list)}


def unpack(data, find=None):
    """The value again, in new arrays. `find` turns "lstmcore.cells.lstm:State" into the class."""
    if data is None:
        return None
    if "tuple" in data:
        parts = [unpack(part, find) for part in data["tuple"]]
        return find(data["type"])(*parts) if find and data["type"] else tuple(parts)
    dtype = np.dtype(data["dtype"])
    if dtype.kind not in KINDS:
        raise ValueError(f"dtype {dtype}")
    return np.frombuffer(base64.b64decode(data["array"]), dtype).reshape(data["shape"]).copy()


def is_numeric(values):
    try:
        return np.asarray(values).dtype.kind in KINDS
    except ValueError:  # ragged
        return False


def find(name):
    module, _, attribute = name.partition(":")
    return getattr(importlib.import_module(module), attribute)


def called(function, arguments):
    """What came of function(*arguments), packed, with what a caller would mind: changed arguments, whims, warnings."""
    if not callable(function):
        raise TypeError(f"It is a {type(function).__name__}; it should be a function.")
    given = [unpack(a, find) for a in arguments]
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        said = {"value": pack(function(*given))}
        again = pack(function(*(unpack(a, find) for a in arguments)))
    said["changed"] = [k for k, (a, before) in enumerate(zip(given, arguments, strict=True)) if pack(a) != before]
    said["differs"] = not alike(unpack(said["value"]), unpack(again))
    said["warned"] = str(warned[0].message) if warned else ""
    return said


def alike(one, two):
    """Equal but for the last digits, which a matrix product may change from call to call."""
    if isinstance(one, tuple) and isinstance(two, tuple):
        return len(one) == len(two) and all(map(alike, one, two))
    if isinstance(one, np.ndarray) and isinstance(two, np.ndarray):
        return one.shape == two.shape and np.allclose(one, two, rtol=1e-5, atol=1e-6, equal_nan=True)
    return one is None and two is None


def error(e):
    """What an exception says, and the line of the learner's cell where it came up."""
    line, trace = None, e.__traceback__
    while trace:
        if trace.tb_frame.f_globals is vars(sys.modules["__main__"]):
            line = trace.tb_lineno
        trace = trace.tb_next
    if isinstance(e, SyntaxError):
        line = e.lineno
    try:
        text = str(e)
    except Exception:
        text = ""
    return {"type": type(e).__name__[:80], "text": text[:500], "line": line}
