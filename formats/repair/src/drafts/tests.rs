use super::*;
use evidence::Options;

/// A capture of 1.7 with this config.toml.
fn drafts(node: &str, release: &str, config: &str) -> Vec<HandEdit> {
    let mut tar = testcase::node(node);
    let path = "etc/containerd/config.toml";
    let mut own = tar
        .members
        .iter_mut()
        .filter(|member| member.path == path.as_bytes());
    match own.next() {
        Some(member) => member.data = config.as_bytes().to_vec(),
        None => tar.add(path, config.as_bytes()),
    }
    let mut evidence = Evidence::open_stream(tar.write().as_slice(), &Options::default()).unwrap();
    let roots = node::discover(&evidence, &node::Said::default());
    let roots = roots.into_iter().next().unwrap();
    let node = Node::open(&evidence, roots, node::Options::default());
    let release = Detected::said(release).unwrap();
    super::config(&mut evidence, &node, &release, Time::new(1_800_000_000, 0))
}

/// The corrected text of one file, and that nothing is left to decide.
fn corrected(node: &str, release: &str, config: &str) -> String {
    let all = drafts(node, release, config);
    assert_eq!(all.len(), 1, "{config}: {all:?}");
    assert!(all[0].decide.is_empty(), "{all:?}");
    assert!(all[0].diff.contains("@@"), "{all:?}");
    all[0].text.clone().unwrap()
}

fn undecided(node: &str, release: &str, config: &str) -> String {
    let all = drafts(node, release, config);
    assert_eq!(all.len(), 1, "{config}: {all:?}");
    assert_eq!(all[0].text, None, "{all:?}");
    all[0].decide.join("\n")
}

const CRI: &str = "[plugins.\"io.containerd.grpc.v1.cri\"]\n";

#[test]
fn a_sound_configuration_has_no_draft() {
    for (node, release) in [
        ("1.6-stopped", "1.6"),
        ("1.7-stopped", "1.7"),
        ("2.1-stopped", "2.1"),
    ] {
        assert_eq!(drafts(node, release, "version = 2\n"), [], "{release}");
        let own = testcase::node(node);
        let own = own
            .members
            .iter()
            .find(|member| member.path == b"etc/containerd/config.toml");
        if let Some(own) = own {
            let text = String::from_utf8(own.data.clone()).unwrap();
            assert_eq!(drafts(node, release, &text), [], "{release}");
        }
    }
}

#[test]
fn what_is_certain_is_corrected() {
    let cases = [
        ("version = \"2\"\n".to_owned(), "version = 2\n".to_owned()),
        (
            "version = 2\ndisabled_plugins = [\"restart\"] # by hand\n".to_owned(),
            "version = 2\ndisabled_plugins = [\"io.containerd.internal.v1.restart\"] # by hand\n".to_owned(),
        ),
        (
            format!("version = 2\n{CRI}  enable_selinux = \"false\"\n"),
            format!("version = 2\n{CRI}  enable_selinux = false\n"),
        ),
        (
            format!("version = 2\n{CRI}stream_server_port = 0\n"),
            format!("version = 2\n{CRI}stream_server_port = \"0\"\n"),
        ),
        (
            format!("{CRI}max_container_log_line_size = 16384\n"),
            format!("version = 2\n{CRI}max_container_log_line_size = 16384\n"),
        ),
        (
            "version = 2\ndisabled_plugins = [\"io.containerd.metadata.v1.bolt\", \"io.containerd.snapshotter.v1.zfs\"]\n".to_owned(),
            "version = 2\ndisabled_plugins = [\"io.containerd.snapshotter.v1.zfs\"]\n".to_owned(),
        ),
        // A script that ran twice.
        (
            format!("version = 2\n{CRI}  enable_selinux = false\n\n{CRI}  enable_selinux = false\n[debug]\nlevel = \"info\"\n"),
            format!("version = 2\n{CRI}  enable_selinux = false\n\n[debug]\nlevel = \"info\"\n"),
        ),
        (
            format!("version = 2\n{CRI}  enable_selinux = false\n\n[debug]\nlevel = \"info\"\n{CRI}  device_ownership_from_security_context = true\n"),
            format!("version = 2\n{CRI}  enable_selinux = false\n  device_ownership_from_security_context = true\n\n[debug]\nlevel = \"info\"\n"),
        ),
        ("version = 2\nversion = 2\n".to_owned(), "version = 2\n".to_owned()),
        ("version = 2\n\0\0\0".to_owned(), "version = 2\n".to_owned()),
    ];
    for (old, want) in cases {
        assert_eq!(corrected("1.7-stopped", "1.7", &old), want);
    }
}

#[test]
fn one_correction_after_the_other() {
    let old = format!(
        "version = \"2\"\nversion = \"2\"\ndisabled_plugins = [\"restart\"]\n{CRI}enable_selinux = \"true\"\n"
    );
    let want = format!(
        "version = 2\ndisabled_plugins = [\"io.containerd.internal.v1.restart\"]\n{CRI}enable_selinux = true\n"
    );
    assert_eq!(corrected("1.7-stopped", "1.7", &old), want);
}

#[test]
fn tables_of_the_other_version_get_their_version() {
    let old = format!("version = 3\n{CRI}enable_selinux = true\n");
    let want = format!("version = 2\n{CRI}enable_selinux = true\n");
    assert_eq!(corrected("2.1-stopped", "2.1", &old), want);
}

#[test]
fn what_is_not_certain_is_asked() {
    for (config, want) in [
        ("version = 2\nroot = \"/var/lib\n", "line 2"),
        (
            "version = 3\n",
            "put a file in place that this release knows",
        ),
        ("version = 2\n[debug]\nlevel = \"loud\"\n", "levels are"),
        (
            "version = 2\n[debug]\nlevel = \"info\"\n[debug]\nlevel = \"warn\"\n",
            "line 4",
        ),
        (
            "version = 2\n[plugins.\"io.containerd.gc.v1.scheduler\"]\nstartup_delay = \"soon\"\n",
            "startup_delay",
        ),
    ] {
        let said = undecided("1.7-stopped", "1.7", config);
        assert!(
            said.to_lowercase().contains(&want.to_lowercase()),
            "{config}: {said}"
        );
    }
}

#[test]
fn a_secret_is_not_shown() {
    let old = format!(
        "version = \"2\"\n[plugins.\"io.containerd.grpc.v1.cri\".registry.configs.\"r.example\".auth]\npassword = \"hunter2hunter2\"\n{CRI}enable_selinux = true\n"
    );
    let all = drafts("1.7-stopped", "1.7", &old);
    assert!(all[0].text.as_ref().unwrap().contains("hunter2hunter2"));
    assert!(!all[0].diff.contains("hunter2"), "{}", all[0].diff);
    assert!(!serde_json::to_string(&all).unwrap().contains("hunter2"));
}
