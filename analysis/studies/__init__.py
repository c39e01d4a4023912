"""What evaluations saw, in numbers: how quality follows the real IoU, how distributions follow ambiguity."""
