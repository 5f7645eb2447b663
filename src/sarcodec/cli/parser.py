"""A parser with the manners of the whole program: one line an error, and the nearest word to one that is not known. Knows no verb."""

from __future__ import annotations

import argparse
import difflib
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NoReturn

from sarcodec.storage.refusals import shown

USAGE_ERROR = 2
_NEAR = 0.6  # of difflib: two of three letters are the same, in the same order
# What other programs call it.
_ELSEWHERE = {
    "encode": "compress",
    "pack": "compress",
    "decode": "decompress",
    "unpack": "decompress",
    "extract": "decompress",
    "translate": "decompress",
    "check": "verify",
    "test": "verify",
    "list": "info",
    "show": "info",
    "measure": "evaluate",
    "-f": "--overwrite",
    "--force": "--overwrite",
    "--band": "--indexes",
    "--bands": "--indexes",
    "-b": "--indexes",
    "-srcwin": "--window",
    "-j": "--threads",
    "-T": "--threads",
    "--bpp": "--target-bpp",
    "--rmse": "--target-rmse-db",
    "--level": "--effort",
    "--max-error": "--max-error-db",
    "--quality-class": "--class",
}


def one_line(message: str) -> str:
    """A message without line breaks; what else cannot be printed is escaped."""
    return shown(" ".join(message.split()))


class Help(argparse.RawDescriptionHelpFormatter):
    """Help with a column for verbs that is as wide as they are."""

    def add_argument(self, action: argparse.Action) -> None:
        """argparse forgets that verbs are indented once more."""
        super().add_argument(action)
        if isinstance(action, argparse._SubParsersAction):
            self._action_max_length += self._indent_increment


class Parser(argparse.ArgumentParser):
    """argparse with errors as every other error of this program: one line on stderr."""

    def error(self, message: str) -> NoReturn:
        """Say what is wrong and how to get help; exit code 2."""
        about = shown(message.replace("argument -", "-"))
        see = " See" if about.endswith("?") else "; see"
        self.exit(USAGE_ERROR, f"sarcodec: {about}{see} {self.prog} --help\n")

    def parse_known_args(self, args: Sequence[str] | None = None, namespace: Any = None) -> Any:  # type: ignore[override]
        """As argparse does it, after the first unknown word was refused: argparse itself would first miss what comes after it."""
        words = list(sys.argv[1:] if args is None else args)
        verbs = next((a.choices for a in self._actions if isinstance(a, argparse._SubParsersAction)), None)
        for word in words:
            if _is_option(word):
                self._refuse_option(word)
            elif verbs is not None:
                self._refuse_verb(word, verbs)
                break
            elif word == "--":
                break
        else:
            if verbs is not None and not {"-h", "--help", "--version"} & set(words):
                self.error(f"no verb was given; there is {', '.join(verbs)}")
        return super().parse_known_args(words, namespace)

    def _refuse_option(self, word: str) -> None:
        known, name = self._option_string_actions, word.split("=", 1)[0]
        if name in known or (not name.startswith("--") and name[:2] in known):
            return
        near = nearest(name, known)
        self.error(
            f"there is no option {name}" + (f"; did you mean {near}?" if near else "") + _file_of_that_name(name)
        )

    def _refuse_verb(self, word: str, verbs: Iterable[str]) -> None:
        if word in verbs:
            return
        near = nearest(word, verbs)
        self.error(
            f"there is no verb {word!r}; " + (f"did you mean {near}?" if near else f"there are {', '.join(verbs)}")
        )


def _is_option(word: str) -> bool:
    """Whether argparse takes it for an option: neither '-' nor '--' nor a negative number nor a name with a blank in it."""
    return word[:1] == "-" and word not in ("-", "--") and not (word[1].isdigit() or word[1] == ".") and " " not in word


def _file_of_that_name(name: str) -> str:
    return "" if name.startswith("--") or "." not in name else f" (a file of that name is ./{name})"


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that was most likely meant, or None."""
    known = list(known)
    if _ELSEWHERE.get(word) in known:
        return _ELSEWHERE[word]
    lower = word.lower()
    if lower in known:
        return lower
    longer = [name for name in known if len(lower.strip("-")) > 2 and name.startswith(lower)]
    near = difflib.get_close_matches(lower, known, 1, _NEAR)
    return longer[0] if longer else near[0] if near else None


def add_verb(
    verbs: argparse._SubParsersAction[Any],
    name: str,
    summary: str,
    run: Callable[[argparse.Namespace], int],
    examples: Sequence[str] = (),
    about: str = "",
    usage: str | None = None,
) -> argparse.ArgumentParser:
    """A sub-parser whose options come to `run`. about: sentences under the summary; examples: lines that can be pasted;
    usage: the arguments in their order, where argparse's own list of all options would be long."""
    parser: argparse.ArgumentParser = verbs.add_parser(
        name,
        help=summary,
        description=summary[0].upper() + summary[1:] + "." + (f"\n{about}" if about else ""),
        epilog=example_lines(examples),
        usage=usage and f"sarcodec {name} {usage}",
        allow_abbrev=False,
        formatter_class=Help,
    )
    parser.set_defaults(run=run)
    return parser


def example_lines(examples: Sequence[str]) -> str | None:
    """Examples as the end of a help text."""
    return "\n".join(["examples:", *(f"  {line}" for line in examples)]) if examples else None
