#!/usr/bin/env python3
"""Those who call the shop in the demonstration capture: curl as an app, Python as a partner, wget as a browser."""
import http.client
import json
import random
import subprocess

SHOP, PORT, HOST = "10.20.0.10", 80, "shop.example"


def curl(*args, source="10.20.0.100"):
    command = ["curl", "-s", "--compressed", "--interface", source, "--connect-to", f"{HOST}:{PORT}:{SHOP}:{PORT}"]
    return subprocess.run(command + list(args), capture_output=True, text=True, check=False).stdout


def url(path):
    return f"http://{HOST}{path}"


def post(path, value, *more, **keywords):
    return curl("-H", "Content-Type: application/json", "-d", json.dumps(value), *more, url(path), **keywords)


def shop_once(number):
    source = f"10.20.0.{100 + number % 2}"
    curl(url("/api/v1/products?page=1"), url(f"/api/v1/products?page={number % 3 + 1}&sort=price"), source=source)
    skus = [f"SKU-{1000 + random.randrange(9)}" for _ in range(3)]
    curl(*[url("/api/v1/products/" + sku) for sku in skus], source=source)
    password = "correct horse" if number % 4 else "guess"
    login = post("/api/v1/login", {"user": f"anna{number}", "password": password}, source=source)
    token = json.loads(login).get("token")
    cart = json.loads(post("/api/v1/carts", {}, source=source))["id"]
    for sku in skus:
        post(f"/api/v1/carts/{cart}/items", {"sku": sku, "count": random.randrange(1, 4)}, source=source)
    curl("-X", "DELETE", url(f"/api/v1/carts/{cart}/items/{skus[0]}"), source=source)
    curl(url(f"/api/v1/carts/{cart}"), source=source)
    bearer = ["-H", f"Authorization: Bearer {token}"] if token else []
    order = json.loads(post("/api/v1/orders", {"cart": cart, "ship_to": "Main Street 1"}, *bearer, source=source))
    curl(*bearer, url(f"/api/v1/orders/{order.get('id', 47000 + number)}"), source=source)


def partner():
    connection = http.client.HTTPConnection(SHOP, PORT)
    for _ in range(5):
        for path, headers in (("/api/v1/stock", {"X-Api-Key": "k-" + "0" * 24}), ("/api/v0/products", {})):
            connection.request("GET", path, headers={"Host": HOST, "User-Agent": "partner-sync/2.1"} | headers)
            connection.getresponse().read()
    connection.close()


def others():
    for path in ("/", "/assets/app.js", "/assets/site.css"):
        subprocess.run(["wget", "-q", "-O", "/dev/null", f"--header=Host: {HOST}", f"http://{SHOP}{path}"], check=False)
    curl("-X", "OPTIONS", "-H", "Origin: http://shop.example", "-H", "Access-Control-Request-Method: POST",
         url("/api/v1/login"))
    curl("-I", url("/api/v1/products"))
    curl("-u", "root:toor", url("/api/v1/admin/statistics"))
    curl(url("/api/v1/admin/statistics"))
    for probe in ("/.env", "/wp-login.php", "/api/v1/users", "/admin/"):
        curl("-A", "scanner/1.0", url(probe))


random.seed(11)
for i in range(14):
    shop_once(i)
partner()
others()
