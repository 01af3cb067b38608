//! Connections, listeners and plugins: words of Go's libraries that many programs say.

use super::{JOURNAL, PLUGINS, PREFLIGHT};
use crate::message::Component::{Client, Containerd, Cri, System};
use crate::message::Whose::{Network, Nobody, Other, Settings, Tls};
use crate::message::{Message, act, cause, consequence, errno};

pub(super) const ALL: &[Message] = &[
    consequence(
        "socket-of-another",
        Client,
        Other,
        &["transport: Error while dialing dial unix {path}: connect: no such file or directory", "transport: Error while dialing: dial unix {path}: connect: no such file or directory", "transport: Error while dialing dial unix {path}: connect: connection refused", "transport: Error while dialing: dial unix {path}: connect: connection refused", "dial unix {path}: connect: no such file or directory", "dial unix {path}: connect: connection refused", "transport: Error while dialing: dial unix {}: timeout", "transport: error while dialing: dial unix {}: timeout", "transport: Error while dialing: dial unix:{path}: timeout", "dial unix {}: timeout", "stat {path}api.sock: no such file or directory", "failed to build transport for nydus client: stat {path}: no such file or directory"],
        "Nothing listens at the socket that the line names: the program whose it is (its path tells) does not run, has not come so far, or \
         listens elsewhere.",
    )
    .within(&["buildkit", "csi", "/run/vc/", "dbus", "kubelet.sock", "podman", "snapd", "/plugins/", "nydus", "stargz", "soci", "cilium", "calico", "nri.sock", "spire", "libpod"])
    .first(&["ss -xlp", "ls -l SOCKET"]),
    cause(
        "listen-address",
        System,
        Settings,
        &["listen tcp {}: bind: cannot assign requested address", "listen tcp4 {}: bind: cannot assign requested address", "listen udp {}: bind: cannot assign requested address", "bind: cannot assign requested address"],
        "A program should listen at an address that this machine does not have (now): a setting names it, or the machine's \
         address changed.",
    )
    .certain()
    .or(&["the network is not up yet at that moment of the boot"])
    .first(&["ip -br addr", "containerd config dump | grep -e stream_server -e address"]),
    cause(
        "listen-in-use",
        System,
        Settings,
        &["listen tcp {}: bind: address already in use", "listen tcp4 {}: bind: address already in use", "listen unix {path}: bind: address already in use", "bind: address already in use", "failed to bind host port{}: {rest}address already in use"],
        "A program should listen where another listens already: a second one of its kind, one that did not end, or another \
         program.",
    )
    .unless(&["portmap", "hostport", "userland proxy", "driver failed programming"])
    .first(&["ss -lntup", "ss -xlp"]),
    act(
        "listen-denied",
        System,
        Settings,
        &["listen tcp {}: bind: permission denied", "listen unix {path}: bind: {rest}", "listen tcp {}: {rest}", "listen unix {path}: {rest}"],
        "A program could not make the socket at which it should listen.",
    )
    .or(&["its folder is not there, or not writable for that user", "the file system is read-only or full", "a port below 1024 without the right to it", "another program has that address"])
    .first(&["namei -l PATH", "ss -xlp", "ss -lntup"]),
    cause(
        "socket-path-long",
        Containerd,
        Settings,
        &["{q}: unix socket path too long (> {n})", "{path}: unix socket path too long (> {n})", "unix socket path too long (> {n})", "{}unix socket path too long{rest}"],
        "The name of a socket's file is longer than the system allows (104 or 108 letters): the state folder, or an address in the \
         settings, has too long a path.",
    )
    .certain()
    .first(&["containerd config dump | grep -e address -e '^state'"]),
    cause(
        "plugin-no-type",
        Containerd,
        Settings,
        &["panic: plugin: no type", "plugin: no type", "plugin: no plugin type", "panic: plugin: no id", "plugin: no id", "plugin: no plugin id"],
        "A plugin that the settings name has no type: mostly a table under [proxy_plugins] without `type = \"snapshot\"` (or \
         content, diff, sandbox). The daemon ends at once.",
    )
    .first(&["grep -n -A4 proxy_plugins /etc/containerd/config.toml", PREFLIGHT]),
    cause(
        "plugin-twice",
        Containerd,
        Settings,
        &["panic: plugin: id already registered", "plugin: id already registered", "{}: plugin: id already registered"],
        "Two plugins have one name: a table under [proxy_plugins] is called as one that is built in.",
    )
    .first(&["grep -n -A4 proxy_plugins /etc/containerd/config.toml", PLUGINS]),
    act(
        "nri-start",
        Cri,
        Other,
        &["failed to set up NRI for CRI service", "failed to start NRI interface", "failed to set up NRI", "failed to create NRI interface", "failed to synchronize pre-installed NRI Plugins", "failed to start NRI plugins"],
        "The CRI plugin was setting up NRI, through which plugins of others may change containers. If that fails, the CRI plugin \
         fails. The rest of the line says at what.",
    )
    .or(&["its socket cannot be made (/var/run/nri: no right to it, read-only)", "a plugin in /opt/nri/plugins does not start or answer"])
    .first(&["ls -ld /var/run/nri; ls -l /opt/nri/plugins /etc/nri/conf.d", "containerd config dump | grep -A9 nri.v1.nri", JOURNAL]),
    cause(
        "nri-plugin-gone",
        Cri,
        Other,
        &["closing plugin {}, failed to handle {}", "closing plugin {}, failed to handle {rest}", "failed to register plugin, connection closed", "plugin registration timed out", "failed to register plugin", "failed to configure plugin", "failed to initialize pre-installed NRI plugin {q}", "failed to start pre-installed NRI plugin {q}", "failed to synchronize pre-installed NRI plugin {q}", "failed to launch plugin {q}", "plugin does not handle split sync requests", "failed to synchronize plugin with split messages", "failed to start builtin NRI plugin {q}", "failed to read configuration for plugin {q}"],
        "A plugin of NRI did not start, did not answer in time or lost its connection, and containerd works on without it. What \
         the plugin should have done for containers is not done.",
    )
    .within(&["plugin"])
    .unless(&["csi", "device plugin", "device-plugin", "kubelet_get", "cni"])
    .first(&["ls -l /opt/nri/plugins /etc/nri/conf.d", JOURNAL]),
    cause(
        "nri-conflict",
        Cri,
        Other,
        &["plugins {q} and {q} both tried to set {rest}", "plugin {q} and {q} both tried to set {rest}", "validator {q} rejected container adjustment{rest}"],
        "Two plugins of NRI want to set the same of one container, or a rule forbids what one wants: the container is not created.",
    )
    .certain()
    .first(&["ls -l /opt/nri/plugins /etc/nri/conf.d", JOURNAL]),
    act(
        "nri-client",
        System,
        Other,
        &["failed to connect to NRI service", "nri socket path {q} does not exist", "failed to validate nri server, err: {rest}", "failed to validate nri server"],
        "A plugin of NRI (another program) was connecting to containerd's NRI socket. Where the socket is not there, NRI is switched \
         off in containerd's settings (it is off by default before 2.0), or containerd does not run.",
    )
    .first(&["ls -l /var/run/nri/nri.sock", "containerd config dump | grep -A9 nri.v1.nri"]),
    cause(
        "nri-note",
        Cri,
        Nobody,
        &["connection to plugin {q} closed", "ttrpc server for plugin {q} closed ({})", "plugin {q} registered as {q}", "failed to initialize WASM support: WASM support is disabled (at build time)", "using experimental NRI integration - disable nri plugin to prevent this", "NRI service disabled{}", "connection from external plugins disabled", "synchronizing plugin {}", "runtime interface created", "runtime interface starting up...", "created NRI interface", "plugin {q} closed connection"],
        "A note of NRI about a plugin that came or went, or about its own start. By itself no fault.",
    ),
    cause(
        "tls-alert",
        System,
        Tls,
        &["remote error: tls: handshake failure", "remote error: tls: protocol version not supported", "remote error: tls: unrecognized name", "remote error: tls: internal error", "remote error: tls: no application protocol", "tls: no supported versions satisfy MinVersion and MaxVersion", "tls: server selected unsupported protocol version {}", "tls: handshake failure"],
        "The two sides do not agree on how to speak TLS: version, cipher or name; or what answers is not the server that was meant (a \
         proxy, a load balancer).",
    )
    .first(&["openssl s_client -connect HOST:PORT -servername HOST < /dev/null"]),
    cause(
        "tls-client-refused",
        System,
        Tls,
        &["remote error: tls: bad certificate", "remote error: tls: unknown certificate authority", "remote error: tls: certificate required", "remote error: tls: expired certificate", "remote error: tls: unknown certificate", "tls: client didn't provide a certificate", "tls: failed to verify client certificate{rest}", "remote error: tls: revoked certificate"],
        "One side refused the certificate of the other: in a client's line (`remote error`) the server refused what this program \
         showed, in a server's line (`TLS handshake error from`) a client refused the server's.",
    )
    .unless(&["failed to pull", "/v2/"])
    .or(&["the certificate is expired, or the clock is wrong", "the two sides have authorities of different clusters (a node that was set up again)"])
    .first(&["date", "openssl x509 -noout -dates -issuer -subject -in CERTIFICATE"]),
    act(
        "tls-handshake-from",
        System,
        Tls,
        &["http: TLS handshake error from {}", "http: TLS handshake error from {}: EOF", "http: TLS handshake error from {}: {rest}", "TLS handshake error from {}"],
        "A server tells that a client began a TLS connection and did not go through with it. With `EOF` it is mostly a health check \
         that only opens the port: no fault.",
    )
    .first(&["ss -tnp"]),
    cause(
        "not-the-protocol",
        System,
        Other,
        &["error reading server preface: {rest}", "http2: frame too large", "net/http: HTTP/1.x transport connection broken: malformed HTTP response {q}", "malformed HTTP response {q}", "malformed HTTP version {q}", "malformed HTTP status code {q}", "unexpected HTTP status code received from server: {rest}", "received unexpected content-type {q}", "unexpected HTTP status code received from server{rest}", "tls: first record does not look like a TLS handshake", "transport: received unexpected content-type {q}", "transport: missing content-type field"],
        "What answered at that address does not speak the protocol that was expected: HTTP in place of gRPC, TLS or none, or a \
         proxy, a login page or another program that answers there.",
    )
    .unless(&["registry", "/v2/", "pull"])
    .first(&["curl -ksv -o /dev/null ADDRESS", "systemctl show containerd -p Environment"]),
    act(
        "address-malformed",
        System,
        Settings,
        &["parse {q}: first path segment in URL cannot contain colon", "first path segment in URL cannot contain colon", "unsupported protocol scheme {q}", "parse {q}: invalid {}", "parse {q}: net/url: invalid {rest}", "net/url: invalid {rest}", "missing port in address", "address {}: missing port in address", "too many colons in address", "address {}: too many colons in address", "dial tcp: address {}: missing port in address", "parse {q}: missing protocol scheme"],
        "An address (of a server, a proxy, a registry, an endpoint) is not written as one should be: a setting or an argument.",
    )
    .first(&["systemctl show containerd -p Environment", "containerd config dump | grep -e address -e endpoint"]),
    errno(
        "connection-closed",
        &["use of closed network connection", "http: Server closed", "server closed idle connection", "http2: client connection lost", "keepalive ping failed to receive ACK within timeout", "the client connection is closing", "name resolver error: produced zero addresses"],
        "A connection was given up by one of its sides; alone that tells no more.",
    )
    .first(&[JOURNAL]),
    act(
        "loopback-answer",
        System,
        Network,
        &["dial tcp 127.0.0.1:{n}: connect: connection refused", "dial tcp 127.0.0.1:{n}: {rest}"],
        "A program on this node asked another one on the same node (127.0.0.1), which does not listen at that port: it does not \
         run (yet).",
    )
    .unless(&["/v2/", "registry", "pull", "proxyconnect", ":50051", ":10248"])
    .first(&["ss -lntp"]),
    errno(
        "daemon-answer",
        &["signal: segmentation fault", "signal: segmentation fault (core dumped)", "signal: aborted", "signal: aborted (core dumped)", "signal: bus error", "signal: illegal instruction", "signal: terminated", "signal: interrupt", "signal: broken pipe"],
        "A program that was started ended by that signal: a crash (segmentation fault, aborted, bus error, illegal instruction) is a \
         defect of it, damaged files or bad memory; `terminated` is a request.",
    )
    .first(&["coredumpctl list", "journalctl -k -b | grep -e segfault -e 'Killed process'"]),
    errno(
        "not-supported-here",
        &["block device required", "protocol not supported", "address family not supported by protocol", "protocol not available", "no buffer space available", "network is down", "host is down", "exchange full", "no child processes found"],
        "The system's word for a call that failed; what comes before it says which.",
    )
    .first(&[JOURNAL]),
];
