"""What of the package is written by hand and must keep up with the spec."""

import sys
from pathlib import Path

import pytest

import keywright
import keywright._aio.joint
import keywright._aio.limiter
import keywright._sync.joint
import keywright._sync.limiter

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "bindings"))

from generator.python.text import class_name, record_class  # noqa: E402
from generator.spec import load  # noqa: E402

from generator import words  # noqa: E402

MODEL = load(ROOT)
MAIN = MODEL.of("main")


def public():
    """The classes that come out of generated methods: results, and the enums of all that is shown."""
    out = set()
    for module in MAIN:
        for item in [*module.functions, *module.operations]:
            out |= {argument.record for argument in item.args if argument.type in ("record_out", "record_array_out")}
        out |= {operation.result for operation in module.operations if operation.result}
        out |= {operation.items for operation in module.operations if operation.items}
    records = [MODEL.record(name) for name in out - words.BY_HAND_RECORDS]
    enums = {enum.name for module in MAIN for enum in module.enums}
    return sorted({record_class(record) for record in records} | {class_name(name) for name in enums})


@pytest.mark.parametrize("name", public())
def test_the_package_exports_what_its_calls_return(name):
    assert name in keywright.__all__, f"{name} is in the spec: import it in python/keywright/__init__.py, and list it"
    assert getattr(keywright, name).__module__ == "keywright"


@pytest.mark.parametrize("world", [keywright._aio.limiter, keywright._sync.limiter], ids=["aio", "sync"])
@pytest.mark.parametrize(
    "operation",
    [item for module in MAIN for item in module.operations if item.handle == "limiter"],
    ids=lambda operation: operation.full_name,
)
def test_limits_that_are_off_send_nothing(world, operation):
    for name in [operation.name, f"{operation.name}_many"] if operation.many else [operation.name]:
        assert name in vars(world.Unlimited), (
            f"KEYWRIGHT_LIMITS=off would send {operation.full_name}: "
            f"give class Unlimited in python/keywright/_aio/limiter.py a method {name} that answers by itself"
        )


@pytest.mark.parametrize("world", [keywright._aio.joint, keywright._sync.joint], ids=["aio", "sync"])
def test_joint_limits_that_are_off_send_nothing(world):
    operations = {item.name for module in MAIN for item in module.operations if item.handle == "joint"}
    assert operations <= set(vars(world.UnlimitedJoint))
