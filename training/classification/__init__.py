"""Parts of `train_classifier` and `evaluate`."""
