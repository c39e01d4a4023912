"""Runs handed to a cluster, or to a queue on this machine, and what becomes of them."""
