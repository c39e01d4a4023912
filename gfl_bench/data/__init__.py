"""From image files and COCO annotations to batches."""
