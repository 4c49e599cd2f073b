"""A SPICE client that prints `picture WIDTH HEIGHT`, or why it got no picture.

    spiceClient.py FILE

FILE is a connection file of remote-viewer. Ends after 20 seconds.
"""

import configparser
import sys
import tempfile

import gi

gi.require_version("SpiceClientGLib", "2.0")
from gi.repository import GLib, GObject, SpiceClientGLib  # noqa: E402

parser = configparser.ConfigParser(interpolation=None)
with open(sys.argv[1], encoding="ascii") as file:
    parser.read_file(file)
viewer = parser["virt-viewer"]

loop = GLib.MainLoop()
result = ["nothing in 20 s"]


def end(text):
    result[0] = text
    loop.quit()


def on_event(channel, event):
    if event == SpiceClientGLib.ChannelEvent.OPENED:
        return
    fault = channel.get_error()
    end(event.value_nick if fault is None else f"{event.value_nick}: {fault.message}")


def on_picture(_channel, _format, width, height, *_rest):
    end(f"picture {width} {height}")


# The library's own `connect` hides GObject's `connect` of signals.
on = GObject.Object.connect


def on_channel(_session, channel):
    if isinstance(channel, SpiceClientGLib.MainChannel):
        on(channel, "channel-event", on_event)
    elif isinstance(channel, SpiceClientGLib.DisplayChannel):
        on(channel, "display-primary-create", on_picture)
        SpiceClientGLib.Channel.connect(channel)


session = SpiceClientGLib.Session()
for key in ["host", "port", "tls-port", "password"]:
    if key in viewer:
        session.set_property(key, viewer[key])
if "ca" in viewer:
    # GLib's key files write a newline as \\n.
    authority = tempfile.NamedTemporaryFile(mode="w", encoding="ascii")
    authority.write(viewer["ca"].replace("\\n", "\n") + "\n")
    authority.flush()
    session.set_property("ca-file", authority.name)
if "host-subject" in viewer:
    session.set_property("cert-subject", viewer["host-subject"])
    session.set_property("verify", SpiceClientGLib.SessionVerify.SUBJECT)
on(session, "channel-new", on_channel)
GLib.timeout_add_seconds(20, loop.quit)
SpiceClientGLib.Session.connect(session)
loop.run()
print(result[0])
