//! Files that each pull reads.

use checks::Start;

use super::{add_folder, foretell, found, with};

const REGISTRY: &str = "version = 2\n[plugins.\"io.containerd.grpc.v1.cri\".registry]\nconfig_path = \"/etc/containerd/certs.d\"\n";

const HOSTS: &str =
    "server = 'https://r.example'\n[host.'http://m:5000']\ncapabilities = ['pull']\n";

const CERT: &str = "-----BEGIN CERTIFICATE-----\nMAMBAgM=\n-----END CERTIFICATE-----\n";

/// Each seen with pulls through 1.6.20, 1.7.24 and 2.1.9: they failed, or went on.
#[test]
fn files_that_pulls_read_are_looked_at() {
    const CODE: &str = "registry/file-unusable";
    for (more, file, text, is_bad) in [
        ("", "hosts.toml.old", "", false),
        ("ca = 'ca.crt'\n", "ca.crt", CERT, false),
        ("ca = '/etc/containerd/ca.crt'\n", "other", "", true),
        ("ca = ['ca.crt']\n", "ca.crt", "", true),
        ("ca = 'ca.crt'\n", "ca.crt", "garbage\n", true),
        ("client = 'c.pem'\n", "c.pem", CERT, true),
        ("client = [['c.pem', 'c.key']]\n", "c.pem", CERT, true),
    ] {
        let hosts = format!("{HOSTS}{more}");
        let beside = format!("certs.d/r.example/{file}");
        let files = [
            ("config.toml", REGISTRY),
            ("certs.d/r.example/hosts.toml", hosts.as_str()),
            (beside.as_str(), text),
        ];
        let found = found("1.7-stopped", &files);
        let bad = found
            .iter()
            .filter(|finding| finding.code.name == CODE)
            .count();
        assert_eq!(bad, usize::from(is_bad), "{more}{file} {text}: {found:#?}");
        let mut tar = with("1.7-stopped", &files);
        add_folder(&mut tar, "etc/containerd/certs.d/r.example/");
        let told = foretell(&tar, None);
        assert_eq!(told.start == Start::WithCare, is_bad, "{}", told.sentence);
    }
    // Without a hosts.toml, what lies in the folder.
    for (file, text, is_bad) in [
        ("x.crt", CERT, false),
        ("x.crt", "garbage", true),
        ("x.cert", "garbage", true),
        ("x.key", "garbage", false),
    ] {
        let beside = format!("certs.d/r.example/{file}");
        let files = [("config.toml", REGISTRY), (beside.as_str(), text)];
        let found = found("1.7-stopped", &files);
        let bad = found.iter().any(|finding| finding.code.name == CODE);
        assert_eq!(bad, is_bad, "{file} {text}");
    }
}

#[test]
fn a_time_to_dial_is_read_from_2_1_on() {
    for (node, text, is_bad) in [
        ("2.1-stopped", "'10s'", false),
        ("2.1-stopped", "'soon'", true),
        ("2.1-stopped", "3", true),
        ("1.7-stopped", "'soon'", false),
    ] {
        let hosts = format!("{HOSTS}dial_timeout = {text}\n");
        let config = "version = 2\n[plugins.\"io.containerd.grpc.v1.cri\".registry]\nconfig_path = \"/etc/containerd/certs.d\"\n";
        let files = [
            ("config.toml", config),
            ("certs.d/r.example/hosts.toml", hosts.as_str()),
        ];
        let found = found(node, &files);
        let mut found = found.iter();
        let bad = found.any(|finding| finding.code.name == "registry/hosts-unusable");
        assert_eq!(bad, is_bad, "{node} {text}");
    }
}

/// Seen with pulls through 1.6.20 and 1.7.24 (`invalid host tree`: the server that it names was not asked), and 2.1.9.
#[test]
fn a_hosts_file_without_a_host_is_taken_by_2_x_alone() {
    for (node, hosts, is_bad) in [
        ("1.6-stopped", "server = 'http://m:5000'\n", true),
        ("1.7-stopped", "server = 'http://m:5000'\n", true),
        ("2.1-stopped", "server = 'http://m:5000'\n", false),
        ("1.7-stopped", HOSTS, false),
        ("1.7-stopped", "# nothing\n", false),
        ("1.7-stopped", "", false),
    ] {
        let files = [
            ("config.toml", REGISTRY),
            ("certs.d/r.example/hosts.toml", hosts),
        ];
        let found = found(node, &files);
        let mut found = found.iter();
        let bad = found.any(|finding| finding.code.name == "registry/hosts-unusable");
        assert_eq!(bad, is_bad, "{node} {hosts}");
    }
}
