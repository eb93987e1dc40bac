"""The cells in PyTorch, with autograd: the names and lines of `lstmcore.numpy`. `Recurrent` makes modules of them."""

import torch

if not hasattr(torch, "nn"):
    raise ImportError("Python was started inside lstmcore/ and takes this folder for PyTorch; start it one folder up.")

from lstmcore.torch.recurrent import Recurrent

__all__ = ["Recurrent"]
