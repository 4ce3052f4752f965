"""What every network here expects of its pictures, apart from `make_inputs.py`: a worker without torch wants it without torch."""

import numpy as np

# ImageNet's, as in the card of every Whorl checkpoint.
MEAN = np.array([0.485, 0.456, 0.406], dtype=np.float32)
STANDARD_DEVIATION = np.array([0.229, 0.224, 0.225], dtype=np.float32)
