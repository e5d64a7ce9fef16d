"""Networks in torch, one a file. Training builds them; the runtime never imports this package."""
