"""RepPoints V2 (Chen et al., 2020): boxes from point sets, verified by corner heatmaps."""
