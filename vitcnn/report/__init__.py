"""What a person sees of a run. Reads records only: neither torch nor timm nor peft."""
