"""Training of the networks; needs the extra ``train`` and is never imported by the runtime."""
