"""Screens around `anime_models`: they turn clicks into calls and answers into pictures."""
