"""Parts of `grid`."""
