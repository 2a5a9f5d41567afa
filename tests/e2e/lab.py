"""The laboratory: network namespaces in which clients call a server, and a mirror as a cloud would have it.

    client ── front ── server            nginx answers on 10.20.0.10:80
      │vx7               │vx8            each end's traffic, both directions, copied into VXLAN by the kernel
      └──── mirror ──────┴── mirror ── sensor     towards 10.30.0.2, where the daemon listens

Names are unique to the process; everything is removed at the end, and what an earlier run left that was killed.
"""
import ctypes
import itertools
import json
import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import threading
from pathlib import Path

from harness import wait_until

SERVER, SENSOR, MIRROR = "10.20.0.10", "10.30.0.2", "10.30.0.1"
CLIENT_VNI, SERVER_VNI = 7, 8
NEEDED = ("ip", "tc", "nginx", "curl", "wrk")
PREFIX = "specular-e2e-"

CLONE_NEWNET = 0x40000000
SO_ATTACH_FILTER, PACKET_OUTGOING, ETH_P_ALL, ETH_P_IP = 26, 4, 3, 0x0800

numbers = itertools.count()


def run(*command, check=True):
    done = subprocess.run([str(c) for c in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    if check and done.returncode != 0:
        raise AssertionError(f"{' '.join(map(str, command))}: exit {done.returncode}\n{done.stdout.decode()}")
    return done.stdout.decode()


def end(process, with_signal=signal.SIGTERM, seconds=30):
    """Ends a process and returns its exit status."""
    if process.poll() is None:
        process.send_signal(with_signal)
    try:
        return process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        raise


class Namespace:
    """A network namespace of our own, with loopback, without IPv6: nothing in it speaks unasked."""

    def __init__(self, purpose):
        self.name = f"{PREFIX}{os.getpid()}-{next(numbers)}-{purpose}"
        run("ip", "netns", "add", self.name)
        self.run("sh", "-c", "echo 1 | tee /proc/sys/net/ipv6/conf/*/disable_ipv6")
        self.ip("link", "set", "lo", "up")

    def ip(self, *arguments, check=True):
        return run("ip", "-n", self.name, *arguments, check=check)

    def command(self, *command):
        return ["ip", "netns", "exec", self.name, *(str(c) for c in command)]

    def run(self, *command, check=True):
        return run(*self.command(*command), check=check)

    def start(self, *command, **how):
        return subprocess.Popen(self.command(*command), **how)

    def inside(self, function):
        """What `function` returns when called inside; sockets that it opens stay there."""
        result = []

        def enter():
            libc = ctypes.CDLL(None, use_errno=True)
            with open(f"/run/netns/{self.name}", encoding="ascii") as handle:
                if libc.setns(handle.fileno(), CLONE_NEWNET) != 0:
                    raise OSError(ctypes.get_errno(), "setns")
            result.append(function())

        thread = threading.Thread(target=enter)
        thread.start()
        thread.join()
        return result[0]

    def remove(self):
        run("ip", "netns", "del", self.name, check=False)


def connect(one, interface, other, other_interface=None, mtu=1500):
    """A veth pair between two namespaces, up at both ends, that changes no segment on its way."""
    other_interface = other_interface or interface
    one.ip("link", "add", interface, "type", "veth", "peer", "name", other_interface, "netns", other.name)
    for namespace, name in ((one, interface), (other, other_interface)):
        namespace.ip("link", "set", name, "mtu", mtu, "up")
        # Without ethtool, segments may be glued; the packets are the same.
        if shutil.which("ethtool"):
            namespace.run("ethtool", "-K", name, "tso", "off", "gso", "off", "gro", "off", "tx", "off", check=False)


def link_address(namespace, interface):
    return json.loads(namespace.ip("-j", "link", "show", interface))[0]["address"]


def packet_socket(namespace, interface):
    """A socket that sends whole frames out of an interface."""
    made = namespace.inside(lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0))
    made.bind((interface, 0))
    return made


class Silence:
    """Counts what a namespace sends out of an interface: a sensor must send nothing."""

    def __init__(self, namespace, interface):
        # Only what goes out: ld #type; jeq #PACKET_OUTGOING, accept, drop.
        code = struct.pack("HBBI" * 4, 0x28, 0, 0, 0xfffff004, 0x15, 0, 1, PACKET_OUTGOING,
                           0x06, 0, 0, 0x40000, 0x06, 0, 0, 0)
        buffer = ctypes.create_string_buffer(code)
        self.socket = namespace.inside(lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0))
        self.socket.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, struct.pack("HL", 4, ctypes.addressof(buffer)))
        self.socket.bind((interface, ETH_P_ALL))
        self.socket.setblocking(False)

    def broken_by(self):
        """The frames that were sent since the last call."""
        frames = []
        try:
            while True:
                frames.append(self.socket.recv(65536))
        except BlockingIOError:
            return frames

    def close(self):
        self.socket.close()


NGINX = """
daemon off; user root; pid {folder}/pid; error_log {folder}/error.log; worker_processes 1;
events {{ worker_connections 512; }}
http {{
  log_format calls escape=json '{{"client":"$remote_addr","port":$remote_port,"method":"$request_method",'
                               '"target":"$request_uri","host":"$host","status":$status}}';
  access_log {folder}/calls.log calls;
  default_type application/json; keepalive_requests 100000000; client_max_body_size 64m; sendfile off;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  server {{
    listen {address}:80; root {folder}/www;
    location = / {{ return 404; }}
    location /api/v1/users/ {{ return 200 '{{"user":"$request_id","name":"$pid"}}'; }}
    location /api/v1/orders {{ return 201 '{{"order":"$request_id","items":[1,2,3]}}'; }}
    location /api/v1/carts/ {{ return 204; }}
    location /api/v1/secret {{ return 401 '{{"error":"who are you?"}}'; }}
    location /api/v1/downloads/ {{ try_files /download =404; }}
  }}
}}
"""


class Server:
    """nginx in a namespace, with an access log that says what really was called."""

    def __init__(self, namespace, address=SERVER):
        self.folder = Path(tempfile.mkdtemp(prefix="specular-nginx-"))
        (self.folder / "www").mkdir()
        self.download_bytes = 8 << 20
        (self.folder / "www/download").write_bytes(b'{"x":"' + b"y" * (self.download_bytes - 8) + b'"}')
        config = self.folder / "nginx.conf"
        config.write_text(NGINX.format(folder=self.folder, address=address), encoding="utf-8")
        self.process = namespace.start("nginx", "-e", self.folder / "error.log", "-c", config,
                                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        if not wait_until((self.folder / "pid").exists):
            raise AssertionError("nginx did not start: " + self.errors())

    def errors(self):
        path = self.folder / "error.log"
        return path.read_text(encoding="utf-8") if path.exists() else ""

    def calls(self):
        path = self.folder / "calls.log"
        return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []

    def stop(self):
        end(self.process, signal.SIGQUIT)
        shutil.rmtree(self.folder, ignore_errors=True)


class Lab:
    """Client, server and sensor, connected and mirrored; nginx answers."""

    def __init__(self):
        self.namespaces = []
        self.nginx = None
        self.curled = 0
        try:
            self.client, self.server, self.sensor = map(self.namespace, ("client", "server", "sensor"))
            connect(self.client, "front", self.server)
            self.client.ip("addr", "add", "10.20.0.100/24", "dev", "front")
            self.server.ip("addr", "add", f"{SERVER}/24", "dev", "front")
            self.mirror()
            self.nginx = Server(self.server)
        except BaseException:
            self.remove()
            raise

    def namespace(self, purpose):
        self.namespaces.append(Namespace(purpose))
        return self.namespaces[-1]

    def mirror(self):
        """Sets the mirror up, also anew: with the link to the sensor, all of it goes."""
        self.attach_sensor()
        for namespace, vni in ((self.client, CLIENT_VNI), (self.server, SERVER_VNI)):
            # Its outer packets leave from where it was made, the server's namespace.
            self.server.ip("link", "add", f"vx{vni}", "type", "vxlan", "id", vni, "remote", SENSOR, "dstport", 4789,
                           "dev", "mirror")
            if namespace is not self.server:
                self.server.ip("link", "set", f"vx{vni}", "netns", namespace.name)
            namespace.ip("link", "set", f"vx{vni}", "up")
            namespace.run("tc", "qdisc", "del", "dev", "front", "clsact", check=False)
            namespace.run("tc", "qdisc", "add", "dev", "front", "clsact")
            for direction in ("ingress", "egress"):
                namespace.run("tc", "filter", "add", "dev", "front", direction, "u32", "match", "u32", "0", "0",
                              "action", "mirred", "egress", "mirror", "dev", f"vx{vni}")

    def attach_sensor(self):
        """The link to the sensor; neighbours are told, so that nobody has to ask for them."""
        connect(self.server, "mirror", self.sensor, mtu=9000)
        self.address_sensor()

    def address_sensor(self):
        self.server.ip("addr", "replace", f"{MIRROR}/24", "dev", "mirror")
        self.sensor.ip("addr", "replace", f"{SENSOR}/24", "dev", "mirror")
        for here, there, address in ((self.server, self.sensor, SENSOR), (self.sensor, self.server, MIRROR)):
            here.ip("neigh", "replace", address, "lladdr", link_address(there, "mirror"), "dev", "mirror", "nud",
                    "permanent")

    def curl(self, *targets, options=(), host="api.test"):
        """Calls the targets one after the other, over one connection."""
        urls = [part for target in targets for part in ("-o", "/dev/null", f"http://{SERVER}{target}")]
        self.client.run("curl", "-s", "-S", "-m", "60", "-H", f"Host: {host}", *options, *urls)
        self.curled += len(targets)

    def calls(self):
        """What nginx answered; it writes that down a moment after the client has the answer."""
        wait_until(lambda: len(self.nginx.calls()) >= self.curled)
        return self.nginx.calls()

    def remove(self):
        if self.nginx:
            self.nginx.stop()
        for namespace in self.namespaces:
            namespace.remove()


def missing():
    """Why the laboratory cannot stand here; empty if it can."""
    if os.geteuid() != 0:
        return "network namespaces take root"
    absent = [name for name in NEEDED if shutil.which(name) is None]
    if absent:
        return f"{', '.join(absent)} not installed"
    return try_kernel()


def try_kernel():
    """The same of the kernel's part: namespaces, veth, vxlan, tc with u32 and mirred."""
    try:
        one = Namespace("try")
    except AssertionError as error:
        return f"no network namespaces here: {error}"
    try:
        one.ip("link", "add", "front", "type", "veth", "peer", "name", "back")
        one.ip("link", "add", "vx", "type", "vxlan", "id", "1", "remote", SENSOR, "dstport", "4789", "dev", "front")
        one.run("tc", "qdisc", "add", "dev", "front", "clsact")
        one.run("tc", "filter", "add", "dev", "front", "egress", "u32", "match", "u32", "0", "0", "action", "mirred",
                "egress", "mirror", "dev", "vx")
    except AssertionError as error:
        return f"the kernel lacks something: {error}"
    finally:
        one.remove()
    return ""


def remove_leftovers():
    """Namespaces of runs that were killed."""
    for name in os.listdir("/run/netns") if os.path.isdir("/run/netns") else ():
        owner = re.match(PREFIX + r"(\d+)-", name)
        if owner and not os.path.exists(f"/proc/{owner.group(1)}"):
            run("ip", "netns", "del", name, check=False)
