"""darknet's small YOLOs, v3 (Redmon and Farhadi, 2018) and v4 (Bochkovskiy et al., 2020)."""
