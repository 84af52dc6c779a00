"""How the weights are made. The only place that imports torch."""
