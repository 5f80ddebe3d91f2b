"""How errors are told: tracebacks, warnings, what can't be compiled."""

SCRIPTS = {
    "traceback": """
        def f(x):
            return 1 / x
        def g():
            f(0)
        g()
    """,
    "chained": """
        def f():
            try:
                {}["absent"]
            except KeyError as error:
                raise ValueError("no") from error
        try:
            f()
        except ValueError:
            raise RuntimeError("while handling")
    """,
    "group": "raise ExceptionGroup('several', [ValueError(1), TypeError('two')])",
    "traceback_in_package": "from package import inner\\ninner.fail()".replace("\\n", "\n"),
    "syntax_error": "print('never')\nif True print(1)\n",
    "indentation": "if True:\nprint(1)\n",
    "encoding": "# -*- coding: latin-1 -*-\nprint(ascii('\xe9'))\n",
    "bad_encoding": "# -*- coding: nonsense -*-\nprint(1)\n",
    "syntax_warning": "print(1 is 1)\n",
    "recursion": "def f(n):\n    return f(n + 1)\nf(0)\n",
    "deep": """
        import sys
        def f(n):
            return n and f(n - 1)
        print(f(sys.getrecursionlimit() - 10))
    """,
}
