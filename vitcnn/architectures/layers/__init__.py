"""Layers that the catalogue's own architectures are made of; imported where a model is built, since they need torch."""
