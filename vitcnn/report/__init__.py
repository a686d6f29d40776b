"""Writes what a person sees of a run, from its records alone; it imports neither torch nor timm nor peft."""
