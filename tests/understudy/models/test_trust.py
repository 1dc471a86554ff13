from __future__ import annotations

import pytest

from understudy.models.errors import RefusedArtifact
from understudy.models.trust import accept, refuse_forbidden

TREE = "sklearn.tree._tree.Tree"


def test_known_types_need_no_trust() -> None:
    assert accept(["sklearn.utils._bunch.Bunch", "functools.partial"], (), fitted_here=False) == (
        "functools.partial",
        "sklearn.utils._bunch.Bunch",
    )


def test_trees_are_trusted_when_they_were_fitted_here_and_not_from_a_file() -> None:
    assert accept([TREE], (), fitted_here=True) == (TREE,)
    assert accept([TREE], [TREE], fitted_here=False) == (TREE,)
    with pytest.raises(RefusedArtifact, match=r"trusted=\['sklearn.tree._tree.Tree'\]"):
        accept([TREE], (), fitted_here=False)


def test_a_type_that_is_not_known_is_named() -> None:
    with pytest.raises(RefusedArtifact, match=r"company\.models\.Scaler"):
        accept(["company.models.Scaler"], (), fitted_here=True)


@pytest.mark.parametrize("name", ["os.system", "posix.system", "builtins.eval", "subprocess.Popen", "runpy.run_path"])
def test_what_belongs_to_python_itself_is_refused_whoever_trusts_it(name: str) -> None:
    with pytest.raises(RefusedArtifact, match="do not use this file"):
        accept([name], [name], fitted_here=True)
    with pytest.raises(RefusedArtifact, match="do not use this file"):
        refuse_forbidden([name])


@pytest.mark.parametrize("name", ["__main__.clean", "company.features.<lambda>"])
def test_what_a_worker_could_not_import_is_refused_with_the_way_out(name: str) -> None:
    with pytest.raises(RefusedArtifact, match="move it into a module"):
        accept([name], [name], fitted_here=True)
