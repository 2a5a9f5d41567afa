"""Captures, made byte by byte: HTTP messages, TCP conversations, the tunnels around them and the files they stand in.

    talk = Conversation("10.0.0.1:40000", "10.0.0.2:80")
    talk.open().call(request("GET", "/v1/users"), response(200, b"[]")).close()
    write("a.pcap", pcap(talk.frames))

Times are nanoseconds since 1970; nothing here looks at a clock or at chance.
"""
import gzip
import ipaddress
import shutil
import struct
import subprocess
import zlib
from dataclasses import dataclass, replace

MILLISECOND, SECOND = 10**6, 10**9
START = 1_700_000_000 * SECOND  # 2023-11-14T22:13:20Z

ETHERNET, RAW_IP, LINUX_COOKED, LINUX_COOKED_2, NULL_LOOPBACK = 1, 101, 113, 276, 0
FIN, SYN, RST, PUSH, ACK = 1, 2, 4, 8, 16
UDP, TCP, ICMP = 17, 6, 1


@dataclass(frozen=True)
class Frame:
    time: int
    data: bytes
    wire: int = 0       # bytes on the wire; 0: all are here
    interface: int = 0  # of pcapng


# --- HTTP messages ---

def octets(text):
    return text.encode("latin-1") if isinstance(text, str) else text


def message(first_line, headers, body):
    lines = [octets(first_line)] + [octets(name) + b": " + octets(value) for name, value in headers]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


def request(method="GET", target="/", host="api.test", headers=(), body=b"", version="1.1", content_type=None):
    """A request as clients send it; Host is left out if `host` is None, Content-Length if there is no body."""
    fields = [("Host", host)] if host is not None else []
    fields += list(headers)
    if content_type:
        fields.append(("Content-Type", content_type))
    if body:
        fields.append(("Content-Length", str(len(body))))
    return message(octets(method) + b" " + octets(target) + b" HTTP/" + octets(version), fields, body)


def response(status=200, body=b'{"ok":true}', content_type="application/json", headers=(), version="1.1"):
    fields = [("Content-Type", content_type)] if content_type else []
    fields += list(headers)
    fields.append(("Content-Length", str(len(body))))
    return message(f"HTTP/{version} {status} Reason", fields, body)


def head_only(status, headers=()):
    """A response, or an interim one, that has no body and does not speak of any."""
    return message(f"HTTP/1.1 {status} Reason", headers, b"")


def chunked(head, body, size=7):
    """`head` with `body` after it in chunks, and a trailer."""
    head = head.replace(b"\r\n\r\n", b"\r\nTransfer-Encoding: chunked\r\n\r\n", 1)
    parts = [body[i:i + size] for i in range(0, len(body), size)]
    return head + b"".join(b"%x\r\n%s\r\n" % (len(p), p) for p in parts) + b"0\r\nX-Trailer: 1\r\n\r\n"


# --- Packets ---

def split_address(text):
    """"10.0.0.1:80" or "[2001:db8::1]:80" as (address object, port)."""
    address, port = text.rsplit(":", 1)
    return ipaddress.ip_address(address.strip("[]")), int(port)


def checksum(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total > 0xffff:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def ip_packet(source, target, protocol, payload):
    if source.version == 6:
        return struct.pack(">IHBB", 6 << 28, len(payload), protocol, 64) + source.packed + target.packed + payload
    head = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(payload), 1, 0x4000, 64, protocol, 0)
    head += source.packed + target.packed
    return head[:10] + struct.pack(">H", checksum(head)) + head[12:] + payload


def tcp_packet(source, target, seq, ack, flags, payload=b""):
    (from_ip, from_port), (to_ip, to_port) = source, target
    head = struct.pack(">HHIIBBHHH", from_port, to_port, seq & 0xffffffff, ack & 0xffffffff, 0x50, flags, 65535, 0, 0)
    pseudo = from_ip.packed + to_ip.packed + struct.pack(">HH", TCP, len(head) + len(payload))
    head = head[:16] + struct.pack(">H", checksum(pseudo + head + payload)) + head[18:]
    return ip_packet(from_ip, to_ip, TCP, head + payload)


def udp_packet(source, target, payload):
    (from_ip, from_port), (to_ip, to_port) = split_address(source), split_address(target)
    return ip_packet(from_ip, to_ip, UDP, struct.pack(">HHHH", from_port, to_port, 8 + len(payload), 0) + payload)


def ethertype(packet):
    return 0x0800 if packet[0] >> 4 == 4 else 0x86dd


def ethernet(packet):
    return bytes.fromhex("020000000002020000000001") + struct.pack(">H", ethertype(packet)) + packet


def raw_ip(packet):
    return packet


def linux_cooked(packet):
    return struct.pack(">HHH8sH", 0, 1, 6, b"\2\0\0\0\0\1\0\0", ethertype(packet)) + packet


def linux_cooked_2(packet):
    return struct.pack(">HHIHBB8s", ethertype(packet), 0, 1, 1, 0, 6, b"\2\0\0\0\0\1\0\0") + packet


def null_loopback(packet):
    return struct.pack("<I", 2 if packet[0] >> 4 == 4 else 24) + packet


# --- Conversations ---

class Conversation:
    """One TCP connection, segment by segment; each method returns the conversation."""

    def __init__(self, client="10.0.0.1:40000", server="10.0.0.2:80", at=START, isn=None, link=ethernet, mss=1400):
        self.ends = {"client": split_address(client), "server": split_address(server)}
        assert self.ends["client"][0].version == self.ends["server"][0].version, "both ends speak the same IP"
        base = zlib.crc32(f"{client} {server} {at}".encode()) if isn is None else isn
        self.next = {"client": base, "server": base ^ 0x5a5a5a5a}
        self.now, self.link, self.mss = at, link, mss
        self.frames = []

    def segment(self, side, flags, payload=b"", seen=True):
        other = "server" if side == "client" else "client"
        ack = self.next[other] if flags & ACK else 0
        packet = tcp_packet(self.ends[side], self.ends[other], self.next[side], ack, flags, payload)
        if seen:
            self.frames.append(Frame(self.now, self.link(packet)))
        self.next[side] += len(payload) + (1 if flags & (SYN | FIN) else 0)
        return self

    def wait(self, nanoseconds):
        self.now += nanoseconds
        return self

    def open(self):
        return (self.segment("client", SYN).wait(MILLISECOND).segment("server", SYN | ACK).wait(MILLISECOND)
                .segment("client", ACK))

    def send(self, side, data, seen=True, after=MILLISECOND):
        """All of `data` at one time, in as many segments as it takes; they are not captured if not `seen`."""
        self.wait(after)
        for i in range(0, len(data), self.mss):
            self.segment(side, ACK | PUSH, data[i:i + self.mss], seen)
        return self

    def request(self, data, **how):
        return self.send("client", data, **how)

    def response(self, data, **how):
        return self.send("server", data, **how)

    def call(self, request_bytes, response_bytes, latency=MILLISECOND):
        return self.request(request_bytes).response(response_bytes, after=latency)

    def acknowledge(self, side):
        return self.wait(MILLISECOND).segment(side, ACK)

    def close(self):
        self.wait(MILLISECOND).segment("client", FIN | ACK).segment("server", FIN | ACK)
        return self.wait(MILLISECOND).segment("client", ACK)


def connection(calls, **how):
    """The frames of one whole connection with these (request, response) pairs in it."""
    talk = Conversation(**how).open()
    for asked, answered in calls:
        talk.call(asked, answered)
    return talk.close().frames


def connections(calls, client="10.0.0.1", server="10.0.0.2:80", at=START, step=10 * MILLISECOND, first_port=20000):
    """The frames of one connection for each (request, response) pair, one after the other."""
    frames = []
    for number, call in enumerate(calls):
        frames += connection([call], client=f"{client}:{first_port + number}", server=server, at=at + number * step)
    return frames


def merged(*groups):
    """The frames of several groups in the order of their times."""
    return sorted((frame for group in groups for frame in group), key=lambda frame: frame.time)


def only_from(frames, client):
    """The frames that this side sent, as a mirror of one direction has them."""
    source = ipaddress.ip_address(client).packed
    return [frame for frame in frames if frame.data[26:30] == source]


def clipped(frames, snap):
    """The frames as a capture with that snap length holds them."""
    return [replace(f, data=f.data[:snap], wire=f.wire or len(f.data)) for f in frames]


def later(frames, nanoseconds):
    return [replace(f, time=f.time + nanoseconds) for f in frames]


# --- Tunnels ---

MIRROR, TARGET = "192.0.2.1:50000", "192.0.2.2:"


def vxlan_payload(frame, vni):
    return struct.pack(">II", 0x08000000, vni << 8) + frame


def in_vxlan(frames, vni, port=4789):
    return [replace(f, data=ethernet(udp_packet(MIRROR, f"{TARGET}{port}", vxlan_payload(f.data, vni))))
            for f in frames]


def geneve_payload(inner, vni, ether_type=0x6558, options=b""):
    return struct.pack(">BBHI", len(options) // 4, 0, ether_type, vni << 8) + options + inner


def in_geneve(frames, vni, options=b""):
    return [replace(f, data=ethernet(udp_packet(MIRROR, f"{TARGET}6081", geneve_payload(f.data, vni, options=options))))
            for f in frames]


def in_gateway_load_balancer(frames, vni):
    """GENEVE > IP > UDP > VXLAN > Ethernet, as behind the load balancer of a mirror target."""
    def wrap(frame):
        inner = udp_packet("192.0.2.3:50001", "192.0.2.4:4789", vxlan_payload(frame, vni))
        option = struct.pack(">HBB8s", 0x0108, 1, 2, b"\1" * 8)
        return ethernet(udp_packet(MIRROR, f"{TARGET}6081", geneve_payload(inner, 0, 0x0800, option)))
    return [replace(f, data=wrap(f.data)) for f in frames]


# --- Files ---

def pcap_header(big=False, nano=False, link=ETHERNET):
    return struct.pack((">" if big else "<") + "IHHiIII", 0xa1b23c4d if nano else 0xa1b2c3d4, 2, 4, 0, 0, 262144, link)


def pcap_record(frame, big=False, nano=False):
    seconds, rest = divmod(frame.time, SECOND)
    wire = frame.wire or len(frame.data)
    numbers = (seconds, rest if nano else rest // 1000, len(frame.data), wire)
    return struct.pack((">" if big else "<") + "IIII", *numbers) + frame.data


def pcap(frames, big=False, nano=False, link=ETHERNET):
    return pcap_header(big, nano, link) + b"".join(pcap_record(f, big, nano) for f in frames)


def block(order, kind, body):
    body += b"\0" * (-len(body) % 4)
    size = struct.pack(order + "I", 12 + len(body))
    return struct.pack(order + "I", kind) + size + body + size


@dataclass(frozen=True)
class Interface:
    link: int = ETHERNET
    snap: int = 0
    resolution: int = 9       # a power of ten
    offset_seconds: int = 0


def pcapng_header(interfaces=(Interface(),), big=False):
    order = ">" if big else "<"
    out = block(order, 0x0a0d0d0a, struct.pack(order + "IHHq", 0x1a2b3c4d, 1, 0, -1))
    for each in interfaces:
        options = struct.pack(order + "HHB3x", 9, 1, each.resolution)
        options += struct.pack(order + "HHq", 14, 8, each.offset_seconds) + struct.pack(order + "HH", 0, 0)
        out += block(order, 1, struct.pack(order + "HHI", each.link, 0, each.snap) + options)
    return out


def pcapng_record(frame, interfaces=(Interface(),), big=False):
    order, own = ">" if big else "<", interfaces[frame.interface]
    units = (frame.time - own.offset_seconds * SECOND) * 10**own.resolution // SECOND
    numbers = (frame.interface, units >> 32, units & 0xffffffff, len(frame.data), frame.wire or len(frame.data))
    return block(order, 6, struct.pack(order + "IIIII", *numbers) + frame.data)


def pcapng(frames, interfaces=(Interface(),), big=False):
    return pcapng_header(interfaces, big) + b"".join(pcapng_record(f, interfaces, big) for f in frames)


def gzipped(data):
    return gzip.compress(data, mtime=0)


def zstd_compressed(data):
    """`data` compressed by the zstd command; None where that is not installed."""
    if shutil.which("zstd") is None:
        return None
    return subprocess.run(["zstd", "-q", "-c"], input=data, stdout=subprocess.PIPE, check=True).stdout
