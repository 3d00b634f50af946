"""Stands for a desktop that shows notifications: prints each method that is called, as a line of JSON."""
import json

from gi.repository import Gio, GLib

INTERFACE = """<node><interface name="org.freedesktop.Notifications">
<method name="Notify"><arg type="s" direction="in"/><arg type="u" direction="in"/><arg type="s" direction="in"/>
<arg type="s" direction="in"/><arg type="s" direction="in"/><arg type="as" direction="in"/>
<arg type="a{sv}" direction="in"/><arg type="i" direction="in"/><arg type="u" direction="out"/></method>
<method name="CloseNotification"><arg type="u" direction="in"/></method>
</interface></node>"""


def called(connection, sender, path, interface, method, arguments, invocation):
    told = arguments.unpack()
    print(json.dumps([method, told[3] if method == "Notify" else told[0]]), flush=True)
    invocation.return_value(GLib.Variant("(u)", (7,)) if method == "Notify" else None)


def on_bus(connection, name):
    interface = Gio.DBusNodeInfo.new_for_xml(INTERFACE).interfaces[0]
    connection.register_object("/org/freedesktop/Notifications", interface, called, None, None)


def named(connection, name):
    print(json.dumps(["ready", 0]), flush=True)


Gio.bus_own_name(Gio.BusType.SESSION, "org.freedesktop.Notifications", 0, on_bus, named, None)
GLib.MainLoop().run()
