"""A warm interpreter that runs are forked from: python -u main.py MSGSPEC NAMESPACES SCRIPT -.

MSGSPEC is the folder of that package, NAMESPACES is 1 if it can make pid namespaces, SCRIPT is
where runs find their script, empty if each does elsewhere; over what follows runs write the command
that they are. It is started with the python of an environment and preloads what the scripts there
import. It has one thread, a frozen heap, and of Rondo's modules none that a script could find. In a
run's process this file's last statements run the script, so that there is one frame of ours beneath
it and no more; what a new interpreter does before and after them is in run_script.py and
finalize.py beside this file.
"""

import sys

_plain = frozenset(sys.modules)  # what every new interpreter has
del sys.path[0]

from importlib.machinery import ModuleSpec, SourceFileLoader  # noqa: E402
from importlib.util import module_from_spec  # noqa: E402

_tree = __file__.rsplit("/", 5)[0]
# By their places, for the folders that they lie in may be closed to us.
for _folder in (f"{_tree}/libs", f"{_tree}/services", sys.argv[1]):
    _name = _folder.rpartition("/")[2]
    _loader = SourceFileLoader(_name, f"{_folder}/__init__.py")
    _spec = ModuleSpec(_name, _loader, origin=_loader.path, is_package=True)
    _spec.submodule_search_locations = [_folder]
    sys.modules[_name] = module_from_spec(_spec)
    _loader.exec_module(sys.modules[_name])

# They were not within reach before.
from services.executor.local.zygote import finalize, loop, run_script  # noqa: E402

loop.serve(_plain, namespaces=sys.argv[2] == "1")
_raised = None
_code = run_script.begin()
try:
    exec(_code, sys.modules["__main__"].__dict__)  # noqa: S102 - the point
except BaseException as _error:
    _raised = _error  # to be told of outside, where it is no other error's context
finalize.end(_raised, run_script.loaded())
