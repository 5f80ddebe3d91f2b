"""`rondo completion`: scripts for shells, made from the parser itself."""

import argparse
from argparse import Namespace

from rondo.cli import plugins

SHELLS = ("bash", "zsh", "fish")


def completion(arguments: Namespace) -> int:
    """`rondo completion`."""
    commands = _commands(arguments.parser)
    print(_fish(commands) if arguments.shell == "fish" else _bash(commands, arguments.shell))
    return 0


def _commands(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            return dict(action.choices)
    return {}


def _options(parser: argparse.ArgumentParser) -> list[str]:
    return [option for action in parser._actions for option in action.option_strings]


def _words(parser: argparse.ArgumentParser) -> list[str]:
    """The words that a command takes besides its options."""
    positional = (action for action in parser._actions if not action.option_strings)
    return [str(word) for action in positional for word in action.choices or ()]


def _names(commands: dict[str, argparse.ArgumentParser]) -> str:
    return " ".join([*commands, *plugins.names()])


def _bash(commands: dict[str, argparse.ArgumentParser], shell: str) -> str:
    cases = "\n".join(
        f"    {name}) words='{' '.join([*_words(parser), *_options(parser)])}' ;;"
        for name, parser in commands.items()
    )
    names = _names(commands)
    start = "autoload -U +X bashcompinit && bashcompinit\n" if shell == "zsh" else ""
    return f"""{start}_rondo() {{
  local words current="${{COMP_WORDS[COMP_CWORD]}}"
  case "${{COMP_WORDS[1]}}" in
{cases}
    *) words='{names}' ;;
  esac
  [ "$COMP_CWORD" = 1 ] && words='{names}'
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}}
complete -o default -F _rondo rondo"""


def _fish(commands: dict[str, argparse.ArgumentParser]) -> str:
    lines = [f"complete -c rondo -n __fish_use_subcommand -a '{_names(commands)}'"]
    for name, parser in commands.items():
        seen = f"complete -c rondo -n '__fish_seen_subcommand_from {name}'"
        lines += [f"{seen} -a {word}" for word in _words(parser)]
        for option in _options(parser):
            kind = f"-l {option[2:]}" if option.startswith("--") else f"-s {option[1:]}"
            lines.append(f"{seen} {kind}")
    return "\n".join(lines)
