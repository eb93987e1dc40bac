"""The course's figures: palette (colours), style (Matplotlib that follows the theme), figures (ready-made plots).

Nothing is imported here, so the palette can be read where there is no Matplotlib.
"""
