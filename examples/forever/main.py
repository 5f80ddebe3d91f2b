"""Works until it is killed: one run of a continuous task that never ends by itself."""

import itertools
import time

for number in itertools.count(1):
    print("round", number)
    time.sleep(1)
