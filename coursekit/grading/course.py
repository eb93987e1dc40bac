"""nbgrader's own API, configured by nbgrader_config.py, on a working folder."""

import logging
import warnings

from coursekit import ROOT


def api(folder, **traits):
    """NbGraderAPI whose source, release, submitted, … folders and gradebook lie in `folder`."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of nbgrader and what it imports
        from nbgrader.apps.api import NbGraderAPI
        from traitlets.config import PyFileConfigLoader

    config = PyFileConfigLoader("nbgrader_config.py", str(ROOT)).load_config()
    config.CourseDirectory.root = str(folder.resolve())
    config.CourseDirectory.db_url = f"sqlite:///{folder.resolve()}/gradebook.db"
    config.NbGraderAPI.log_level = logging.ERROR
    for name, value in traits.items():
        cls, _, trait = name.partition("__")
        config[cls][trait] = value
    return NbGraderAPI(config=config)
