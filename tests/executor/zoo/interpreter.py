"""What a script finds when it begins."""

SCRIPTS = {
    "main_module": """
        import sys
        print(__name__, __file__, __builtins__, __spec__, __package__, __doc__, __cached__)
        print(sorted(vars()), type(__loader__).__name__, __loader__.name, __loader__.path)
        print(sys.modules["__main__"].__dict__ is globals(), sys.modules["__main__"])
    """,
    "doc_and_annotations": '''
        """What it does."""
        x: int = 1
        print(__doc__, __annotations__)
    ''',
    "future": """
        from __future__ import annotations
        def f(x: Unknown) -> Unknown: ...
        print(f.__annotations__)
    """,
    "sys": """
        import sys
        print(sys.argv, sys.orig_argv[1:], sys.path, sys.executable, sys.prefix, sys.base_prefix)
        print(sys.flags, sys.getrecursionlimit(), sys.warnoptions, sys._xoptions, sys.platlibdir)
        print(sys.getswitchinterval(), sys.gettrace(), sys.getprofile(), sys.meta_path)
        print(sys.stdin, sys.stdout, sys.stderr, sys.stdin.read(), sys.stdin.seekable())
        print(sys.excepthook is sys.__excepthook__, sys.stdout is sys.__stdout__, sys.path_hooks)
    """,
    "gc": "import gc; print(gc.isenabled(), gc.get_threshold(), gc.get_debug(), gc.callbacks)",
    "modules": """
        import sys
        print([name for name in sys.modules if name.split(".")[0] in ("services", "libs")])
        try:
            import services
        except ImportError as error:
            print(error)
    """,
}
