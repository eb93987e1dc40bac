"""What each cell is: its equations and their source, its Gates, Params and State. Nothing here computes.

Every module declares
    Gates   what the cell computes on the way, in the order in which the rows of W_x, W_h and b are stacked;
    Params  its weights, with `Params.shapes(D, H)`; the keys of a state_dict are `Params._fields`;
    State   what a step hands to the next, h first. Each is (B, H).
A gradient has the type of its thing: dLoss/dParams is a Params, dLoss/dState a State.
"""
