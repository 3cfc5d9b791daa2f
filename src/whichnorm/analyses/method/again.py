"""How to make a study again."""

from dataclasses import asdict

from whichnorm.render import text
from whichnorm.render.content import Code
from whichnorm.results.results import Results
from whichnorm.study.command import RECIPE_FILE, Command, compare_command


def again(results: Results) -> tuple[tuple[str, ...], tuple[Code, ...]]:
    """Return sentences, and the command that makes the study again with the recipe files that it reads."""
    grid = {"arms": results.arm_names, "seeds": results.seeds}
    until_sure = asdict(results.until_sure) if results.until_sure else None
    command = compare_command({**results.study, **grid, "until_sure": until_sure})
    sentences, code = how_to(command, "study")
    if code and "source" in results.study["model"]:
        sentences = (
            *sentences,
            "The network is not one of whichnorm's: its module has to be in the working directory.",
        )
    return sentences, code


def how_to(command: Command | None, thing: str) -> tuple[tuple[str, ...], tuple[Code, ...]]:
    """Return what there is to say of a command that makes a study or a sweep again, and the texts that it needs."""
    if command is None:
        call = "compare" if thing == "study" else "sweep"
        return (f"The network was given to whichnorm.{call} in Python; the same call makes the {thing} again.",), ()
    code = [Code(title=f"The same {thing} again, in a shell", text=text.encodable(command.text), language="sh")]
    if command.recipe_file:
        code.append(Code(title=RECIPE_FILE, text=text.encodable(command.recipe_file), language="json"))
    code += [Code(title=name, text=text.encodable(held), language="json") for name, held in command.other_files]
    sentences = ["The images may lie elsewhere: --data-dir says where, --out where the results go."]
    if command.recipe_file:
        sentences.append(f"The recipe is not a named one: save the text below as {RECIPE_FILE} in the same folder.")
    if command.other_files:
        files = ", ".join(name for name, _ in command.other_files)
        sentences.append(f"Of the other recipes, save those below as {files} there too.")
    return tuple(sentences), tuple(code)
