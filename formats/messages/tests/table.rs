//! The table holds together.

use std::collections::BTreeSet;

use messages::{Head, Role, explain};

#[test]
fn each_message_has_a_name_of_its_own() {
    let mut names = BTreeSet::new();
    for message in messages::messages() {
        assert!(names.insert(message.key), "{} twice", message.key);
        assert!(
            !message.says.is_empty() && !message.means.is_empty(),
            "{}",
            message.key
        );
        let is_kebab =
            |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        assert!(message.key.bytes().all(is_kebab), "{}", message.key);
    }
    assert!(names.len() > 250);
}

#[test]
fn words_that_many_causes_have_lead_to_no_code() {
    for message in messages::messages() {
        if matches!(message.role, Role::Errno | Role::Class | Role::Wrapper) {
            assert!(message.confirmed_by.is_empty(), "{}", message.key);
        }
    }
    for line in [
        "no such file or directory",
        "open /some/where: no such file or directory",
        "permission denied",
        "write /x: no space left on device",
        "already exists",
        "invalid argument",
        "device or resource busy",
        "rpc error: code = DeadlineExceeded desc = context deadline exceeded",
        "rpc error: code = AlreadyExists desc = already exists",
    ] {
        let head = explain(line).head.unwrap();
        let message = head.message().unwrap();
        assert!(!matches!(head, Head::Cause(_)), "{line}: {}", message.key);
        assert!(message.confirmed_by.is_empty(), "{line}: {}", message.key);
        assert!(!message.means.is_empty());
    }
}

#[test]
fn prefixes_are_peeled() {
    let said = "failed to reserve sandbox name \"a_b_0\": name \"a_b_0\" is reserved for \"9d\"";
    let quoted = said.replace('"', "\\\"");
    let twice = quoted.replace('\\', "\\\\").replace('"', "\\\"");
    for line in [
        said.to_owned(),
        quoted.clone(),
        format!("Nov 28 14:18:11 node containerd[40]: {said}"),
        format!("2026-11-28T14:18:11.123456+01:00 node containerd[40]: {said}"),
        format!(
            "time=\"2026-11-28T14:18:06.423207489Z\" level=error msg=\"RunPodSandbox for &PodSandboxMetadata{{Name:a,}} failed, error\" error=\"{quoted}\""
        ),
        format!(
            "{{\"error\":\"{quoted}\",\"level\":\"error\",\"msg\":\"RunPodSandbox failed\",\"time\":\"2026-11-28T14:18:12Z\"}}"
        ),
        format!("ERRO[2026-11-28T12:00:00.000000000Z] RunPodSandbox failed   error=\"{quoted}\""),
        format!(
            "E1128 12:00:00.123456    1234 kuberuntime_sandbox.go:72] \"Failed to create sandbox for pod\" err=\"rpc error: code = Unknown desc = {quoted}\" pod=\"ns/name\""
        ),
        format!(
            "time=\"2025-11-28 12:00:00\" level=info msg=\"time=\\\"2025\\\" level=error msg=failed error=\\\"{twice}\\\"\" component=containerd stream=stderr"
        ),
        format!("2025-11-28T12:00:00.123456789Z stderr F {said}"),
        format!("\u{1b}[31mNov 28 14:26:42 node containerd[40]: #011{said}\u{1b}[0m"),
        // The journal's other forms.
        format!("2026-11-28T14:18:11+0100 ip-10-0-0-1.ec2.internal containerd[40]: {said}"),
        format!("Sat 2026-11-28 14:18:11 CET node containerd[40]: {said}"),
        format!("Sat 2026-11-28 14:18:11.123456 CET node containerd.service[40]: {said}"),
        format!("1795875491.123456 node containerd[40]: {said}"),
        format!("[   12.345678] node containerd[40]: {said}"),
        format!("    MESSAGE={said}"),
        format!(
            "{{\"PRIORITY\":\"6\",\"MESSAGE\":\"time=\\\"t\\\" level=error msg=failed error=\\\"{twice}\\\"\"}}"
        ),
        format!("{{\"insertId\":\"x\",\"jsonPayload\":{{\"MESSAGE\":\"{quoted}\"}}}}"),
        // Syslog of Amazon Linux, and RFC 5424.
        format!(
            "Nov 28 14:18:11 ip-10-0-0-1 containerd: time=\"2026-11-28T14:18:06.4Z\" level=error msg=\"RunPodSandbox failed, error\" error=\"{quoted}\""
        ),
        format!("<30>1 2026-11-28T14:18:11.123456+01:00 node containerd 40 - - {said}"),
        format!(
            "<30>1 2026-11-28T14:18:11.123456+01:00 node containerd 40 ID1 [x@1 a=\"b \\] c\"] {said}"
        ),
        // Others' loggers.
        format!("2026-11-28 14:18:11.123 [ERROR][5130] k8s.go 386: {said}"),
        format!("2026-11-28T14:18:11.123Z\tERROR\tcontroller\t{said}"),
        format!("2026/11/28 14:18:11 {said}"),
        format!("[2026-11-28 14:18:11] ERROR: {said}"),
        // Events, quoted, and copied without their columns.
        format!(
            "5m12s       Warning   FailedCreatePodSandBox   pod/nginx-abc   Failed to create pod sandbox: {said}"
        ),
        format!(
            "kube-system   5m12s (x3 over 9m)  Warning   FailedCreatePodSandBox   pod/nginx-abc   {said}"
        ),
        format!(
            "Warning FailedCreatePodSandBox 12s (x3 over 2m) kubelet Failed to create pod sandbox: rpc error: code = Unknown desc = {said}"
        ),
        format!(
            "1m 1m 1 kubelet, node-1 Warning FailedCreatePodSandBox Failed create pod sandbox: {said}"
        ),
        format!("> `{said}`"),
        format!("    message: '{said}'"),
        format!(
            "Warning  FailedCreatePodSandBox  12s (x3 over 2m)  kubelet  Failed to create pod sandbox: rpc error: code = Unknown desc = {said}"
        ),
    ] {
        let head = explain(&line).head.unwrap();
        assert_eq!(
            head.message().unwrap().key,
            "sandbox-name-reserved",
            "{line}"
        );
    }
}

#[test]
fn the_innermost_cause_decides() {
    let line = "failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: \
        unable to start container process: error during container init: unable to apply caps: operation not permitted: unknown";
    let head = explain(line).head.unwrap();
    assert_eq!(head.message().unwrap().key, "capabilities");
    let line = "failed to setup network for sandbox \"a\": dial tcp 10.0.0.1:9: connect: connection refused";
    assert!(
        matches!(explain(line).head.unwrap(), Head::Act(act, _) if act.key == "network-setup-failed")
    );
}

#[test]
fn an_error_inside_of_a_message_decides() {
    let head = |line: &str| explain(line).head.unwrap();
    let missing = "failed to stat parent: stat /s/snapshots/7/fs: no such file or directory";
    assert!(
        matches!(head(missing), Head::Cause(cause) if cause.key == "snapshot-directory-missing")
    );
    for line in [
        "failed to stat parent: a disk that fails",
        "failed to stat parent: input/output thing",
    ] {
        assert!(
            matches!(head(line), Head::Act(act, _) if act.key == "snapshot-directory-missing"),
            "{line}"
        );
    }
    // A detail of a program's work is no fault.
    let said = "level=LEVEL msg=\"containerd: gzip: invalid checksum\"";
    assert!(matches!(
        head(&said.replace("LEVEL", "error")),
        Head::Cause(_)
    ));
    assert!(matches!(
        head(&said.replace("LEVEL", "debug")),
        Head::Act(..)
    ));
}

#[test]
fn a_name_does_not_tell_who_speaks() {
    let line = "Error syncing pod, skipping: it was odd pod=\"gpu/nvidia-calico-buildkit\"";
    let place = explain(line).place.unwrap();
    assert!(
        ["at-pod", "at-kubelet"].contains(&place.key),
        "{}",
        place.key
    );
}

#[test]
fn lines_that_are_no_errors_of_ours_are_not_explained() {
    for line in [
        "",
        "   ",
        "all is well",
        "usb 1-1: new high-speed USB device number 2 using xhci_hcd",
        "The quick brown fox jumps over the lazy dog",
        "Setting up libc6:amd64 (2.36-9+deb12u4) ...",
        "Accepted publickey for root from 10.0.0.1 port 4242 ssh2",
        "FATAL: sorry, too many clients already",
        "Jan  4 10:34:35 [kernel] [155659.644510] ata5.00: qc timeout (cmd 0xa0)",
        "Jul  1 09:34:42 mac kernel[0]: AppleThunderboltGenericHAL::earlyWake - complete",
        "released the lock of the scsi disk",
    ] {
        assert!(
            explain(line).head.is_none(),
            "{line}: {:?}",
            explain(line).head
        );
    }
}

#[test]
fn hostile_lines_end() {
    let many = |piece: &str| piece.repeat(1 << 16);
    for line in [
        many("\""),
        many("\\\""),
        many("("),
        many("[("),
        many(": "),
        many("a: "),
        many("failed to reserve sandbox name \""),
        many("failed to "),
        many("\u{1b}["),
        many("k=\""),
        many("level=error msg=\""),
        many("rpc error: code = "),
        many("\u{202e}\0"),
        format!("{{\"log\":\"{}\"}}", "{\\\"log\\\":".repeat(10_000)),
    ] {
        let explained = explain(&line);
        assert!(explained.layers.len() <= 400);
    }
}
