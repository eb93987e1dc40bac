"""nbgrader's own API, configured by nbgrader_config.py, on a working folder."""

import contextlib
import logging
import os
import sys
import warnings
from pathlib import Path

from coursekit import ROOT


@contextlib.contextmanager
def quiet():
    """Without the warnings that nbgrader 0.9 raises about itself."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Object of type <Submitted", module="nbgrader.api")
        yield


def api(folder, **traits):
    """NbGraderAPI whose source, release, submitted, … folders, gradebook and secret lie in `folder`.

    traits: Reader__unsafe=True sets c.Reader.unsafe.
    """
    from nbgrader.apps.api import NbGraderAPI
    from traitlets.config import PyFileConfigLoader

    here = str(Path(sys.executable).parent)  # nbgrader calls the program `alembic` by its bare name
    if here not in os.environ["PATH"].split(os.pathsep):
        os.environ["PATH"] = here + os.pathsep + os.environ["PATH"]
    folder = folder.resolve()
    (folder / "exchange").mkdir(parents=True, exist_ok=True)
    config = PyFileConfigLoader("nbgrader_config.py", str(ROOT)).load_config()
    config.CourseDirectory.root, config.Exchange.root = str(folder), str(folder / "exchange")
    config.NbGraderAPI.log_level = logging.ERROR
    for name, value in traits.items():
        cls, _, trait = name.partition("__")
        config[cls][trait] = value
    return NbGraderAPI(config=config)
