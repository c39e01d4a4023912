"""VarifocalNet (Zhang et al., 2021): a box, then a better one from features along its star."""
