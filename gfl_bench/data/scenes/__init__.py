"""The embedded data set: generated scenes whose boundary ambiguity is known for each side of each box."""
