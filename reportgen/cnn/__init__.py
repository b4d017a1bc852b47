"""Convolutional networks: old Keras files read as data, and the maps of their layers."""
