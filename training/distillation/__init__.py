"""Parts of `distill`."""
