"""What Rondo claims about speed, each figure beside a yardstick of the same run.

`python -m bench` runs all of it; `python -m bench road` and so on one part.
"""
