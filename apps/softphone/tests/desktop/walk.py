"""Goes through the screens as a screen reader does, by AT-SPI, and tells role and name of every control on them, as JSON."""
import json
import sys
import time

import gi

gi.require_version("Atspi", "2.0")
from gi.repository import Atspi, Gio, GLib

CONTROLS = {
    "push button", "button", "toggle button", "check box", "combo box", "entry", "password text", "slider",
    "spin button", "link", "radio button", "page tab", "menu item",
}
SCREENS = ["Contacts", "History", "Settings", "Phone"]


def walk(node, found):
    role = node.get_role_name()
    if role in CONTROLS:
        name = node.get_name()
        for relation in node.get_relation_set():
            if not name and relation.get_relation_type() == Atspi.RelationType.LABELLED_BY:
                name = relation.get_target(0).get_name()
        found.append((role, name, node))
    for place in range(node.get_child_count()):
        child = node.get_child_at_index(place)
        if child is not None:
            walk(child, found)


def controls():
    found = []
    desktop = Atspi.get_desktop(0)
    for place in range(desktop.get_child_count()):
        program = desktop.get_child_at_index(place)
        if program is not None:
            program.clear_cache()
            walk(program, found)
    return found


def others_than(before):
    """The controls, once they are others; what is drawn while they are looked at is looked at again."""
    deadline, last = time.monotonic() + 15, None
    while time.monotonic() < deadline:
        try:
            found = controls()
            now = [control[:2] for control in found]
            if found and now != before and now == last:
                return found
            last = now
        except GLib.Error:
            last = None
        time.sleep(0.1)
    sys.exit(f"nothing but {before} is on the bus")


# A screen reader is there: programs that wait for one begin to tell.
enabled = GLib.Variant("(ssv)", ("org.a11y.Status", "ScreenReaderEnabled", GLib.Variant("b", True)))
Gio.bus_get_sync(Gio.BusType.SESSION).call_sync(
    "org.a11y.Bus", "/org/a11y/bus", "org.freedesktop.DBus.Properties", "Set", enabled, None, 0, 5_000, None
)
Atspi.init()
seen = others_than([])
told = [control[:2] for control in seen]
for screen in SCREENS:
    before = [control[:2] for control in seen]
    button = next(node for role, name, node in seen if name == screen)
    Atspi.Action.do_action(button, 0)
    seen = others_than(before)
    told += [control[:2] for control in seen]
print(json.dumps(told))
