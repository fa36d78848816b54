"""What every training command shares."""
