"""What a run is: its options (schema), which of them fit together (compat), its name (identity), its places (paths)."""
