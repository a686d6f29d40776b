"""Wraps a module so that everything, its head or LoRA trains, loads weights into it, and writes what was trained."""
