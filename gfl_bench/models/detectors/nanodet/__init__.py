"""NanoDet (Section 4.6): the head that makes ``detector=atss`` fit a phone."""
