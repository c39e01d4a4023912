"""What a trained detector is worth: COCO's AP, and how well its quality follows the real IoU."""
