"""Nested NamedTuples (Params, State, a model of several) as trees whose leaves are arrays."""


def tree_map(f, tree, *others):
    """f applied to the leaves of trees of one structure, side by side -> a tree of that structure."""
    if not isinstance(tree, tuple):
        return f(tree, *others)
    leaves = [tree_map(f, *branch) for branch in zip(tree, *others, strict=True)]
    return type(tree)(*leaves) if hasattr(tree, "_fields") else tuple(leaves)


def leaves(tree):
    """The arrays of a tree, in the order of its fields."""
    return [leaf for branch in tree for leaf in leaves(branch)] if isinstance(tree, tuple) else [tree]


def unflatten(tree, arrays):
    """A tree of this structure with these arrays as its leaves; the inverse of `leaves`."""
    queue = iter(arrays)
    return tree_map(lambda _: next(queue), tree)
