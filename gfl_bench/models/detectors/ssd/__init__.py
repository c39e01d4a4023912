"""SSD (Liu et al., 2016): many sizes of priors, a convolution a level, and softmax with mined negatives."""
