"""Figures: axes and what is drawn in them, maps of the sky, mosaics of feature maps."""
