"""BorderDet (Qiu et al., 2020): a second look at each box, along its borders."""
