"""What a person sees, and what is written down."""
