"""Scripts that look at all which a forked interpreter might do otherwise than a new one.

Each prints only what must be alike in two runs of it.
"""

from tests.executor.zoo import endings, errors, exits, interpreter, libraries, processes

BESIDE = {
    "near.py": b"import sys\nNAME = __name__, __file__\nclass Thing:\n    def __del__(self):\n"
    b"        print('near gone')\nthing = Thing()\n",
    "package/__init__.py": b"from .inner import VALUE\n",
    "package/inner.py": b"VALUE = 'inner'\ndef fail():\n    raise KeyError('from inner')\n",
    "data/table.csv": b"a,b\n1,2\n",
    "keeping.py": b"import __main__, sys\nmain = __main__\nnames = vars(__main__)\n",
    "worker.py": b"import os\ndef double(x):\n    return x * 2\n",
}

SCRIPTS = {
    **interpreter.SCRIPTS,
    **errors.SCRIPTS,
    **exits.SCRIPTS,
    **endings.SCRIPTS,
    **processes.SCRIPTS,
    **libraries.SCRIPTS,
}
