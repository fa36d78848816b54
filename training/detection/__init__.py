"""Parts of `train_detector`."""
