"""Maps and reconciles the fixture in Python, with wasmtime-py's component API.

usage: python wasmtime_py.py COMPONENT FIXTURE-FOLDER
"""

import json
import sys
from pathlib import Path

from wasmtime import Config, Engine, Store
from wasmtime.component import Component, Linker, Record, Variant

component_file, fixture = Path(sys.argv[1]), Path(sys.argv[2])
engine = Engine(Config())
store = Store(engine)
component = Component(engine, component_file.read_bytes())
linker = Linker(engine)
with linker.root() as root:
    with root.add_instance("userload:directory/log@0.2.0") as log:
        log.add_func("log", lambda _store, _level, _message: None)
# The pure half calls no import but the log.
linker.define_unknown_imports_as_traps(component)
instance = linker.instantiate(store, component)
interface = instance.get_export_index(store, "userload:directory/transform@0.2.0")


def function(name):
    """One function of the interface."""
    return instance.get_func(store, instance.get_export_index(store, name, interface))


def call(name, *arguments):
    """A result as an object, whichever way it came."""
    func = function(name)
    answer = func(store, *arguments)
    func.post_return(store)
    return answer


def record(**fields):
    """A record of WIT's: its fields are attributes."""
    made = Record()
    for name, value in fields.items():
        setattr(made, name, value)
    return made


def case(value):
    """A case of a variant."""
    if isinstance(value, str):
        return Variant(value)
    [(tag, payload)] = value.items()
    return Variant(tag, payload)


def known_person(given):
    """A known person, with what is none said as well."""
    return record(
        **{
            "person": given["person"],
            "tie": case(given["tie"]),
            "active": given["active"],
            "inactive-since": given.get("inactive-since"),
            "was-enabled": given.get("was-enabled"),
            "was-absent": given["was-absent"],
            "status-barred": given.get("status-barred"),
            "barred": [record(**it) for it in given["barred"]],
            "fields": given["fields"],
        }
    )


def canonical(value):
    """Records as objects, cases as `{tag: payload}` or `tag`, without what is none."""
    if isinstance(value, list):
        return [canonical(it) for it in value]
    if isinstance(value, Variant):
        return value.tag if value.payload is None else {value.tag: canonical(value.payload)}
    if isinstance(value, Record):
        return {name: canonical(it) for name, it in vars(value).items() if it is not None}
    return value


def result(value):
    """wasmtime-py leaves the tag out where the payload's type tells the case."""
    if isinstance(value, Variant):
        return {value.tag: value.payload}
    return {"ok": value}


def read(name):
    """A file of the fixture."""
    return (fixture / name).read_text(encoding="utf-8").rstrip("\n")


mapping, policy = read("mapping.json"), read("policy.json")
known = json.loads(read("known.json"))
mapped = [result(call("map-record", mapping, raw)) for raw in read("records.jsonl").split("\n")]
present = [
    record(incoming=it["ok"], known=[known_person(one) for one in known["present"].get(it["ok"].id, [])])
    for it in mapped
    if "ok" in it
]
absent = [
    record(id=it["id"], known=known_person(it["known"]), evidence=case(it["evidence"])) for it in known["absent"]
]
decided = result(call("reconcile", policy, record(present=present, absent=absent)))
print(
    json.dumps(
        {
            "mapped": [{tag: canonical(value) for tag, value in it.items()} for it in mapped],
            "decided": {tag: canonical(value) for tag, value in decided.items()},
        }
    )
)
