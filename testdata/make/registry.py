#!/usr/bin/env python3
"""registry.py LAYOUT PORT: serves an OCI layout, read-only, on the loopback, as far as containerd asks for."""

import http.server
import json
import pathlib
import sys

LAYOUT = pathlib.Path(sys.argv[1])


def descriptors():
    """(name, tag, descriptor) of each image of the layout; names as images has them: images.example/NAME:TAG."""
    for descriptor in json.loads((LAYOUT / "index.json").read_text())["manifests"]:
        full = descriptor["annotations"]["io.containerd.image.name"]
        path, tag = full.split("/", 1)[1].rsplit(":", 1)
        yield path, tag, descriptor


def find(path):
    """What a request is for: (blob's digest, media type), or None."""
    parts = path.split("?")[0].split("/")
    if len(parts) < 5 or parts[1] != "v2":
        return None
    name, kind, what = "/".join(parts[2:-2]), parts[-2], parts[-1]
    if kind == "manifests" and not what.startswith("sha256:"):
        for path_, tag, descriptor in descriptors():
            if (path_, tag) == (name, what):
                return descriptor["digest"], descriptor["mediaType"]
        return None
    blob = LAYOUT / "blobs" / "sha256" / what.removeprefix("sha256:")
    if "/" in what or not blob.is_file():
        return None
    if kind == "manifests":
        # A manifest need not say what it is; an index has manifests.
        document = json.loads(blob.read_text())
        kind = "index" if "manifests" in document else "manifest"
        return what, document.get("mediaType", f"application/vnd.oci.image.{kind}.v1+json")
    return what, "application/octet-stream"


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self, body):
        found = find(self.path)
        if self.path.rstrip("/") == "/v2":
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        if found is None:
            self.send_error(404)
            return
        digest, media_type = found
        data = (LAYOUT / "blobs" / "sha256" / digest.removeprefix("sha256:")).read_bytes()
        self.send_response(200)
        self.send_header("Content-Type", media_type)
        self.send_header("Content-Length", str(len(data)))
        self.send_header("Docker-Content-Digest", digest)
        self.end_headers()
        if body:
            self.wfile.write(data)

    def do_GET(self):
        self.answer(True)

    def do_HEAD(self):
        self.answer(False)

    def log_message(self, *_):
        pass


http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[2])), Handler).serve_forever()
