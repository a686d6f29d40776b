"""The subcommands of `vitcnn`: grammar, and what each runs; everything else is imported when it runs."""
