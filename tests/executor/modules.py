"""Packages of an environment, each with a habit that a zygote has to mind."""

MODULES = {
    "good": "import os\nBY = os.getpid()\nos.environ['SET_BY_GOOD'] = '1'\nVALUE = 'good'\n",
    "drawing": "import random, os\nclass Own(random.Random): pass\nBY = os.getpid()\n"
    "CHANCE = [random.Random(), Own(), random.SystemRandom(), random.Random(os.urandom(9))]\n"
    "FIXED = [random.Random(7), Own('text')]\nFIXED[1].random()\n"
    "derived = random.Random(random.random())\nCHANCE.append(derived)\n",
    "seeding": "import random\nrandom.seed(42)\nrandom.random()\n",
    "reading": "import os\nVALUE = ''\nif os.path.exists('settings.ini'):\n"
    "    VALUE = open('settings.ini').read()\n",
    "reading_home": "import pathlib\ntry:\n"
    "    VALUE = (pathlib.Path.home() / '.readrc').read_text()\nexcept OSError:\n    VALUE = 0\n",
    "asking": "import os\nREAD = os.getenv('READ')\nVALUE = os.path.isfile(os.path.join(\n"
    "    os.path.expanduser('~'), '.config', 'asking.toml'))\n",
    "copying": "import os, sys\nos.path.exists(sys.argv[0])\n"
    "VALUES = dict(os.environ), os.environ.copy(), {**os.environ}\n"
    "FOUND = [name for name, value in os.environ.items() if 'none' in value]\n",
    "naming": "import os\nVALUE = os.environ['WALLAROO_TASK_ID']\n",
    "leaning": "import good, json\n",
    "with_thread": "import threading\nthreading.Thread(target=threading.Event().wait, daemon=True)"
    ".start()\nVALUE = threading.active_count()\n",
    "with_file": "file = open('/etc/hostname')\nVALUE = file.name\n",
    "with_socket": "import socket\npair = socket.socketpair()\nVALUE = pair[0].fileno() > 2\n",
    "with_handler": "import signal\nsignal.signal(signal.SIGUSR1, print)\n"
    "VALUE = signal.getsignal(signal.SIGUSR1) is print\n",
    "with_mask": "import signal\nsignal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR2])\n"
    "VALUE = signal.pthread_sigmask(signal.SIG_BLOCK, [])\n",
    "with_child": "import subprocess\nchild = subprocess.Popen(['sleep', '9'])\nVALUE = 'child'\n",
    "deafening": "from select import poll\nimport select\nselect.poll = lambda: Deaf()\n"
    "class Deaf:\n    def __init__(self): self.real = poll()\n"
    "    def register(self, source, mask): self.real.register(source, mask)\n"
    "    def poll(self, timeout=None):\n        while True: self.real.poll(1000)\n",
    "counting": "import builtins, os\nreal, VALUE = builtins.compile, []\n"
    "def compile(*given, **more):\n    VALUE.append(os.getpid())\n    return real(*given, **more)\n"
    "builtins.compile = compile\n",
    "printing": "print('imported')\nVALUE = 'printing'\n",
    "failing": "raise ValueError('at import')\n",
    "exiting": "import os\nos._exit(3)\n",
}
