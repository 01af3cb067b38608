//! Pulling: what registries, names, certificates and proxies answer. Nothing of it is containerd's state.

use super::{DISK, TRIAGE};
use crate::message::Component::{Containerd, Cri, Kubelet, Registry as TheRegistry};
use crate::message::Whose::{Dns, Image, Pod, Registry, Settings, Tls};
use crate::message::{Message, act, cause, consequence};

const HOSTS: &str =
    "ls -R /etc/containerd/certs.d; grep -n config_path /etc/containerd/config.toml";

/// Programs of the node, not of an image.
const HOST_PROGRAMS: &[&str] = &[
    ".wasm",
    "modprobe",
    "insmod",
    "fork/exec /opt/cni",
    "fork/exec /usr/lib/cni",
    "fork/exec /usr/libexec/cni",
    "containerd-shim",
    "bin/runc:",
    "bin/crun:",
    "hook #",
    "exec: \"runc\"",
    "203/exec",
    "dockerd:",
    "systemd[",
];

pub(super) const ALL: &[Message] = &[
    cause(
        "registry-plain-http",
        TheRegistry,
        Registry,
        &["http: server gave HTTP response to HTTPS client", "server gave HTTP response to HTTPS client", "tls: first record does not look like a TLS handshake", "http: server gave HTTP response to HTTPS client{rest}"],
        "The registry speaks plain HTTP, and containerd is not configured for that: a hosts.toml for \
         it with server = \"http://…\" does it (config_path of the registry must be set, in the \
         section of this release).",
    )
    .certain()
    .unless(&["proxyconnect"])
    .first(&[HOSTS]),
    cause(
        "registry-certificate",
        TheRegistry,
        Tls,
        &[
            "x509: certificate signed by unknown authority{rest}",
            "certificate signed by unknown authority{rest}",
            "tls: failed to verify certificate{rest}",
            "x509: certificate has expired or is not yet valid{rest}",
            "x509: certificate is valid for {}, not {}",
            "x509: certificate is not valid for any names{rest}",
            "x509: cannot validate certificate for {}{rest}",
            "x509: certificate relies on legacy Common Name field{rest}",
            "x509: {rest}",
            "remote error: tls: {}",
            "tls: {}",
        ],
        "The registry's certificate is not accepted: an authority that the node does not know (a \
         proxy that opens TLS, a private registry), an expired one, a wrong name, or a node whose \
         clock is wrong. A daemon reads the node's certificates at its start only.",
    )
    .unless(&["proxyconnect"])
    .first(&["date", HOSTS, "openssl s_client -connect REGISTRY:443 -showcerts < /dev/null"]),
    cause(
        "registry-client-certificate",
        TheRegistry,
        Tls,
        &[
            "remote error: tls: certificate required",
            "tls: certificate required",
            "remote error: tls: bad certificate",
            "remote error: tls: unknown certificate authority",
        ],
        "The registry asks for a certificate of the client, and got none, or one that it does not accept: hosts.toml has to \
         name it (client).",
    )
    .first(&[HOSTS]),
    cause(
        "registry-rate-limit",
        TheRegistry,
        Registry,
        &[
            "Status 429 trying to pull repository {rest}", "{}Status 429 trying to pull repository {rest}", "error parsing HTTP 429 response body{rest}",
            "toomanyrequests: Too Many Requests{rest}",
            "toomanyrequests: You have reached {rest}",
            "toomanyrequests: Rate exceeded{rest}",
            "toomanyrequests: retry-after{rest}",
            "toomanyrequests: rate limit{rest}",
            "toomanyrequests: {}rate limit{rest}",
            "toomanyrequests: {}request limit{rest}",
            "toomanyrequests: {}pull limit{rest}",
            "toomanyrequests: <!DOCTYPE html{rest}",
            "Rate exceeded",
            "429 Too Many Requests{rest}",
            "{} 429 Too Many Requests{rest}",
            "unexpected status code {}: 429 Too Many Requests{rest}",
            "You have reached your pull rate limit{rest}",
            "You have reached your unauthenticated pull rate limit{rest}",
            "Too Many Requests{rest}",
        ],
        "The registry's limit of pulls is reached for this address or account.",
    )
    .certain()
    .first(&[HOSTS]),
    cause(
        "registry-unauthorized",
        TheRegistry,
        Registry,
        &[
            "error parsing HTTP 401 response body{rest}",
            "authorization failed",
            "authorization failed: no basic auth credentials",
            "insufficient_scope{}",
            "denied: denied",
            "denied: requested access to the resource is denied{}",
            "denied: access forbidden{}",
            "denied: unauthenticated{rest}",
            "denied: permission_denied{rest}",
            "denied: Permission {rest}denied on resource{rest}",
            "denied: Your authorization token has expired{rest}",
            "denied: {}is not authorized to perform{rest}",
            "denied: User: {}is not authorized to perform{rest}",
            "denied: Unauthenticated request{rest}",
            "unauthenticated: {rest}",
            "unauthorized: unauthorized{}",
            "unauthorized: authentication required{rest}",
            "unauthorized: incorrect username or password{}",
            "unauthorized: bad credentials{}",
            "unauthorized: access to the requested resource is not authorized{}",
            "unauthorized: unauthorized to access repository{rest}",
            "unauthorized: You don't have the needed permissions{rest}",
            "unauthorized: The client does not have permission{rest}",
            "unauthorized: user {} is not allowed to access{rest}",
            "error from registry: unauthorized",
            "error from registry: denied",
            "{}\"code\":\"UNAUTHORIZED\"{rest}",
            "{}\"code\":\"DENIED\"{rest}",
            "incorrect username or password",
            "401 Unauthorized{rest}",
            "unexpected status code {}: 401 Unauthorized{rest}",
            "{} 401 Unauthorized{rest}",
            "unexpected status{}: 401 Unauthorized{rest}",
            "unexpected status: 401{rest}",
            "no basic auth credentials",
            "authentication required",
            "access denied{rest}",
            "insufficient_scope: authorization failed{}",
            "pull access denied, repository does not exist or may require authorization{rest}",
            "pull access denied{rest}",
            "pull access denied for {}, repository does not exist{rest}",
            "requested access to the resource is denied",
            "basic credentials required",
            "your authorization token has expired{rest}",
        ],
        "The registry wants credentials, or does not take those it got: no imagePullSecret, an expired token, or \
         a name that does not exist (registries answer so to hide which do).",
    )
    .first(&["kubectl get secret -o name", HOSTS]),
    cause(
        "registry-forbidden",
        TheRegistry,
        Registry,
        &["403 Forbidden{rest}", "error parsing HTTP 403 response body{rest}", "unexpected status code {}: 403 Forbidden{rest}", "{} 403 Forbidden{rest}", "unexpected status{}: 403 Forbidden{rest}", "unexpected status: 403{rest}", "Forbidden", "Status 403 trying to pull {rest}"],
        "The registry, a mirror or a proxy on the way forbids it: rights, a country, an expired signed address.",
    )
    .within(&["403", "registry", "image", "pull", "push", "manifest", "blob", "/v2/", "resolve", "fetch", "repository", ".io/"])
    .unless(&[" is invalid: "])
    .first(&[HOSTS]),
    cause(
        "proxy-refused",
        TheRegistry,
        Registry,
        &["proxyconnect tcp: tls: first record does not look like a TLS handshake", "proxyconnect tcp: net/http: TLS handshake timeout", "proxyconnect tcp: EOF", "proxyconnect tcp: x509: {rest}", "proxyconnect tcp: dial tcp {}: {rest}", "proxyconnect tcp: dial tcp: {rest}", "proxyconnect tcp: {rest}"],
        "The proxy that is set was not reached or did not answer as it should, before any registry was asked. With a TLS handshake in the line, its address is \
         mostly written with https:// where the proxy speaks plain HTTP.",
    )
    .first(&["systemctl show containerd docker -p Environment", "docker info | grep -i proxy", "env | grep -i proxy"]),
    cause(
        "registry-push-refused",
        TheRegistry,
        Registry,
        &["failed commit on ref {q}: unexpected status{}: {rest}", "failed commit on ref {q}: unexpected status {rest}", "unexpected status from PUT request to {}: {rest}", "unexpected status from POST request to {}: {rest}", "unexpected status from HEAD request to {}: 403 Forbidden{rest}", "cannot reuse body, request must be retried", "failed to copy: cannot reuse body, request must be retried", "failed to copy: io: read/write on closed pipe", "io: read/write on closed pipe", "manifest upload {} returned {n}: {rest}"],
        "A push was not taken: the registry, or a proxy before it, refused a part of it or ended the connection: rights, a repository that must \
         be created first, a limit of size or time.",
    )
    .within(&["manifest upload", "commit on ref", "from put request", "from post request", "push", "/uploads", "cannot reuse body", "exporting"])
    .first(&["curl -sSv -o /dev/null https://REGISTRY/v2/", "docker buildx ls"]),
    cause(
        "registry-not-found",
        TheRegistry,
        Registry,
        &[
            "unexpected status code {}: 404 Not Found{rest}",
            "404 Not Found{rest}",
            "{} 404 Not Found{rest}",
            "unexpected status{}: 404 Not Found{rest}",
            "manifest unknown{rest}",
            "artifact {} not found{rest}",
            "{}\"code\":\"MANIFEST_UNKNOWN\"{rest}",
            "{}\"code\":\"NAME_UNKNOWN\"{rest}",
            "manifest for {} not found{rest}",
            "name unknown{rest}",
            "repository name not known to registry",
            "failed to resolve reference {q}: docker.io/{}: not found",
            "failed to resolve reference {q}: {q}: not found",
            "{}: not found: manifest unknown{rest}",
        ],
        "The registry (or the mirror that was asked) has no such image or tag.",
    )
    .first(&["ctr -n k8s.io images ls -q", HOSTS]),
    cause(
        "registry-server-error",
        TheRegistry,
        Registry,
        &[
            "unexpected status code {}: 50{n} {}",
            "50{n} Internal Server Error{rest}",
            "500 Internal Server Error{rest}",
            "502 Bad Gateway{rest}",
            "503 Service Unavailable{rest}",
            "504 Gateway Timeout{rest}",
            "504 Gateway Time-out{rest}",
            "{} 500 Internal Server Error{rest}",
            "{} 502 Bad Gateway{rest}",
            "{} 503 Service Unavailable{rest}",
            "unexpected status{}: 5{n} {}",
            "received unexpected HTTP status: 5{n} {rest}",
            "unexpected status code {}: 400 Bad Request{rest}",
            "400 Bad Request{rest}",
            "unexpected status{}: 400 Bad Request{rest}",
            "error parsing HTTP 500 response body{rest}", "error parsing HTTP 502 response body{rest}", "error parsing HTTP 503 response body{rest}", "error parsing HTTP 504 response body{rest}", "504 Gateway{rest}", "520 {rest}", "522 {rest}", "530 {rest}", "internal server error", "Server error",],
        "The registry, a mirror or a proxy on the way answered with an error of its own.",
    )
    .unless(&["error response from daemon: 500", "api error (500)"])
    .first(&[HOSTS]),
    act(
        "registry-answer-unreadable",
        TheRegistry,
        Registry,
        &["error parsing HTTP {n} response body"],
        "The registry, a mirror or a proxy answered with that status and a page that is no answer of a registry; the status says \
         more than the words after it.",
    )
    .first(&["curl -sSv -o /dev/null https://REGISTRY/v2/", HOSTS]),
    cause(
        "registry-is-no-registry",
        TheRegistry,
        Settings,
        &["reference for unknown type: text/html{rest}", "unexpected media type text/html for {}", "unexpected media type text/plain for {}", "unexpected media type text/html{rest}", "failed to resolve reference {q}: unexpected media type text/html for {}: not found", "encountered unknown type text/html; children may not be fetched", "unexpected media type text/html; charset=utf-8{rest}", "reference for unknown type: text/plain{rest}", "unsupported manifest media type and no default available: text/html{rest}", "invalid character '<' looking for beginning of value{rest}html{rest}"],
        "What answered is no registry, but a page for people: the address of the mirror or the registry in the settings is wrong, \
         or a login page or proxy stands in between.",
    )
    .unless(&["http 401 response", "http 403 response", "http 404 response", "http 429 response"])
    .first(&[HOSTS, "curl -sSv https://REGISTRY/v2/"]),
    act(
        "registry-status",
        TheRegistry,
        Registry,
        &[
            "unexpected status from {} request to {}",
            "unexpected status code {}",
            "unexpected status",
            "failed to authorize",
            "failed to fetch anonymous token",
            "failed to fetch oauth token",
            "cannot fetch anonymous token",
            "failed to do request",
        ],
        "A registry, or the server that gives tokens for it, was asked and did not answer as it should; what follows says \
         how.",
    )
    .first(&[HOSTS]),
    cause(
        "dns",
        TheRegistry,
        Dns,
        &[
            "dial tcp: lookup {} on {}: no such host",
            "dial tcp: lookup {}: no such host",
            "lookup {} on {}: {rest}",
            "dial tcp: lookup {} on {}: {rest}",
            "dial tcp: lookup {}: {rest}",
            "lookup {}: {rest}",
            "dial udp: lookup {}: {rest}",
            "no such host",
            "Temporary failure in name resolution",
            "server misbehaving",
        ],
        "The node could not resolve the registry's name: its resolver is wrong, does not answer, or has no such \
         name. Pods' DNS (CoreDNS) has no part in pulls.",
    )
    .first(&["cat /etc/resolv.conf", "getent hosts REGISTRY"]),
    cause(
        "registry-unreachable",
        TheRegistry,
        Registry,
        &[
            "dial tcp {}: i/o timeout",
            "dial tcp {}: connect: connection refused",
            "dial tcp {}: connect: no route to host",
            "dial tcp {}: connect: network is unreachable",
            "dial tcp {}: connect: connection timed out",
            "dial tcp {}: connectex: {rest}",
            "net/http: TLS handshake timeout",
            "net/http: request canceled while waiting for connection{rest}",
            "net/http: request canceled{rest}",
            "net/http: timeout awaiting response headers",
            "Client.Timeout exceeded while awaiting headers",
            "read tcp {}: read: connection reset by peer",
            "read tcp {}: connection reset by peer",
            "read tcp {}: i/o timeout",
            "read tcp {}: read: connection timed out",
            "http2: client connection lost",
            "http2: server sent GOAWAY and closed the connection{rest}",
            "stream error: stream ID {n}; INTERNAL_ERROR{rest}",
            "connect: network is unreachable",
            "connect: no route to host",
            "network is unreachable",
            "no route to host", "Get {q}: EOF", "Head {q}: EOF", "Get {q}: unexpected EOF", "Get {q}: context deadline exceeded{rest}", "Head {q}: context deadline exceeded{rest}", "Post {q}: EOF",],
        "The registry cannot be reached over the network, or the connection broke: routes, firewall, a proxy that \
         is not set for containerd's unit, or the registry itself.",
    )
    .unless(&["proxyconnect"])
    .first(&["systemctl show containerd -p Environment", "curl -sSv -o /dev/null https://REGISTRY/v2/", HOSTS]),
    cause(
        "proxy",
        TheRegistry,
        Registry,
        &["proxyconnect tcp: {rest}", "proxyconnect tcp{}", "407 Proxy Authentication Required{rest}", "Proxy Authentication Required{rest}", "{} 407 Proxy Authentication Required"],
        "The proxy of containerd's unit cannot be reached, or refuses.",
    )
    .certain()
    .first(&["systemctl show containerd -p Environment"]),
    cause(
        "hosts-toml",
        Containerd,
        Settings,
        &[
            "failed to parse hosts.toml",
            "failed to load config from {path}",
            "invalid `host` tree",
            "unable to parse server {}",
            "unable to parse capability {}",
            "failed to load X509 key pair",
            "failed to load x509 client cert key pair: {rest}",
            "failed to read CA certificate file",
            "unable to get system cert pool",
            "failed to decode hosts.toml{rest}", "failed to decode hosts.toml", "failed to parse TOML{rest}", "failed to unmarshal TOML{rest}hosts.toml{rest}", "invalid host configuration{rest}", "failed to configure registry host{rest}",],
        "A hosts.toml under config_path is wrong: pulls from that registry fail.",
    )
    .wraps(&[])
    .within(&["hosts", "certs.d", "registr", "pull", "resolve"])
    .codes(&["registry/hosts-unusable"])
    .first(&[HOSTS]),
    cause(
        "mirror-endpoint",
        Cri,
        Settings,
        &["parse registry endpoint {q}", "parse registry endpoint {}", "get registry endpoints"],
        "An endpoint under registry.mirrors in config.toml is no address: every pull of that registry fails.",
    )
    .codes(&["registry/endpoint-unusable"])
    .first(&["containerd config dump"]),
    act(
        "pull-failed",
        Containerd,
        Registry,
        &[
            "failed to pull and unpack image {q}",
            "failed to pull image {q}",
            "Failed to pull image {q}",
            "failed to resolve reference {q}",
            "failed to resolve image {q}",
            "failed to do request",
            "unexpected status code {}",
            "unexpected status: {}",
            "failed to do request: {} {q}",
            "httpReadSeeker",
            "failed open",
            "failed to copy",
            "PullImage {q} failed",
            "PullImage from image service failed",
            "Failed to pull image",
            "Error: ErrImagePull",
            "failed to solve",
            "failed to resolve source metadata for {}",
            "error pulling image configuration",
            "Error pulling image ({}) from {}",
            "failed to fetch {}",
            "pull failed",
            "Pulling image failed",
        ],
        "An image could not be pulled; the innermost piece of the line says why.",
    )
    .unless(&["lease", "cache key", "blobchainid"])
    .first(&[HOSTS, "crictl pull IMAGE"]),
    consequence(
        "pull-backoff",
        Kubelet,
        Pod,
        &["Back-off pulling image {q}", "ImagePullBackOff{}", "ErrImagePull{}", "Error: ImagePullBackOff", "ErrImageNeverPull{}", "Container image {q} is not present with pull policy of Never"],
        "The kubelet waits before it pulls again. An earlier event or line has the pull's own error.",
    )
    .first(&["kubectl describe pod POD", "journalctl -u containerd -b | grep 'PullImage.*failed'"]),
    cause(
        "pull-progress-timeout",
        Cri,
        Registry,
        &["cancel pulling image {} because of no progress in {}", "cancel pulling image {} because of no progress in {rest}", "pull cancelled due to no progress{rest}"],
        "No byte of the image came for as long as image_pull_progress_timeout (5 minutes): the registry or the \
         way to it, or a disk that does not take the writes.",
    )
    .first(&[DISK, HOSTS]),
    cause(
        "invalid-reference",
        Containerd,
        Pod,
        &[
            "invalid reference format{rest}",
            "failed to parse image reference {q}",
            "failed to parse reference {q}",
            "object required",
            "couldn't parse image {}",
            "Failed to apply default image tag {q}",
            "InvalidImageName{}",
            "repository name must be lowercase",
            "repository name must have at least one component",
        ],
        "The image's name in the pod is no reference: capitals, a stray space, a variable that was not filled in.",
    )
    .codes(&["image/name-form"])
    .certain()
    .first(&["kubectl get pod POD -o jsonpath='{..image}'"]),
    cause(
        "pause-image",
        Cri,
        Registry,
        &["failed to get sandbox image {q}", "failed to get sandbox image", "failed to pull sandbox image {q}"],
        "The image of the pods' sandbox (pause) is not on the node and cannot be pulled: no pod starts. It is the \
         one that containerd's settings name, not kubelet's; kubelet's image collection or a person removed it.",
    )
    .codes(&["cri/pause-image-missing"])
    .first(&["containerd config dump | grep -e sandbox_image -e 'sandbox =' ", "crictl images | grep pause", TRIAGE]),
    cause(
        "image-signature",
        Kubelet,
        Pod,
        &["SignatureValidationFailed{rest}", "blocked by image policy{rest}"],
        "A rule of the node or the cluster does not let the image in.",
    )
    .certain(),
    cause(
        "image-verifier",
        Containerd,
        Settings,
        &[
            "image verifier {} blocked pull of {} {rest}",
            "image verifier {rest}",
            "image verifier plugin returned",
            "verifier {} rejected image {rest}",
        ],
        "A program that containerd 2.x calls before a pull (io.containerd.image-verifier.v1, in its folder bin_dir) said \
         no, did not end in its time, or could not be run.",
    )
    .first(&["ls -l /opt/containerd/image-verifier/bin"]),
    cause(
        "entrypoint-architecture",
        Containerd,
        Image,
        &["exec {path}: exec format error", "{q}: exec format error", "exec {q}: exec format error", "exec format error", "fork/exec {path}: exec format error", "standard_init_linux.go:{n}: exec user process caused: exec format error", "exec user process caused: exec format error", "exec user process caused {q}"],
        "The image's program is for another architecture than the node's, or a script without a first line of \
         `#!`. A program that was empty or cut after a power cut says the same.",
    )
    .unless(HOST_PROGRAMS)
    .codes(&["snapshot/layer-differs", "snapshot/usage-differs"])
    .or(&["a layer lost its content in a power cut (files of zero bytes): compare it with its blob"])
    .first(&["uname -m", "coroner snapshots verify /"]),
    cause(
        "wasm-not-supported",
        crate::Component::Crun,
        crate::Whose::Programs,
        &["exec container process `{}`: Exec format error", "exec format error"],
        "The image's program is a WebAssembly module, and the runtime ran it as a program of the node: this crun was built without support for WebAssembly, or the container's annotation for it is missing.",
    )
    .within(&[".wasm"])
    .first(&["crun --version"]),
    cause(
        "host-program-architecture",
        Containerd,
        crate::Whose::Programs,
        &["fork/exec {path}: exec format error", "exec {path}: exec format error", "exec format error"],
        "A program of the node itself (a shim, runc, a CNI plugin, a hook) is for another architecture, or its file is empty or \
         cut: a wrong download, or a power cut while it was installed.",
    )
    .within(HOST_PROGRAMS)
    .unless(&["modprobe", "insmod", "could not insert"])
    .codes(&["runtime/program-missing"])
    .first(&["uname -m", "ls -l PROGRAM; head -c 20 PROGRAM | od -c | head -n 2"]),
];
