//! Each fault of a configuration with libcni's message, as containerd 1.6, 1.7 and 2.1 logged it,
//! and the files that real nodes left.

use core::net::IpAddr;

use cni::{Attachment, BadAttachment, ConfFault, HOST_LOCAL, Holder, List, capacity};

const GOOD: &str = r#"{"cniVersion":"1.0.0","name":"pods","plugins":[{"type":"bridge","ipam":
    {"type":"host-local","ranges":[[{"subnet":"10.88.0.0/24"}],[{"subnet":"fd00:88::/64"}]]}}]}"#;

fn list(text: &str) -> Result<List, ConfFault> {
    List::parse(text.as_bytes())
}

#[test]
fn a_list_has_programs_and_ranges() {
    let list = list(GOOD).unwrap();
    assert_eq!(
        (list.name.as_str(), list.version.as_str()),
        ("pods", "1.0.0")
    );
    let plugins = list.plugins.unwrap();
    let programs: Vec<&str> = plugins.iter().flat_map(cni::Plugin::programs).collect();
    assert_eq!(programs, ["bridge", HOST_LOCAL]);
    let sets = plugins[0].ipam.as_ref().unwrap().ranges.clone().unwrap();
    // 10.88.0.1 is the gateway's, 10.88.0.255 the broadcast's.
    assert_eq!(capacity(&sets[0]), 253);
    assert_eq!(sets[0][0].to_string(), "10.88.0.1-10.88.0.254");
    assert_eq!(capacity(&sets[1]), (1_u128 << 64) - 2);
    assert_eq!(sets[1][0].end.to_string(), "fd00:88::ffff:ffff:ffff:ffff");
}

#[test]
fn each_fault_has_the_message_of_the_daemon() {
    let says = |text: &str| list(text).unwrap_err().says();
    let begins = "error parsing configuration list: ";
    for (text, want) in [
        ("", "unexpected end of JSON input"),
        (r#"{"name":"pods","plug"#, "unexpected end of JSON input"),
        (
            "[]",
            "json: cannot unmarshal array into Go value of type map",
        ),
        (r#"{"plugins":[]}"#, "no name"),
        (r#"{"Name":"pods","plugins":[]}"#, "no name"),
        (r#"{"name":1}"#, "invalid name type float64"),
        (
            r#"{"name":"a","cniVersion":1}"#,
            "invalid cniVersion type float64",
        ),
        (
            r#"{"name":"a","plugins":{}}"#,
            "invalid 'plugins' type map[string]interface {}",
        ),
        (r#"{"name":"a","plugins":[]}"#, "no plugins in list"),
        (
            r#"{"name":"a","disableCheck":1}"#,
            "invalid disableCheck type float64",
        ),
    ] {
        assert_eq!(says(text), format!("{begins}{want}"), "{text}");
    }
    assert_eq!(
        says(r#"{"name":"a","plugins":[{"type":"x"},{"ipam":{}}]}"#),
        "failed to parse plugin config 1: error parsing configuration: missing 'type'"
    );
    assert_eq!(
        says(r#"{"name":"a","plugins":[{"type":"x","capabilities":{"portMappings":"true"}}]}"#),
        "failed to parse plugin config 0: error parsing configuration: json: cannot unmarshal \
         string into Go struct field"
    );
    assert_eq!(says("{} }"), "invalid character '}'");
    let fault = list("{\"name\": \"a\",\n  \"b\": x}").unwrap_err();
    assert_eq!(fault.to_string(), "it is not JSON: line 2, byte 8 ('x')");
    let mark = list("\u{feff}{}").unwrap_err();
    assert_eq!(
        mark.to_string(),
        "it is not JSON: line 1, byte 1 (a byte order mark)"
    );
    // A list that is not named so is taken for one plugin.
    let single = List::parse_single(GOOD.as_bytes()).unwrap_err();
    assert_eq!(single.says(), "error parsing configuration: missing 'type'");
    assert!(single.to_string().contains(".conflist"), "{single}");
}

#[test]
fn go_is_lenient_here() {
    // Where Go decodes into a structure, the case of keys does not matter; UTF-8 is not asked for.
    let text = b"{\"name\":\"a\",\"x\":\"\xff\",\"plugins\":[{\"TYPE\":\"bridge\"}]}";
    assert_eq!(
        List::parse(text).unwrap().plugins.unwrap()[0].kind,
        "bridge"
    );
    assert_eq!(list(r#"{"name":"a"}"#).unwrap().plugins, None);
    let quoted = list(r#"{"name":"a","disableCheck":"TRUE","plugins":[{"type":"b"}]}"#).unwrap();
    assert!(quoted.has_quoted_bool);
    let single = List::parse_single(br#"{"name":"n","type":"bridge"}"#).unwrap();
    assert_eq!(single.name, "n");
    let many = r#"{"name":"a","cniVersion":"0.3.1","cniVersions":["1.0.0","9.0.0","0.4.0"]}"#;
    assert_eq!(list(many).unwrap().version, "1.0.0");
}

#[test]
fn ranges_are_refused_as_host_local_does() {
    let says = |ipam: &str| {
        let text = format!(
            r#"{{"name":"a","plugins":[{{"type":"b","ipam":{{"type":"host-local"{ipam}}}}}]}}"#
        );
        let plugins = list(&text).unwrap().plugins.unwrap();
        plugins[0]
            .ipam
            .as_ref()
            .unwrap()
            .ranges
            .clone()
            .unwrap_err()
    };
    assert_eq!(says(""), "no IP ranges specified");
    assert_eq!(
        says(r#","ranges":[[{"subnet":"10.88.0.5/24"}]]"#),
        "invalid range set 0: Network has host bits set. For a subnet mask of length 24 the \
         network address is 10.88.0.0"
    );
    assert_eq!(
        says(r#","subnet":"10.88.0.0/31""#),
        "invalid range set 0: Network 10.88.0.0/31 too small to allocate from"
    );
    assert_eq!(
        says(r#","ranges":[[]]"#),
        "invalid range set 0: empty range set"
    );
    assert_eq!(
        says(r#","ranges":[[{"subnet":"10.0.0.0/24"}],[{"subnet":"10.0.0.0/25"}]]"#),
        "range set 0 overlaps with 1"
    );
    assert_eq!(
        says(r#","subnet":"10.0.0.0/24","rangeStart":"10.0.1.5""#),
        "invalid range set 0: RangeStart 10.0.1.5 not in network 10.0.0.0/24"
    );
    assert_eq!(
        says(r#","subnet":"10.0.0.0""#),
        "invalid CIDR address: 10.0.0.0"
    );
}

#[test]
fn leases_have_holders_or_none() {
    let holder = |bytes: &[u8]| Holder::parse(bytes);
    let id = "ab".repeat(32);
    let Holder::Container {
        id: found,
        interface,
    } = holder(format!("{id}\r\neth0").as_bytes())
    else {
        panic!()
    };
    assert_eq!(
        (found.to_string(), interface.unwrap().to_string()),
        (id.clone(), "eth0".into())
    );
    assert!(holder(id.as_bytes()).container().is_some());
    assert!(holder(b"default-web\r\neth0").container().is_some());
    assert_eq!(holder(b""), Holder::Nobody);
    assert_eq!(holder(b"\r\n"), Holder::Nobody);
    for garbage in [
        &b"\0\0\0\0"[..],
        b"{\"a\":1}",
        b"../x\r\neth0",
        b"a\r\nb\r\nc",
        b"a b",
    ] {
        assert_eq!(holder(garbage), Holder::Garbage, "{garbage:?}");
    }
    assert!(cni::is_lease(b"10.88.0.2").is_some());
    assert!(cni::is_lease(b"fd00:88::2").is_some());
    for other in [
        &b"lock"[..],
        b"last_reserved_ip.0",
        b"010.88.0.2",
        b"\xff",
        b"",
    ] {
        assert!(cni::is_lease(other).is_none(), "{other:?}");
    }
}

#[test]
fn what_real_nodes_hold_is_read_whole() {
    let mut files = (0, 0, 0);
    for name in testcase::nodes() {
        let tar = testcase::node(&name);
        for member in tar.members.iter().filter(|member| !member.data.is_empty()) {
            let path = String::from_utf8_lossy(&member.path).into_owned();
            if path.ends_with(".conflist") {
                let list = List::parse(&member.data).unwrap();
                assert!(
                    list.plugins.unwrap()[0]
                        .ipam
                        .as_ref()
                        .unwrap()
                        .ranges
                        .is_ok()
                );
                files.0 += 1;
            } else if path.starts_with("var/lib/cni/results/") {
                let answer = Attachment::parse(&member.data).unwrap();
                assert!(
                    path.contains(&answer.container.unwrap().to_string()),
                    "{path}"
                );
                assert!(answer.pod.unwrap().0 == *"apps", "{path}");
                let netns = answer.netns.unwrap().to_string();
                assert!(netns.contains("/netns/cni-"), "{path}: {netns}");
                assert!(!answer.addresses.is_empty(), "{path}");
                files.1 += 1;
            } else if path.starts_with("var/lib/cni/networks/pods/")
                && let Some(address) = cni::is_lease(path.rsplit('/').next().unwrap().as_bytes())
            {
                assert!(matches!(address, IpAddr::V4(_) | IpAddr::V6(_)));
                assert!(Holder::parse(&member.data).container().is_some(), "{path}");
                files.2 += 1;
            }
        }
    }
    assert!(files.0 >= 18 && files.1 >= 36 && files.2 >= 36, "{files:?}");
}

#[test]
fn results_are_refused_for_what_they_are() {
    assert_eq!(Attachment::parse(b""), Err(BadAttachment::Empty));
    assert_eq!(Attachment::parse(b"{\"kind\":"), Err(BadAttachment::Json));
    assert_eq!(Attachment::parse(b"[]"), Err(BadAttachment::Json));
    assert_eq!(Attachment::parse(b"{}"), Err(BadAttachment::Kind));
    let old = br#"{"cniVersion":"0.2.0","ip4":{"ip":"10.1.0.2/16"}}"#;
    assert_eq!(Attachment::parse(old).unwrap().addresses.len(), 1);
}

#[test]
fn nothing_panics_on_any_prefix() {
    for end in 0..GOOD.len() {
        let cut = &GOOD.as_bytes()[..end];
        assert!(List::parse(cut).is_err());
        assert!(List::parse_single(cut).is_err());
        let _ = Attachment::parse(cut);
        let _ = Holder::parse(cut);
    }
    let deep = "[".repeat(1_000_000);
    assert!(List::parse(deep.as_bytes()).is_err());
    assert!(Attachment::parse(deep.as_bytes()).is_err());
}
