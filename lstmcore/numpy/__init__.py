"""The cells in NumPy, with hand-written gradients. One file per cell: `gates`, `step`, `step_backward`."""

import numpy

if not hasattr(numpy, "ndarray"):
    raise ImportError("Python was started inside lstmcore/ and takes this folder for NumPy; start it one folder up.")
