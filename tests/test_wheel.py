"""The built distribution: whole without the checkout that it was built from."""

import os
import subprocess
import sys
import venv
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[1]
CONFIG = """
source = "shop"
[table."shop.product"]
module = "Products"
entity = "Product"
"""


def run(*command: str | Path, cwd: Path, **environment: str) -> str:
    done = subprocess.run(
        command,
        cwd=cwd,
        env={"PATH": os.defpath, "HOME": str(cwd), **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a fresh environment with the wheel in it, built by way of the source distribution."""
    folder = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "build", "--no-isolation", "-o", folder, CHECKOUT, cwd=folder)
    (wheel,) = folder.glob("pgwitness-*.whl")
    environment = folder / "environment"
    venv.create(environment, symlinks=True)
    pip: list[str | Path] = [
        sys.executable,
        "-m",
        "pip",
        "--python",
        environment / "bin" / "python",
    ]
    run(*pip, "install", "--quiet", "--no-deps", "--no-index", wheel, cwd=folder)
    target = next(environment.glob("lib/python*/site-packages"))
    # The dependencies are the tests' own; ours comes first, and the checkout is not among them.
    others = [entry for entry in sys.path if entry.endswith("site-packages")]
    (target / "dependencies.pth").write_text("\n".join(others))
    return environment


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    (tmp_path / "audit.toml").write_text(CONFIG)
    return tmp_path


def test_wheel_is_what_is_imported(installed: Path, elsewhere: Path) -> None:
    script = "import auditviewer, generator; print(auditviewer.__file__, generator.__file__)"
    places = run(installed / "bin" / "python", "-c", script, cwd=elsewhere).split()
    assert all(Path(place).is_relative_to(installed) for place in places)


def test_command_explains_itself(installed: Path, elsewhere: Path) -> None:
    assert "audit log" in run(installed / "bin" / "pgwitness", "--help", cwd=elsewhere)


def test_command_renders_without_the_checkout(installed: Path, elsewhere: Path) -> None:
    rendered = run(installed / "bin" / "pgwitness", "render", cwd=elsewhere)
    assert 'ON "shop"."product"' in rendered


def test_wheel_carries_sql_and_migrations(installed: Path) -> None:
    (packages,) = installed.glob("lib/python*/site-packages")
    for carried, source in (
        ("generator/sql", "sql"),
        ("auditviewer/demo/migrations", "migrations"),
    ):
        names = {path.name for path in (packages / carried).iterdir()}
        assert names == {path.name for path in (CHECKOUT / source).iterdir()}
