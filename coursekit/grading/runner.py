"""Inside the sandbox: run a notebook's cells, apply its functions to inputs, say what came out.

One JSON job on stdin, one JSON line per event on stdout. Learner's code runs in this process and may write there too:
what that can gain is a wrong answer, since the host compares with its own.
"""

import contextlib
import importlib.machinery
import json
import os
import signal
import sys
import types


def run(job, write):
    """Everything from here on may be learner's code."""
    out = os.fdopen(write, "w", encoding="ascii")
    null = os.open(os.devnull, os.O_RDWR)
    for fd in {*range(20)} - {write, null}:
        os.dup2(null, fd)  # what is printed is not graded
    limit(job["megabytes"], job["whole"])

    def say(**message):
        out.write(json.dumps(message) + "\n")
        out.flush()

    sys.meta_path.insert(0, Library(job["library"]))
    main = sys.modules["__main__"] = types.ModuleType("__main__")
    shell = Ipython()
    vars(main).update(get_ipython=lambda: shell, display=Nothing())

    for k, source in job["cells"]:
        say(start=k)
        try:
            with at_most(job["seconds"]):
                exec(compile(source, f"cell {k}", "exec"), vars(main))
        except BaseException as e:
            say(cell=k, error=data.error(e))

    for name, cases in job["calls"].items():
        say(start=name)
        said = [] if hasattr(main, name) else [{"why": f"There is no function {name} in this notebook."}]
        for arguments in cases if not said else []:
            try:
                with at_most(job["seconds"]):
                    said.append(data.called(getattr(main, name), arguments))
            except BaseException as e:
                said.append({"error": data.error(e)})
                break
        say(call=name, said=said)
    os._exit(0)


class Library:
    """Imports lstmcore from the sources that came with the job, and stand-ins for what is not here.

    One needless import must not stop a cell: the rest of lstmcore and the large libraries can be imported, but refuse
    when called; what only draws or shows does nothing.
    """

    absent = ("lstmcore", "torch", "scipy", "pandas", "sklearn")
    shows = ("matplotlib", "IPython", "lstmcore.plotting", "tqdm")

    def __init__(self, sources):
        self.sources = sources

    def find_spec(self, name, path=None, target=None):
        if name in self.sources:
            package = any(other.startswith(f"{name}.") for other in self.sources)
            return importlib.machinery.ModuleSpec(name, self, is_package=package)
        if is_in(name, self.shows) or is_in(name, self.absent):
            return importlib.machinery.ModuleSpec(name, self, is_package=True)

    def create_module(self, spec):
        if spec.name in self.sources:
            return None
        return (Nothing if is_in(spec.name, self.shows) else Absent)(spec.name)

    def exec_module(self, module):
        if source := self.sources.get(module.__name__):
            exec(compile(source, module.__name__, "exec"), vars(module))


def is_in(name, packages):
    return any(name == package or name.startswith(f"{package}.") for package in packages)


class Absent(types.ModuleType):
    """A library, or a piece of one, that is not here: it has every name, and none can be called."""

    __path__ = ()

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return Absent(f"{self.__name__}.{name}")

    def __call__(self, *args, **kwargs):
        raise NotImplementedError(f"{self.__name__} is not part of this exercise")


class Nothing(types.ModuleType):
    """Stands for Matplotlib, IPython, display: takes any call, does nothing, is never graded."""

    __path__ = ()

    def __init__(self, name="nothing"):
        super().__init__(name)

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return Nothing(name)

    def __call__(self, *args, **kwargs):
        return args[0] if args and self.__name__ in ("tqdm", "trange") else self

    def __getitem__(self, key):
        return self

    def __iter__(self):
        return iter((self, self))  # fig, ax = plt.subplots()

    def __enter__(self):
        return self

    def __exit__(self, *error):
        pass


class Ipython(Nothing):
    """What IPython's `%%time` and friends become; only cell magics that wrap code run anything."""

    def run_cell_magic(self, magic, line, body):
        if magic in {"time", "timeit", "capture", "prun"}:
            exec(compile(body, magic, "exec"), vars(sys.modules["__main__"]))


@contextlib.contextmanager
def at_most(seconds):
    """Interrupt honest endless loops; the host ends the others."""

    def stop(*_):
        raise TimeoutError(f"not finished after {seconds} seconds of computing; is there an endless loop?")

    if not hasattr(signal, "setitimer"):  # Windows
        yield
        return
    signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


def limit(megabytes, seconds):
    try:
        import resource
    except ImportError:  # Windows
        return
    for what, most in [
        (resource.RLIMIT_AS, megabytes << 20),
        (resource.RLIMIT_FSIZE, 16 << 20),  # of what it reports
        (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_CORE, 0),
    ]:
        with contextlib.suppress(ValueError, OSError):  # macOS refuses RLIMIT_AS
            resource.setrlimit(what, (most, most))


if __name__ == "__main__":
    here, site = sys.argv[1:]
    sys.path[:0] = [here, site]
    import data
    import numpy.random  # noqa: F401 (before the limits, which a learner's first use of it would meet)

    sys.path.remove(here)
    run(json.load(sys.stdin), os.dup(1))
