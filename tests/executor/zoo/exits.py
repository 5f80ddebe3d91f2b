"""With what status a script ends, and what is said of it."""

SCRIPTS = {
    "exit_text": "import sys; sys.exit('a message')",
    "exit_none": "import sys; sys.exit()",
    "exit_large": "import sys; sys.exit(300)",
    "exit_negative": "import sys; sys.exit(-1)",
    "exit_tuple": "raise SystemExit(1, 2)",
    "exit_huge": "import sys; sys.exit(2**70)",
    "exit_just_too_large": "import sys; sys.exit(2**63)",
    "exit_least": "import sys; sys.exit(-2**63)",
    "exit_multiple_of_256": "import sys; sys.exit(2**32)",
    "exit_true": "import sys; sys.exit(True)",
    "exit_own_number": """
        class Number(int):
            def __and__(self, other): return 0
            def __str__(self): return "no"
        raise SystemExit(Number(5))
    """,
    "exit_object": """
        class Broken:
            def __str__(self): raise ValueError("no words")
        raise SystemExit(Broken())
    """,
    "exit_without_code": """
        class Coy(SystemExit):
            @property
            def code(self): raise ValueError("I won't tell")
        raise Coy(3)
    """,
    "exit_without_stderr": "import sys; sys.stderr = None; sys.exit('a message')",
    "exit_in_thread": """
        import sys, threading
        threading.Thread(target=sys.exit, args=(9,)).start()
    """,
    "exit_at_exit": "import atexit, sys; atexit.register(lambda: sys.exit(3)); print('main')",
    "exit_in_excepthook": "import sys; sys.excepthook = lambda *a: sys.exit(2**70); 1 / 0",
    "interrupted_at_end": """
        import os, signal, threading
        def interrupt():
            threading.main_thread().join(0.2)
            os.kill(os.getpid(), signal.SIGINT)
        threading.Thread(target=interrupt).start()
    """,
    "stdout_broken": """
        import sys
        class Broken:
            def write(self, text): return len(text)
            def flush(self): raise OSError("no room")
        sys.stdout = Broken()
    """,
    "stderr_broken": """
        import sys
        class Broken:
            def write(self, text): return len(text)
            def flush(self): raise OSError("no room")
        sys.stderr = Broken()
        sys.exit(3)
    """,
    "stdout_descriptor_closed": """
        import os, sys
        sys.stdout = open(1, "w", closefd=False)
        print("never seen")
        os.close(1)
    """,
    "no_modules": """
        import sys, json
        sys.modules["absent"] = None
        sys.modules["odd"] = "text"
        del sys.modules["__main__"], sys.modules["json"]
        class Noisy:
            def __del__(self): print("gone")
        noisy = Noisy()
    """,
    "os_exit": "import os; print('a', end=''); os._exit(7)",
    "interrupt": "import os, signal; os.kill(os.getpid(), signal.SIGINT); signal.pause()",
    "abort": "import os; os.abort()",
    "segfault": "import ctypes; ctypes.string_at(0)",
    "terminated": "import os, signal; os.kill(os.getpid(), signal.SIGTERM)",
    "excepthook": "import sys; sys.excepthook = lambda *a: print('hook', a[0], a[1]); 1 / 0",
    "broken_excepthook": "import sys; sys.excepthook = lambda *a: 1 / 0; int('x')",
    "atexit": """
        import atexit
        atexit.register(print, "second")
        atexit.register(lambda: 1 / 0)
        atexit.register(print, "first")
        print("main")
    """,
}
