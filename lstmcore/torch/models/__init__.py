"""The models that recurrent nets are compared with, each a small file on standard parts of torch.

One signature for all, and one for their making:

    model(xs, lengths=None)   xs (T, B, D) -> class scores (B, K), or with a horizon a forecast (horizon, B, K)
    Model(D, K, H, horizon=None, …, device=None, dtype=None)        LTSF-Linear: (D, K, T, horizon=None, …)

lengths (B,) are those of sequences that were padded to T at their end; what stands in the padding changes nothing.
The forecast is direct: all `horizon` steps at once, from what the model knows after the last step.
"""
