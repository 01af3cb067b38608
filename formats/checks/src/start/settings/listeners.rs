//! Addresses of config.toml at which the daemon listens besides its socket.
//!
//! `cmd/containerd/command/main.go`: after the plugins are loaded it listens for debugging, for
//! metrics and for gRPC by TCP, and ends if it cannot. The certificate for TCP is loaded before any
//! plugin.

use core::net::IpAddr;

use daemon::start as rules;

use super::place;
use crate::part::Part;
use crate::start::run::{Flow, Run};

/// What is known of an address before anybody listens there.
#[derive(Debug, PartialEq, Eq)]
enum Listens {
    Yes,
    /// It is none, for this reason.
    No(&'static str),
    /// It depends on the machine.
    Unknown,
}

/// As Go's `net.Listen` takes `host:port`.
fn tcp(address: &str) -> Listens {
    let (host, port) = match address.strip_prefix('[') {
        Some(rest) => match rest.split_once(']') {
            Some((host, port)) => match port.strip_prefix(':') {
                Some(port) => (host, port),
                None => return Listens::No("missing port in address"),
            },
            None => return Listens::No("missing ']' in address"),
        },
        None => match address.rsplit_once(':') {
            Some((host, _)) if host.contains(':') => {
                return Listens::No("too many colons in address");
            }
            Some(found) => found,
            None => return Listens::No("missing port in address"),
        },
    };
    let is_number = port
        .bytes()
        .all(|byte| byte.is_ascii_digit() || b"+-".contains(&byte));
    if is_number && !port.is_empty() && port.parse::<u16>().is_err() {
        return Listens::No("invalid port");
    }
    // Names of services and of hosts are looked up, and an address must be one of the machine's.
    let is_everywhere = match host.parse::<IpAddr>() {
        Ok(IpAddr::V4(ip)) => ip.is_loopback() || ip.is_unspecified(),
        Ok(IpAddr::V6(ip)) => ip.is_loopback() || ip.is_unspecified(),
        Err(_) => host.is_empty() || host == "localhost",
    };
    if is_number && is_everywhere {
        Listens::Yes
    } else {
        Listens::Unknown
    }
}

/// What the kernel takes as the path of a socket, less what containerd leaves free.
const LONGEST: usize = 104;

/// Its own sockets: a path that is too long, or one that depends on where it is started.
fn sockets(run: &mut Run<'_>) -> Flow {
    let unit = run.node.roots.unit.as_ref().and_then(node::Unit::address);
    let own = unit.or_else(|| run.settings.text_setting(&["grpc", "address"]));
    let Some(own) = own.filter(|own| !own.is_empty()).map(str::to_owned) else {
        return Flow::Continue(());
    };
    let ttrpc = run.settings.text_setting(&["ttrpc", "address"]);
    let ttrpc = ttrpc.filter(|path| !path.is_empty()).map(str::to_owned);
    let ttrpc = ttrpc.unwrap_or_else(|| format!("{own}.ttrpc"));
    let at = place(run, &["grpc", "address"]);
    for path in [&ttrpc, &own] {
        if path.len() > LONGEST {
            let does = format!(
                "exits: the path of its socket has {} bytes, and {LONGEST} are the most",
                path.len()
            );
            let statement = run.statement(&rules::LISTENER).does(does);
            run.say(statement.says("unix socket path too long").at(at.clone()))?;
        }
    }
    if !own.starts_with('/') {
        let does = "listens at a path that depends on its working directory, because grpc.address is \
                    relative: no client finds it";
        run.note(run.statement(&rules::RELATIVE_PLACE).does(does).at(at));
    }
    Flow::Continue(())
}

/// Where it listens once its plugins are loaded.
pub(in crate::start) fn listeners(run: &mut Run<'_>) -> Flow {
    sockets(run)?;
    let keys: [(&[&str], &str); 3] = [
        (&["debug", "address"], "debug endpoint"),
        (&["metrics", "address"], "metrics endpoint"),
        (&["grpc", "tcp_address"], "TCP grpc endpoint"),
    ];
    for (key, which) in keys {
        let Some(address) = run
            .settings
            .text_setting(key)
            .filter(|text| !text.is_empty())
        else {
            continue;
        };
        // That for debugging may be a socket's path.
        let is_path = which == "debug endpoint" && address.starts_with('/');
        let listens = if is_path {
            if run.node.around.is_named_folder(address) {
                Listens::No("is a directory")
            } else {
                Listens::Yes
            }
        } else {
            tcp(address)
        };
        match listens {
            Listens::Yes => {}
            Listens::No(_) => {
                let says = format!("failed to get listener for {which}");
                let at = place(run, key);
                run.say(run.statement(&rules::LISTENER).says(says).at(at))?;
            }
            Listens::Unknown => {
                let name = format!("{} ({address})", key.join("."));
                let why = "whether the machine can listen there is not in the files";
                run.not_known(Part::Configuration, name, why);
            }
        }
    }
    Flow::Continue(())
}

/// What it needs before it loads a plugin: the certificate for TCP, and its own control group.
pub(super) fn before(run: &mut Run<'_>) -> Flow {
    let text = |run: &Run<'_>, key: &[&str]| {
        let text = run.settings.text_setting(key).unwrap_or_default();
        text.to_owned()
    };
    let cert = text(run, &["grpc", "tcp_tls_cert"]);
    if !cert.is_empty() {
        let files = [
            cert,
            text(run, &["grpc", "tcp_tls_key"]),
            text(run, &["grpc", "tcp_tls_ca"]),
        ];
        let around = &run.node.around;
        // The third may be left out.
        let gone = files.iter().enumerate().any(|(number, file)| {
            let is_optional = number == 2 && file.is_empty();
            !is_optional
                && (!file.starts_with('/')
                    || around.is_named_absent(file)
                    || around.is_named_folder(file))
        });
        if gone {
            let at = place(run, &["grpc", "tcp_tls_cert"]);
            run.say(run.statement(&rules::TLS_FILES).at(at))?;
        } else {
            let why = "its files were not looked into; if they cannot be used, it exits";
            run.not_known(Part::Configuration, "grpc.tcp_tls_cert", why);
        }
    }
    let group = text(run, &["cgroup", "path"]);
    if !group.is_empty() {
        let why = "whether the machine has that control group is not in the files; without it, it \
                   exits where there is but one hierarchy";
        run.not_known(Part::Configuration, format!("cgroup.path ({group})"), why);
    }
    Flow::Continue(())
}

#[cfg(test)]
mod tests {
    use super::{Listens, tcp};

    #[test]
    fn addresses_are_as_go_takes_them() {
        for address in [
            "127.0.0.1:1338",
            ":8080",
            "0.0.0.0:",
            "[::1]:1",
            "localhost:80",
        ] {
            assert_eq!(tcp(address), Listens::Yes, "{address}");
        }
        for (address, why) in [
            ("a b", "missing port in address"),
            ("[::1]", "missing port in address"),
            ("[::1", "missing ']' in address"),
            ("::1:80", "too many colons in address"),
            ("127.0.0.1:99999", "invalid port"),
            ("127.0.0.1:-1", "invalid port"),
        ] {
            assert_eq!(tcp(address), Listens::No(why), "{address}");
        }
        for address in ["10.1.2.3:80", "127.0.0.1:http", "node-7:1338"] {
            assert_eq!(tcp(address), Listens::Unknown, "{address}");
        }
    }
}
