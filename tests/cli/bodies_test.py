"""specular transactions --sha256: the hashes of bodies, after transfer and content coding."""
import base64
import gzip
import hashlib
import json
import unittest
import zlib

from harness import CommandTest
from wire import Conversation, chunked, clipped, connection, head_only, request, response

GET = request("GET", "/v1/customers")
CUSTOMERS = json.dumps([{"id": i, "name": f"customer number {i}"} for i in range(40)]).encode()
# CUSTOMERS as the brotli and zstd libraries compress them.
BROTLI = base64.b64decode(
    "G3sGAKyKd4CdyFLV+Pitx6whCFLqbO2pbCx1MmF2yz63tBQpa2uWrjAyAcL/Izfe9d3tSFsIQUKBZ9D2mX8Xlkb6qzX4744Xfv+CFw+ucqlaqdea"
    "jdaW9rbOju6u3t6vBB8CZsiK2DEn4Upxp3kyvFm+vbPCQWCGrIgdcxKuFHeaJ8Ob5ds7axwMZsiK2DEn4Upxp3kyvFm9S3gQ")
ZSTD = base64.b64decode(
    "KLUv/QRolQUAYgsaFXBPOr4/NIKTfPj///XftuQ+UvU/X0rWjvu+7/u+7/u+7/u+7/u+795777333nvvvffee+ecc84555xzzjnnnPM4DKMoCGIY"
    "BOGuJQeyFkw9THRJU080WdXVtJH2RIvUBoKR5kANSwJOqBEA+f1/A4AzSg8RjBAYhn9/GSoiMjIiUlER6bRMU1qkGS3RhBZoPsszncWZzdJMZmHm"
    "sixTWSgpEAgGAoEgEQ1hWUCsAtdpESQ=")


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def coded(coding, body):
    return response(body=body, headers=[("Content-Encoding", coding)])


def raw_deflate(data):
    machine = zlib.compressobj(wbits=-15)
    return machine.compress(data) + machine.flush()


class Hashes(CommandTest):
    def hashes(self, asked, answered):
        found = self.transaction_of(asked, answered, "--sha256")
        return found["request_sha256"], found["response_sha256"]

    def of_response(self, answered):
        return self.hashes(GET, answered)[1]

    def test_they_come_only_when_asked_for(self):
        capture = self.capture(connection([(GET, response())]))
        self.assertNotIn("response_sha256", self.transaction(capture))
        self.assertEqual(["request_sha256", "response_sha256"], list(self.transaction("--sha256", capture))[-2:])

    def test_lower_case_hex_of_plain_bodies(self):
        asked = request("POST", "/x", body=b"abc", content_type="text/plain")
        self.assertEqual((sha256(b"abc"), sha256(CUSTOMERS)), self.hashes(asked, response(body=CUSTOMERS)))
        self.assertEqual("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
                         self.hashes(asked, response())[0])

    def test_chunked(self):
        asked = chunked(request("POST", "/x"), b"in chunks " * 9)
        answered = chunked(head_only(200), CUSTOMERS, size=100)
        self.assertEqual((sha256(b"in chunks " * 9), sha256(CUSTOMERS)), self.hashes(asked, answered))

    def test_content_codings(self):
        bodies = {"gzip": gzip.compress(CUSTOMERS), "x-gzip": gzip.compress(CUSTOMERS),
                  "GZip": gzip.compress(CUSTOMERS),
                  "deflate": zlib.compress(CUSTOMERS), "br": BROTLI, "zstd": ZSTD, "identity": CUSTOMERS}
        for coding, body in bodies.items():
            with self.subTest(coding):
                self.assertEqual(sha256(CUSTOMERS), self.of_response(coded(coding, body)))

    def test_deflate_without_its_zlib_header_as_some_servers_send_it(self):
        self.assertEqual(sha256(CUSTOMERS), self.of_response(coded("deflate", raw_deflate(CUSTOMERS))))

    def test_codings_on_top_of_each_other(self):
        body = gzip.compress(zlib.compress(CUSTOMERS))
        self.assertEqual(sha256(CUSTOMERS), self.of_response(coded("deflate, gzip", body)))

    def test_gzip_in_chunks(self):
        answered = chunked(head_only(200, [("Content-Encoding", "gzip")]), gzip.compress(CUSTOMERS), size=33)
        self.assertEqual(sha256(CUSTOMERS), self.of_response(answered))

    def test_coded_requests_too(self):
        asked = request("POST", "/x", body=gzip.compress(CUSTOMERS), headers=[("Content-Encoding", "gzip")])
        self.assertEqual(sha256(CUSTOMERS), self.hashes(asked, response())[0])

    def test_large_bodies(self):
        body = bytes(range(256)) * 4000
        self.assertEqual(sha256(body), self.of_response(coded("gzip", gzip.compress(body))))

    def test_a_body_that_ends_with_the_connection(self):
        self.assertEqual(sha256(CUSTOMERS), self.of_response(head_only(200) + CUSTOMERS))


class NoHash(CommandTest):
    def hash_of(self, frames):
        found = self.transaction("--sha256", self.capture(frames))
        self.assertEqual(200, found["status"])
        return found["response_sha256"]

    def test_absent(self):
        self.assertIsNone(self.hash_of(connection([(GET, response(body=b""))])))
        self.assertIsNone(self.hash_of(connection([(request("HEAD"), head_only(200, [("Content-Length", "5")]))])))

    def test_unknown_coding(self):
        self.assertIsNone(self.hash_of(connection([(GET, coded("rot13", b"abcdef"))])))

    def test_broken_coding(self):
        broken = bytearray(gzip.compress(CUSTOMERS))
        broken[40] ^= 0xff
        for body in (bytes(broken), b"this is no gzip at all", gzip.compress(CUSTOMERS)[:-20]):
            self.assertIsNone(self.hash_of(connection([(GET, coded("gzip", body))])))

    def test_lost_bytes(self):
        answered = response(body=b"x" * 5000)
        talk = Conversation().open().request(GET).response(answered[:1400])
        talk.response(answered[1400:2800], seen=False).response(answered[2800:]).acknowledge("client").close()
        self.assertIsNone(self.hash_of(talk.frames))

    def test_clipped_by_the_snap_length(self):
        self.assertIsNone(self.hash_of(clipped(connection([(GET, response(body=b"x" * 5000))]), 300)))

    def test_cut_by_the_end_of_the_connection(self):
        answered = response(body=b"x" * 5000)
        talk = Conversation().open().request(GET).response(answered[:2000]).acknowledge("client").close()
        self.assertIsNone(self.hash_of(talk.frames))

    def test_a_bomb_is_not_expanded(self):
        found = self.transaction_of(GET, coded("gzip", gzip.compress(b"\0" * 300_000_000)), "--sha256")
        self.assertEqual((200, None), (found["status"], found["response_sha256"]))


if __name__ == "__main__":
    unittest.main()
