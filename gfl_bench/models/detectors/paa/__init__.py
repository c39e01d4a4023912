"""PAA (Kim & Lee, 2020): assignment by a mixture of losses, and score voting."""
