"""No line of the program runs text as code, unpickles, or opens a shell of its own.

A file of torch's may be read as plain tensors: `weights_only=True` refuses all else in a pickle.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
MODULES = {"pickle", "cloudpickle", "dill", "joblib", "marshal", "shelve"}
CALLS = {
    *("eval", "exec", "compile", "__import__", "torch.load", "pd.read_pickle"),
    *("os.system", "os.popen", "subprocess.getoutput", "subprocess.getstatusoutput"),
    *("yaml.load", "yaml.load_all", "yaml.unsafe_load", "yaml.full_load"),
}
ARGUMENTS = {"shell": True, "allow_pickle": True, "weights_only": False, "trust_remote_code": True}
# Rules are Python with words of Snakemake's own, which `ast` does not read.
IN_RULES = re.compile(r"\b(eval|exec|compile)\(|pickle|(torch|yaml)\.load\b|os\.system|shell=True")


def dangers(source: str) -> list[str]:
    """Return what in a program is forbidden, each with its line."""
    return [f"line {line}: {what}" for line, what in _dangers(ast.parse(source))]


def _dangers(tree: ast.Module) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, each.name) for each in node.names if each.name in MODULES)
        elif isinstance(node, ast.ImportFrom) and node.module in MODULES:
            yield node.lineno, str(node.module)
        elif isinstance(node, ast.Call):
            yield from ((node.lineno, what) for what in _of_call(node))


def _of_call(call: ast.Call) -> Iterator[str]:
    name = ast.unparse(call.func)
    given = {each.arg: ast.unparse(each.value) for each in call.keywords}
    if name in CALLS and not (name == "torch.load" and given.get("weights_only") == "True"):
        yield name
    yield from (
        f"{key}={given[key]}" for key, bad in ARGUMENTS.items() if given.get(key) == str(bad)
    )
    if name.endswith(".from_pretrained") and given.get("trust_remote_code") != "False":
        yield "from_pretrained without trust_remote_code=False"


PROGRAMS = [*(ROOT / "src").rglob("*.py"), *(ROOT / "workflow/scripts").glob("*.py")]
RULES = [ROOT / "Snakefile", *(ROOT / "workflow/rules").glob("*.smk")]


def test_no_program_is_dangerous() -> None:
    found = {str(path.relative_to(ROOT)): dangers(path.read_text()) for path in PROGRAMS}
    assert len(found) > 80
    assert {path: what for path, what in found.items() if what} == {}


def test_no_rule_is_dangerous() -> None:
    found = {path.name: IN_RULES.findall(path.read_text()) for path in RULES}
    assert len(found) > 5
    assert {path: what for path, what in found.items() if what} == {}


@pytest.mark.parametrize(
    "source",
    [
        "import pickle",
        "from dill import loads",
        "eval(text)",
        "torch.load(path)",
        "torch.load(path, weights_only=False)",
        "yaml.load(text, Loader)",
        "os.system(text)",
        "subprocess.run(text, shell=True)",
        "np.load(path, allow_pickle=True)",
        "AutoModel.from_pretrained(model)",
        "AutoModel.from_pretrained(model, trust_remote_code=True)",
    ],
)
def test_a_dangerous_program_is_told(source: str) -> None:
    assert dangers(f"x = 1\n{source}\n")[0].startswith("line 2: ")
    assert dangers("model.eval(); yaml.safe_load(x); re.compile('x')") == []
    assert dangers("torch.load(path, weights_only=True)") == []
