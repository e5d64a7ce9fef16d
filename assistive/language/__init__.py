"""What the gestures mean, in words."""
