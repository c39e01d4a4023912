"""Generated crowds: upright figures that hide each other, some of them beyond the image's border or to be ignored."""
