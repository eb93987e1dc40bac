"""The cells in PyTorch, with autograd. The same names and lines as in `lstmcore.numpy`; `Recurrent` makes a module of any of them."""

import torch

if not hasattr(torch, "nn"):
    raise ImportError("Python was started inside lstmcore/ and takes this folder for PyTorch; start it one folder up.")

from lstmcore.torch.recurrent import Recurrent

__all__ = ["Recurrent"]
