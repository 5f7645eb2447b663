"""`sarcodec completion SHELL`: a script with which bash, zsh or fish complete verbs, options and their values.

Made of the parser itself, so that it knows every option and the verbs of other distributions. Why a script and no library: docs/decisions/0015-shell-completion.md.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sarcodec.cli.options import add_verb

EXAMPLES = (
    'eval "$(sarcodec completion bash)"    # in ~/.bashrc',
    'eval "$(sarcodec completion zsh)"     # in ~/.zshrc, after compinit',
    "sarcodec completion fish | source     # in ~/.config/fish/config.fish",
)
_ALONE = {"--help": "show all verbs and the exit codes", "--version": "show the version"}
_LONGEST = 60  # of what a shell shows beside a word


@dataclass(frozen=True)
class _Option:
    names: tuple[str, ...]
    about: str
    values: tuple[str, ...]  # that it may have, where they can be listed
    is_flag: bool


@dataclass(frozen=True)
class _Verb:
    name: str
    about: str
    words: tuple[str, ...]  # that may follow without a dash, where they can be listed
    options: tuple[_Option, ...]


def add(verbs: argparse._SubParsersAction[Any]) -> None:
    """Declare the verb."""
    parser = add_verb(verbs, "completion", "print what makes a shell complete verbs and options", run, EXAMPLES)
    parser.add_argument("shell", choices=tuple(_SCRIPTS), help="which shell")
    parser.set_defaults(verbs=verbs)


def run(options: argparse.Namespace) -> int:
    """Print the script."""
    print(_SCRIPTS[options.shell](list(_verbs(options.verbs))))
    return 0


def _verbs(action: argparse._SubParsersAction[Any]) -> Iterator[_Verb]:
    about = {choice.dest: choice.help or "" for choice in action._choices_actions}
    for name, parser in action.choices.items():
        words: list[str] = []
        options: list[_Option] = []
        for one in parser._actions:
            values = tuple(map(str, one.choices or ()))
            if one.option_strings:
                options.append(_Option(tuple(one.option_strings), _short(one.help or ""), values, one.nargs == 0))
            else:
                words += values
        yield _Verb(name, _short(about[name]), tuple(words), tuple(options))


def _short(text: str) -> str:
    """The beginning of a help text, in letters that no shell takes for its own."""
    plain = "".join(letter for letter in text.split(";")[0].split(" (")[0] if letter not in "'\"`[]:\\$")
    return plain if len(plain) <= _LONGEST else plain[:_LONGEST].rsplit(" ", 1)[0]


def _bash(verbs: list[_Verb]) -> str:
    def reply(case: str, words: tuple[str, ...]) -> str:
        listed = " ".join(words)
        return f'        {case}) COMPREPLY=($(compgen -W "{listed}" -- "$word")); return;;'

    values = [reply(f'"{v.name} {n}"', o.values) for v in verbs for o in v.options if o.values for n in o.names]
    names = [reply(f'"{v.name} -"*', tuple(n for o in v.options for n in o.names)) for v in verbs]
    words = [reply(f'"{v.name} "*', v.words) for v in verbs if v.words]
    first = " ".join([*(v.name for v in verbs), *_ALONE])
    return "\n".join(
        [
            "_sarcodec() {",
            '    local word="${COMP_WORDS[COMP_CWORD]}" before="${COMP_WORDS[COMP_CWORD-1]}" verb="${COMP_WORDS[1]}"',
            "    COMPREPLY=()",
            f'    [ "$COMP_CWORD" -gt 1 ] || {{ COMPREPLY=($(compgen -W "{first}" -- "$word")); return; }}',
            *(
                '    case "$verb $before" in',
                *values,
                "    esac",
                '    case "$verb $word" in',
                *names,
                *words,
                "    esac",
            ),
            "}",
            "complete -o default -F _sarcodec sarcodec",
        ]
    )


def _zsh(verbs: list[_Verb]) -> str:
    def spec(option: _Option, name: str) -> str:
        value = "" if option.is_flag else f":value:({' '.join(option.values)})" if option.values else ":value:_files"
        return f"'{name}[{option.about}]{value}'"

    cases = []
    for verb in verbs:
        specs = [spec(option, name) for option in verb.options for name in option.names]
        rest = f"'*:word:({' '.join(verb.words)})'" if verb.words else "'*:file:_files'"
        cases.append(f"        {verb.name}) _arguments {' '.join([*specs, rest])};;")
    described = " ".join(f"'{name}:{about}'" for name, about in [(v.name, v.about) for v in verbs] + [*_ALONE.items()])
    return "\n".join(
        [
            "#compdef sarcodec",
            "_sarcodec() {",
            *("    local -a verbs", f"    verbs=({described})"),
            "    if (( CURRENT == 2 )); then _describe verb verbs; return; fi",
            *("    shift words; (( CURRENT-- ))", "    case $words[1] in", *cases, "    esac"),
            "}",
            'if [ "$funcstack[1]" = _sarcodec ]; then _sarcodec "$@"; else compdef _sarcodec sarcodec; fi',
        ]
    )


def _fish(verbs: list[_Verb]) -> str:
    alone = "complete -c sarcodec -n __fish_use_subcommand -f"
    lines = [f"{alone} -l {name[2:]} -d '{about}'" for name, about in _ALONE.items()]
    for verb in verbs:
        lines.append(f"complete -c sarcodec -n __fish_use_subcommand -f -a {verb.name} -d '{verb.about}'")
        here = f"complete -c sarcodec -n '__fish_seen_subcommand_from {verb.name}'"
        if verb.words:
            lines.append(f"{here} -f -a '{' '.join(verb.words)}'")
        for option in verb.options:
            names = " ".join(f"-l {n[2:]}" if n.startswith("--") else f"-s {n[1:]}" for n in option.names)
            value = "" if option.is_flag else f" -x -a '{' '.join(option.values)}'" if option.values else " -r"
            lines.append(f"{here} {names}{value} -d '{option.about}'")
    return "\n".join(lines)


_SCRIPTS = {"bash": _bash, "zsh": _zsh, "fish": _fish}
