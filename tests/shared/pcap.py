"""Captures for tests: TCP conversations over IPv4 and Ethernet, as a pcap file."""
import struct

FIN, SYN, PSH, ACK = 1, 2, 8, 16
SEGMENT = 1400


def _checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


class Capture:
    def __init__(self, path):
        self.file = open(path, "wb")
        self.file.write(struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 262144, 1))
        self.microseconds = 1_700_000_000_000_000
        self.conversations = 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.file.close()

    def conversation(self, client_bytes=b"", server_bytes=b""):
        """Handshake, what the client says, what the server says, both close. Returns the client's port."""
        port = 10_000 + self.conversations
        self.conversations += 1
        ends = [(b"\x0a\0\0\x01", port), (b"\x0a\0\0\x02", 80)]
        numbers = [1000, 5000]

        def send(side, flags, payload=b""):
            ack = 0 if flags == SYN else numbers[1 - side]
            self._packet(ends[side], ends[1 - side], numbers[side], ack, flags, payload)
            numbers[side] += len(payload) + (1 if flags & (SYN | FIN) else 0)

        send(0, SYN)
        send(1, SYN | ACK)
        send(0, ACK)
        for side, data in ((0, client_bytes), (1, server_bytes)):
            for at in range(0, len(data), SEGMENT):
                send(side, ACK | PSH, data[at:at + SEGMENT])
            send(1 - side, ACK)
        send(0, FIN | ACK)
        send(1, FIN | ACK)
        send(0, ACK)
        return port

    def _packet(self, sender, receiver, seq, ack, flags, payload):
        tcp = struct.pack("!HHIIBBHHH", sender[1], receiver[1], seq, ack, 0x50, flags, 0xffff, 0, 0) + payload
        pseudo = sender[0] + receiver[0] + struct.pack("!BBH", 0, 6, len(tcp))
        tcp = tcp[:16] + struct.pack("!H", _checksum(pseudo + tcp)) + tcp[18:]
        head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(tcp), 1, 0x4000, 64, 6, 0) + sender[0] + receiver[0]
        head = head[:10] + struct.pack("!H", _checksum(head)) + head[12:]
        frame = b"\x02\0\0\0\0\x02\x02\0\0\0\0\x01\x08\0" + head + tcp
        self.microseconds += 100
        seconds, rest = divmod(self.microseconds, 1_000_000)
        self.file.write(struct.pack("<IIII", seconds, rest, len(frame), len(frame)) + frame)
