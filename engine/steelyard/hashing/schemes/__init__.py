"""One module per vendor; the registry names them."""
