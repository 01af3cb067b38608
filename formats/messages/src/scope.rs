//! A line without the names in it: a pod, an image or a volume may be called as a program is, and tells nothing of who speaks.

use std::sync::LazyLock;

use regex::Regex;

/// What a name stands after, and the name.
const NAMES: &str = r#"(?x)
    ( \b(?:images?|reference|pods?|sandbox|container|volume|secret|configmap|namespace|node|repository|claim|snapshot|name|task|for)
        \ \\*["'`]
    | \b(?:pod|podname|image|container|containername|containerid|podid|id|name|volumename|hostname|node|dev|comm|exe|scontext|tcontext|ifname|interface|device|bridge|link)=\\*["']?
    | \b(?:name|namespace|uid):
    | \b(?:pod|deployment|daemonset|replicaset)/
    | \b(?:matche?s?|matching|pattern|regexp?|expression|grep)\ \\*["'`]
    | \btrying\ to\ pull\ repository\ 
    | ^(?:\d{1,2}月|[A-Za-z\u{c0}-\u{24f}\u{400}-\u{4ff}]{3,5}\.?)\ +\d{1,2}\ [\d:.]{8,15}\ 
    | /v2/ )
    ( [^\s"'\\`,}]+ )
"#;

static PATTERN: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(NAMES).ok());

/// A line in lower case.
#[derive(Debug)]
pub(crate) struct Line {
    /// All of it.
    pub(crate) whole: String,
    /// Without names.
    pub(crate) bare: String,
}

impl Line {
    pub(crate) fn from_whole(whole: String) -> Self {
        let bare = match PATTERN.as_ref() {
            Some(names) => names.replace_all(&whole, without_name).into_owned(),
            None => whole.clone(),
        };
        Self { whole, bare }
    }
}

/// What stands before a name. `/v2/` is a registry's only where an image's parts follow, or nothing: others have a second version, too.
fn without_name(found: &regex::Captures<'_>) -> String {
    const PARTS: &[&str] = &["manifests/", "blobs/", "tags/", "_catalog", "referrers/"];
    let group = |number| {
        found
            .get(number)
            .map_or("", |group: regex::Match<'_>| group.as_str())
    };
    let (before, name) = (group(1), group(2));
    // The node's name in the journal's head; where there is none, its program.
    if before.ends_with(' ') && before.contains(':') && name.ends_with(':') {
        return format!("{before}{name}");
    }
    let is_registrys = name.starts_with([':', '.']) || PARTS.iter().any(|part| name.contains(part));
    if before == "/v2/" && !is_registrys {
        return "/v2-of-another/".to_owned();
    }
    before.to_owned()
}

/// Whether `line`, in lower case, has every word of `mark`.
pub(crate) fn has(line: &str, mark: &str) -> bool {
    mark.split('&').all(|word| line.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_nothing() {
        for (line, bare) in [
            (
                r#"failed to pull image "nvcr.io/nvidia/gpu:1": eof"#,
                r#"failed to pull image "": eof"#,
            ),
            (
                "may 08 13:46:37 kubernetes-a kubelet[1]: x",
                "may 08 13:46:37  kubelet[1]: x",
            ),
            ("may 08 13:46:37 kubelet: x", "may 08 13:46:37 kubelet: x"),
            (r#"err="x" pod="kube-system/nvidia-a""#, r#"err="x" pod="""#),
            (
                r#"err=\"x\" pod=\"kube-system/nvidia-a\" y"#,
                r#"err=\"x\" pod=\"\" y"#,
            ),
            (
                "&podsandboxmetadata{name:calico-a,namespace:calico,attempt:0,}",
                "&podsandboxmetadata{name:,namespace:,attempt:0,}",
            ),
            (
                "get https://r.io/v2/etcd/manifests/1: 401",
                "get https://r.io/v2/ 401",
            ),
            (
                "get https://nova:8774/v2/40c28c/flavors/detail: x509: expired",
                "get https://nova:8774/v2-of-another/ x509: expired",
            ),
            (
                r#"exec: "nvidia-container-runtime": not found"#,
                r#"exec: "nvidia-container-runtime": not found"#,
            ),
            (
                r#"plugin type="calico" name="k8s" failed (add)"#,
                r#"plugin type="calico" name="" failed (add)"#,
            ),
        ] {
            assert_eq!(Line::from_whole(line.to_owned()).bare, bare);
        }
        assert!(has("a cat and a dog", "cat&dog"));
    }
}
