"""Parts of `train_gan` and `find_directions`."""
