"""From a data set's name or a folder of images to splits of uint8 tensors, and the random changes made to them."""
