#!/usr/bin/env python3
"""A small shop's API for the demonstration capture; Python's own HTTP server, behind nginx."""
import base64
import json
import random
import re
import sys
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

PRODUCTS = {f"SKU-{1000 + i}": {"sku": f"SKU-{1000 + i}", "name": name, "price": price, "currency": "EUR"}
            for i, (name, price) in enumerate([("Lamp", 39.9), ("Chair", 89.0), ("Desk", 249.0), ("Shelf", 59.5),
                                               ("Rug", 120.0), ("Mirror", 45.0), ("Clock", 25.0), ("Vase", 18.9)])}
CARTS, ORDERS = {}, {}


class Shop(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self, status, value=None, headers=()):
        body = b"" if value is None else json.dumps(value).encode()
        self.send_response(status)
        if value is not None:
            self.send_header("Content-Type", "application/json; charset=utf-8")
        for name, text in headers:
            self.send_header(name, text)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def body(self):
        return json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))) or b"{}")

    def bearer(self):
        return self.headers.get("Authorization", "").startswith("Bearer ")

    def handle_request(self):
        parts = urlsplit(self.path)
        for method, pattern, function in ROUTES:
            match = re.fullmatch(pattern, parts.path)
            if match and method == self.command:
                return function(self, parse_qs(parts.query), *match.groups())
        known = any(re.fullmatch(pattern, parts.path) for _, pattern, _ in ROUTES)
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.answer(405 if known else 404, {"error": "method not allowed" if known else "not found"})

    do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = do_OPTIONS = handle_request

    def log_message(self, *_):
        pass


def products(shop, query):
    page = int(query.get("page", ["1"])[0])
    shop.answer(200, {"page": page, "items": list(PRODUCTS.values())[(page - 1) * 4:page * 4], "total": len(PRODUCTS)})


def product(shop, _, sku):
    shop.answer(200, PRODUCTS[sku] | {"stock": random.randint(0, 50)}) if sku in PRODUCTS else \
        shop.answer(404, {"error": "no such product"})


def login(shop, _):
    given = shop.body()
    if given.get("password") != "correct horse":
        return shop.answer(401, {"error": "wrong name or password"})
    token = base64.urlsafe_b64encode(random.randbytes(24)).decode()
    shop.answer(200, {"token": token, "user": {"name": given["user"], "email": given["user"] + "@mail.example"}})


def new_cart(shop, _):
    cart = str(uuid.UUID(bytes=random.randbytes(16), version=4))
    CARTS[cart] = []
    shop.body()
    shop.answer(201, {"id": cart, "items": []}, [("Location", "/api/v1/carts/" + cart)])


def cart(shop, _, number):
    shop.answer(200, {"id": number, "items": CARTS[number]}) if number in CARTS else \
        shop.answer(404, {"error": "no cart"})


def add_item(shop, _, number):
    item = shop.body()
    CARTS.setdefault(number, []).append(item)
    shop.answer(201, {"id": number, "items": CARTS[number]})


def remove_item(shop, _, number, sku):
    CARTS[number] = [item for item in CARTS.get(number, []) if item["sku"] != sku]
    shop.answer(204)


def new_order(shop, _):
    if not shop.bearer():
        return shop.answer(401, {"error": "log in first"})
    order = 48000 + len(ORDERS)
    ORDERS[order] = shop.body() | {"id": order, "state": "paid"}
    shop.answer(201, ORDERS[order])


def order(shop, _, number):
    if not shop.bearer():
        return shop.answer(401, {"error": "log in first"})
    found = ORDERS.get(int(number))
    shop.answer(200, found) if found else shop.answer(404, {"error": "no such order"})


def statistics(shop, _):
    if not shop.headers.get("Authorization", "").startswith("Basic "):
        return shop.answer(401, {"error": "who are you?"}, [("WWW-Authenticate", 'Basic realm="admin"')])
    shop.answer(200, {"orders": len(ORDERS), "carts": len(CARTS)})


def stock(shop, _):
    shop.answer(200, {sku: random.randint(0, 50) for sku in PRODUCTS}) if shop.headers.get("X-Api-Key") else \
        shop.answer(403, {"error": "key missing"})


def old_products(shop, _):
    shop.answer(200, list(PRODUCTS.values()), [("Deprecation", "true"), ("Sunset", "Sat, 31 Oct 2026 00:00:00 GMT")])


def preflight(shop, _):
    shop.answer(204, None, [("Access-Control-Allow-Origin", "http://shop.example"),
                            ("Access-Control-Allow-Methods", "GET, POST")])


CART = "/api/v1/carts/([0-9a-f-]{36})"
ROUTES = [("GET", "/api/v1/products", products), ("HEAD", "/api/v1/products", products),
          ("GET", "/api/v1/products/([^/]+)", product), ("POST", "/api/v1/login", login),
          ("OPTIONS", "/api/v1/login", preflight), ("POST", "/api/v1/carts", new_cart), ("GET", CART, cart),
          ("POST", CART + "/items", add_item), ("DELETE", CART + "/items/([^/]+)", remove_item),
          ("POST", "/api/v1/orders", new_order), ("GET", "/api/v1/orders/([0-9]+)", order),
          ("GET", "/api/v1/admin/statistics", statistics), ("GET", "/api/v1/stock", stock),
          ("GET", "/api/v0/products", old_products)]

if __name__ == "__main__":
    random.seed(7)
    ThreadingHTTPServer((sys.argv[1], int(sys.argv[2])), Shop).serve_forever()
