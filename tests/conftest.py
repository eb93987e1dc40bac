"""One thread for every library, set before any of them is imported: tiny matrices get slower with two."""

import os

for library in ("OMP", "OPENBLAS", "MKL"):
    os.environ[f"{library}_NUM_THREADS"] = "1"
