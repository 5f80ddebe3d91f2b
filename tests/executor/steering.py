"""Scripts that steer their imports, and packages that can be steered. A table, hence so long.

Each prints what came of it, which must not depend on whether packages were imported beforehand.
"""

PACKAGES = {
    "looking": "import os, sys, warnings\nFROM_ENVIRONMENT = os.environ.get('STEER')\n"
    "ARGUMENTS = list(sys.argv)\nFILE = sys.modules['__main__'].__file__\nPATH = sys.path[0]\n"
    "LIMIT = sys.getrecursionlimit()\nFOLDER = os.getcwd()\nHOME = os.path.expanduser('~')\n",
    "drawing": "import random\nDRAWN = random.Random(7).random(), random.random()\n",
    "hooking": "import sys, os\nsys.excepthook = lambda *a: print('hooked', a[1])\n"
    "os.environ['STEER'] = 'hooking'\n",
    "warning": "import warnings\nwarnings.warn('old', DeprecationWarning, stacklevel=2)\n",
    "telling": "import logging\nlogging.getLogger('telling').info('imported')\n",
    "lazy/__init__.py": "def call():\n    import looking\n    return looking.FROM_ENVIRONMENT\n",
    "lazy/part.py": "VALUE = 'part'\n",
    "leading": "import sys\nsys.path.insert(0, '/nowhere')\nsys.argv.append('more')\n",
    "loud": "print('imported')\nimport os\nos.environ['STEER'] = 'loud'\n",
}

BESIDE = {
    "setting.py": b"import os\nos.environ['STEER'] = 'a module beside it'\n",
    "reading.py": b"import looking\nVALUE = looking.FROM_ENVIRONMENT\n",
    "parts/__init__.py": b"from .first import VALUE\n",
    "parts/first.py": b"import os\nVALUE = os.environ['STEER'] = 'first'\n",
    "space/inner.py": b"import os\nos.environ['STEER'] = 'inner'\n",
    "vendor/looking.py": b"FROM_ENVIRONMENT = 'vendored'\n",
    "vendor/json.py": b"VALUE = 'ours'\n",
    "bare.py": b"",
    "vendor/__main__.py": b"import json\nprint(json.VALUE)\n",
}

_ALL = "looking.FROM_ENVIRONMENT, looking.ARGUMENTS, looking.FILE, looking.LIMIT, looking.FOLDER"

SCRIPTS = {
    "plain": f"import looking\nprint({_ALL}, looking.PATH, looking.HOME)\n",
    "assigned": "import os\nos.environ['STEER'] = 'set'\nimport looking\nprint(looking.__dict__.get"
    "('FROM_ENVIRONMENT'))\n",
    "put": "import os\nos.environ.setdefault('STEER', 'x')\nos.putenv('A', 'b')\nimport looking\n"
    "print(looking.FROM_ENVIRONMENT)\n",
    "updated": "from os import environ as e\ne |= {'STEER': 'y'}\nfrom looking import "
    "FROM_ENVIRONMENT\nprint(FROM_ENVIRONMENT)\n",
    "in_a_function": "import os\ndef f():\n    os.environ['STEER'] = 'f'\nf()\nimport looking\n"
    "print(looking.FROM_ENVIRONMENT)\n",
    "by_decorator": "import os\ndef now(f):\n    f()\n@now\ndef g():\n    os.environ['STEER'] = 'g'"
    "\nimport looking\nprint(looking.FROM_ENVIRONMENT)\n",
    "by_class": "import os\nclass A:\n    os.environ['STEER'] = 'A'\nimport looking\n"
    "print(looking.FROM_ENVIRONMENT)\n",
    "by_hook_of_class": "import os\nclass A:\n    def __init_subclass__(cls):\n"
    "        os.environ['STEER'] = 'A'\nclass B(A): pass\nimport looking\n"
    "print(looking.FROM_ENVIRONMENT)\n",
    "by_default": "import os\ndef f(x=os.environ.update(STEER='d')): pass\nimport looking\n"
    "print(looking.FROM_ENVIRONMENT)\n",
    "by_comprehension": "import os\nx = [os.environ.update(STEER='c') for _ in range(1)]\n"
    "import looking\nprint(looking.FROM_ENVIRONMENT)\n",
    "by_walrus": "import os\n(x := os.environ).update(STEER='w')\nimport looking\n"
    "print(looking.FROM_ENVIRONMENT)\n",
    "pure_by_name_only": "import os\ndef print_(x): os.environ['STEER'] = x\nprint = print_\n"
    "print('p')\nimport looking, sys\nsys.stdout.write(str(looking.FROM_ENVIRONMENT))\n",
    "beside": "import setting\nimport looking\nprint(looking.FROM_ENVIRONMENT)\n",
    "beside_deeper": "import parts\nimport looking\nprint(looking.FROM_ENVIRONMENT)\n",
    "beside_without_init": "from space import inner\nimport looking\n"
    "print(looking.FROM_ENVIRONMENT)\n",
    "beside_late": "import os\nos.environ['STEER'] = 'late'\nimport reading\n"
    "print(reading.VALUE)\n",
    "path": "import sys\nsys.path.insert(0, 'vendor')\nimport looking\n"
    "print(looking.FROM_ENVIRONMENT)\n",
    "path_of_standard_library": "import sys\nsys.path.insert(0, 'vendor')\nimport json\n"
    "print(json.VALUE)\n",
    "false_if": "import os, sys\nif os.environ.get('STEER'):\n    import hooking\n"
    "print('hooking' in sys.modules, sys.excepthook is sys.__excepthook__)\n",
    "of_another_script": "import os, sys\nprint('hooking' in sys.modules, os.environ.get('STEER'))"
    "\nraise ValueError('shown as ever')\n",
    "hooked": "import hooking, looking\nprint(looking.FROM_ENVIRONMENT)\nraise ValueError('x')\n",
    "attempted": "try:\n    import absent_package\nexcept ImportError:\n    import hooking\n"
    "import looking\nprint(looking.FROM_ENVIRONMENT)\n",
    "attempted_otherwise": "import sys\ntry:\n    import looking\nexcept ImportError:\n"
    "    import hooking\nprint('hooking' in sys.modules)\n",
    "attempted_value": "import os\ntry:\n    x = os.environ['ABSENT']\nexcept KeyError:\n"
    "    os.environ['STEER'] = 'v'\nimport looking\nprint(looking.FROM_ENVIRONMENT)\n",
    "attempted_name": "import os\ntry:\n    from bare import absent_name\nexcept ImportError:\n"
    "    os.environ['STEER'] = 'n'\nimport looking\nprint(looking.FROM_ENVIRONMENT)\n",
    "attempted_name_of_standard_library": "import os\ntry:\n    from typing import absent_name\n"
    "except ImportError:\n    os.environ['STEER'] = 's'\nimport looking\n"
    "print(looking.FROM_ENVIRONMENT)\n",
    "all_variables": "import os\nbefore = dict(os.environ)\nimport hooking\n"
    "print(os.environ.items() - before.items())\n",
    "path_by_other_name": "import sys as s, csv\ns.path.insert(0, 'vendor')\nimport json\n"
    "print(json.VALUE)\n",
    "path_of_a_tool": "import runpy\nrunpy.run_path('vendor')\n",
    "type_checking": "import sys\nfrom typing import TYPE_CHECKING\nif TYPE_CHECKING:\n"
    "    import hooking\nimport looking\nprint('hooking' in sys.modules)\n",
    "warnings_caught": "import warnings\nwith warnings.catch_warnings(record=True) as w:\n"
    "    warnings.simplefilter('always')\n    import warning\nprint([str(x.message) for x in w])\n",
    "warnings_shown": "import warning\nprint('after')\n",
    "warnings_are_errors": "import warnings\nwarnings.simplefilter('error')\nimport warning\n",
    "logging": "import logging, sys\nlogging.basicConfig(level='INFO', stream=sys.stdout)\n"
    "import telling\n",
    "seeded": "import random\nrandom.seed(1)\nimport drawing\nprint(drawing.DRAWN)\n",
    "limit": "import sys\nsys.setrecursionlimit(5000)\nimport looking\nprint(looking.LIMIT)\n",
    "folder": "import os\nos.chdir('vendor')\nimport looking\nprint(looking.FOLDER)\n",
    "arguments": "import sys\nsys.argv += ['a']\nimport looking\nprint(looking.ARGUMENTS)\n",
    "replaced": "import sys, types\nsys.modules['looking'] = types.SimpleNamespace(x=1)\n"
    "import looking\nprint(looking)\n",
    "import_hook": "import sys\nclass Finder:\n    def find_spec(self, name, path, target=None):\n"
    "        if name == 'looking':\n            print('asked for')\n"
    "sys.meta_path.insert(0, Finder())\nimport looking\n",
    "by_name": "import importlib, os\nos.environ['STEER'] = 'n'\n"
    "print(importlib.import_module('looking').FROM_ENVIRONMENT)\n",
    "within_a_package": "import lazy, os\nos.environ['STEER'] = 'l'\nprint(lazy.call())\n",
    "submodule": "import sys, lazy\nprint('lazy.part' in sys.modules)\nfrom lazy import part\n"
    "print(part.VALUE)\n",
    "star": "from lazy import *\nfrom looking import *\nprint(call(), FROM_ENVIRONMENT)\n",
    "after_one_that_prints": "import loud\nimport looking\nprint(looking.FROM_ENVIRONMENT)\n",
    "what_packages_do_to_sys": "import leading, sys\nprint(sys.path[:2], sys.argv)\n",
    "failing": "import looking\nimport absent_package\nimport hooking\n",
    "absent_name": "from looking import absent_name\nimport hooking\n",
}
