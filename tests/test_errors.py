"""The error tree is what its docstring draws, and every error is exported."""

import inspect
import re

from anime_models import errors


def classes() -> dict[str, type]:
    return {name: value for name, value in vars(errors).items() if inspect.isclass(value)}


def drawn_parents() -> dict[str, str]:
    """Read the tree in the docstring: each class's parent, told by its indentation."""
    assert errors.__doc__ is not None
    parents: dict[str, str] = {}
    path: list[tuple[int, str]] = []
    for line in errors.__doc__.splitlines():
        match = re.match(r"[\s│├└─]*?(?P<name>[A-Z]\w+Error)\b", line)
        if match and line.startswith("    "):
            depth = match.start("name")
            path = [(at, name) for at, name in path if at < depth]
            parents[match["name"]] = path[-1][1] if path else "Exception"
            path.append((depth, match["name"]))
    return parents


def test_docstring_draws_the_tree() -> None:
    assert drawn_parents() == {name: value.__mro__[1].__name__ for name, value in classes().items()}


def test_all_names_every_error() -> None:
    assert sorted(errors.__all__) == sorted(classes())


def test_every_error_is_documented_and_has_one_root() -> None:
    for error in classes().values():
        assert issubclass(error, errors.AnimeModelsError)
        assert error.__doc__
