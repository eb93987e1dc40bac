"""What a right answer is: the `judge` blocks of a solution script, which no learner and no sandbox sees.

Needs only NumPy and lstmcore: `lstmcore.check.answer` judges with it in the learner's own notebook.
"""

import ast
import contextlib
import inspect
import io
import re
from functools import cache
from importlib.util import resolve_name
from types import MappingProxyType
from typing import NamedTuple

import numpy as np

from coursekit import ROOT
from coursekit.grading import data
from lstmcore import cells as known
from lstmcore import check

SOLUTIONS = ROOT / "solutions"
UNWRITTEN = "Not written yet"
STUB = f'raise NotImplementedError("{UNWRITTEN}: your code goes here.")'  # in place of an answer


class Cell(NamedTuple):
    kind: str  # "code" or "markdown"
    source: str
    tags: dict  # {"test": "lstm_step", "points": "2"}


class Spec(NamedTuple):
    cases: callable  # rng -> argument tuples
    oracle: callable  # arguments -> the right answer
    mistakes: dict  # {"b is left out": arguments -> the wrong answer that makes}
    fair: dict = MappingProxyType({})  # {"with einsum": arguments -> a right answer that looks different}
    hide: tuple = ()  # functions of lstmcore, besides the oracle, that would answer the question
    stacked: tuple = ()  # gates in order, where the answer stacks their rows and its arguments don't tell: "rzn"
    answer: str = ""  # the function's name
    arguments: tuple = ()  # their names


def cells(script):
    """The cells of a percent script, without what jupytext would need to know."""
    found = []
    for part in re.split(r"^(?=# %%)", script, flags=re.M)[1:]:
        head, _, source = part.partition("\n")
        source = source.strip("\n")
        if "[markdown]" in head:
            found.append(Cell("markdown", re.sub(r"^# ?", "", source, flags=re.M), {}))
        else:
            found.append(Cell("code", source, {k: v.strip('"') for k, v in re.findall(r'(\w+)=("[^"]*"|\S+)', head)}))
    return found


def script(assignment, notebook):
    return SOLUTIONS / assignment / f"{notebook}.py"


@cache
def load(assignment, notebook):
    """{answer: Spec} of solutions/assignment/notebook.py. FileNotFoundError where there is none."""
    path = script(assignment, notebook)
    code = [cell for cell in cells(path.read_text(encoding="utf-8")) if cell.kind == "code"]
    shared = {"__name__": "solution"}
    with contextlib.redirect_stdout(io.StringIO()):  # the notebook's own cells say it, not the judge
        for cell in before_judges(code):
            exec(compile(cell.source, path, "exec"), shared)
    specs = {}
    for cell in code:
        answer = cell.tags.get("judge", "all")
        if answer != "all":
            own = dict(shared)
            exec(compile(cell.source, path, "exec"), own)
            own |= {"answer": answer, "arguments": tuple(inspect.signature(own[answer]).parameters)}
            specs[answer] = Spec(*(own.get(f, Spec._field_defaults.get(f)) for f in Spec._fields))
    return specs


def before_judges(code):
    """The code cells that a judge block may use: those before the first answer, the answers, and the block for all."""
    first = next(k for k, cell in enumerate(code) if "answer" in cell.tags)
    return [*code[:first], *(c for c in code if "answer" in c.tags or c.tags.get("judge") == "all")]


def score(spec, inputs, said):
    """(fraction of the points, a sentence) for what came of each input. `said` may be forged: it is only data."""
    results, remarks = {}, {}  # {part: [(got, want, {mistake: wrong})]}, {remark: True}: a set in order
    steps = [len(case[spec.arguments.index("xs")]) for case in inputs] if "xs" in spec.arguments else []
    for arguments, one in zip(inputs, [*said, *[None] * len(inputs)], strict=False):
        one = one if isinstance(one, dict) else {"why": one or "Nothing came back."}
        if "value" not in one:
            return 0, trouble(one, spec, arguments)
        with np.errstate(all="ignore"):
            want = parts(spec.oracle(*arguments), spec.answer)
            wrongs = {m: dict(parts(wrong(*arguments), want)) for m, wrong in spec.mistakes.items()}
        try:
            value = data.unpack(one["value"])
            if lone(value, want):
                names = ", ".join(name for name, _ in want)
                return 0, f"One array of shape {value.shape} came back; it should be {len(want)} parts: {names}."
            got, found = seen(value, one, want)
            changed = [name for k, name in enumerate(spec.arguments) if k in one["changed"]]
        except Exception:
            return 0, "What came back is not data."
        if changed:
            return 0, f"It changes {' and '.join(changed)}, which the caller still needs; work on a copy."
        if one.get("differs"):
            return 0, "It gives different answers for equal inputs; it should depend on its arguments alone."
        remarks |= dict.fromkeys(found, True)
        for name, right in want:
            wrong = {m: each.get(name) for m, each in wrongs.items()}
            results.setdefault(name, []).append((got.get(name), right, wrong))
    return verdict(results, remarks, blocks(spec, inputs[0], results), steps)


def blocks(spec, arguments, results):
    """{part: the gates whose rows it stacks}: dW_x or W_x, and what else has as many rows."""
    names = spec.stacked or next((known.gate_names(p) for p in arguments if hasattr(p, "W_x")), ())
    rows = {part: np.shape(each[0][1])[:1] for part, each in results.items() if part.lstrip("d")[:1] in ("W", "b")}
    most = rows.get("dW_x", rows.get("W_x"))
    return {part: tuple(names) for part in rows if rows[part] == most} if most and len(names) > 1 else {}


def lone(value, want):
    """Whether one array came for several parts; with as many rows as parts it may be the parts, stacked."""
    return len(want) > 1 and isinstance(value, np.ndarray) and value.ndim > 0 and len(value) != len(want)


def seen(value, one, want):
    """({part: what came}, [remarks that cost nothing]). Any exception means that it cannot be read."""
    got, remarks = dict(parts(value, want)), []
    if one["value"] and one["value"].get("list"):
        remarks.append("a list came back where an array is expected")
    for name, right in want:
        check.difference(got.get(name), right, name)
        if isinstance(got.get(name), np.ndarray) and got[name].dtype != np.asarray(right).dtype:
            remarks.append(f"{name} is {got[name].dtype} where the inputs are {np.asarray(right).dtype}")
    if one["warned"]:
        remarks.append(f"NumPy warned: {clean(one['warned'])}")
    return got, remarks


def verdict(results, remarks, gates, steps):
    with np.errstate(all="ignore"):
        said = {name: check.explain(result, name, blocks=gates.get(name, ())) for name, result in results.items()}
        mistake = whole_mistake(results)
    right, wrong = ([name for name in said if bool(said[name]) == is_wrong] for is_wrong in (False, True))
    remark = f" Note: {'; '.join(remarks)}." if remarks else ""
    if not wrong:
        return 1, f"Right.{remark}"
    sentences = [f"{listed(wrong)} what you get when {mistake}."] if mistake else list(filter(None, said.values()))
    sentences += [f"{listed(right)} right."] if right else []
    sentences += [] if mistake else [from_where(results, steps)]
    return len(right) / len(said), " ".join(filter(None, sentences)) + remark


def from_where(results, steps):
    """A sentence where short sequences come out right and longer ones do not."""
    good, bad = set(), set()
    for k, T in enumerate(steps):
        wrong = any(check.difference(*each[k][:2], name) for name, each in results.items())
        (bad if wrong else good).add(T)
    if good and bad and max(good) < min(bad):
        return f"It is right at T = {max(good)} and wrong at T = {min(bad)}: is the state carried from step to step?"


def whole_mistake(results):
    """The mistake that makes every part as it came, in every case, the right ones too."""
    every = [(name, *result) for name, each in results.items() for result in each]
    for mistake in every[0][3]:
        if not any(check.difference(got, made[mistake], name) for name, got, _, made in every):
            return mistake


def listed(names):
    """h is; h and c are; h, r and z are."""
    *others, last = names
    return f"{', '.join(others)} and {last} are" if others else f"{last} is"


def trouble(one, spec, arguments):
    """Why there is no value: our own words, or the error the learner's code raised, and with which sizes."""
    error = one.get("error")
    if not isinstance(error, dict):
        return clean(one.get("why", "Nothing came back."))
    sentence = told(error)
    if error.get("type") in ("NameError", "TimeoutError", "NotImplementedError"):
        return sentence
    sizes = ", ".join(
        f"{n} {np.shape(a)}" for k, v in zip(spec.arguments, arguments, strict=True) for n, a in parts(v, k)
    )
    return f"{sentence} The inputs were {sizes}."


def told(error):
    """An error as a sentence."""
    kind, text, line = (clean(error.get(key) or "") for key in ("type", "text", "line"))
    if kind == "NotImplementedError" and (not text or text.startswith(UNWRITTEN)):
        return f"{UNWRITTEN}."
    text = re.sub(r"^matmul: .*\((size .*)\)$", r"the two sides of a product with @ do not fit, \1", text)
    return f"{kind}{line and f' in line {line} of its cell'}: {text}{'' if text.endswith(('.', '?', '!')) else '.'}"


def parts(value, like):
    """[(name, array)]: the fields of a NamedTuple; what else has as many parts as `like`, under the same names."""
    if isinstance(like, str):
        names = getattr(value, "_fields", None)
        return list(zip(names, value, strict=True)) if names else [(like, value)]
    if len(like) == 1:
        return [(like[0][0], value)]
    if not isinstance(value, tuple | list) and np.ndim(value) == 0:
        value = [value]
    return [(name, part) for (name, _), part in zip(like, value, strict=False)]


def clean(text, most=500):
    """Text that any file can hold: no lone surrogates, not too long."""
    return str(text)[:most].encode("utf-8", "replace").decode()


def try_out(assignment, notebook, function):
    """(fraction, sentence, number of inputs) of a function in this very process, for its author's eyes."""
    specs = load(assignment, notebook)
    name = getattr(function, "__name__", None)
    if name not in specs:
        raise ValueError(f"There is no answer {name} in {assignment}/{notebook}; it asks for {', '.join(specs)}.")
    inputs, said = list(specs[name].cases(np.random.default_rng(0))), []
    for arguments in inputs:
        try:
            said.append(data.called(function, [data.pack(a) for a in arguments]))
        except Exception as e:
            said.append({"error": data.error(e)})
            break
    return *score(specs[name], inputs, said), len(inputs)


@cache
def library(source, hidden):
    """{module: source}: the part of lstmcore that this code imports, in which what is asked has no body."""
    found, todo = {}, {"lstmcore", *imports(source, "")}
    while todo:
        module = todo.pop()
        stem = ROOT / module.replace(".", "/")
        path = stem / "__init__.py" if stem.is_dir() else stem.with_suffix(".py")
        if module.split(".")[0] == "lstmcore" and module not in found and path.exists():
            found[module] = without(path.read_text(encoding="utf-8"), {f for m, f in hidden if m == module})
            todo.update(imports(found[module], module if stem.is_dir() else module.rpartition(".")[0]))
    return found


def asked(specs):
    """{(module, function)} that would answer a question of this notebook."""
    functions = [f for spec in specs.values() for f in (spec.oracle, *spec.hide)]
    return frozenset((f.__module__, f.__name__) for f in functions)


def imports(source, package):
    """Every module that `source`, a module of `package`, may import; for `from a import b`, a and a.b."""
    for node in ast.walk(ast.parse(source)):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = resolve_name("." * node.level + (node.module or ""), package)
            names = [base, *(f"{base}.{alias.name}" for alias in node.names)]
        for name in names:
            steps = name.split(".")
            yield from (".".join(steps[: k + 1]) for k in range(len(steps)))


def without(source, names):
    """`source` with no body in the functions `names`."""
    tree = ast.parse(source)
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and node.name in names:
            node.body = ast.parse(f"raise NotImplementedError('{node.name} is yours to write')").body
    return ast.unparse(tree)
