"""What `anime_models.gan_metrics` is made of."""
