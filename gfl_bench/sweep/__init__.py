"""The paper's tables as cells that can be run."""
