"""Parts of the tab Generate, the laboratory for a generator's latent space."""
