"""Text to mentions: gate, encoder, decoding, normalisation, the registries and the weights."""
