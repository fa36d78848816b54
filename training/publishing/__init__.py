"""Parts of `publish`."""
