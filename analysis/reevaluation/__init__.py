"""AP again from the detections that runs kept: no network, no GPU."""
