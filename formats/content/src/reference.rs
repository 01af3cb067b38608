//! Names of images, completed as the CRI completes them before it looks for one.
//!
//! `github.com/distribution/reference`, `ParseDockerRef`: `pause` is `docker.io/library/pause:latest`,
//! `index.docker.io/rancher/pause:3.5` is `docker.io/rancher/pause:3.5`; of a tag and a digest, the
//! digest stays.

/// The whole name, or nothing where it is none.
pub fn normal_name(name: &str) -> Option<String> {
    let bad = |byte: u8| byte <= b' ' || byte >= 0x7f;
    if name.is_empty() || name.len() > 4096 || name.bytes().any(bad) {
        return None;
    }
    let (rest, digest) = match name.split_once('@') {
        Some((rest, digest)) => (rest, Some(digest)),
        None => (name, None),
    };
    let (domain, rest) = match rest.split_once('/') {
        Some((first, rest)) if is_domain(first) => (first, rest),
        _ => ("docker.io", rest),
    };
    let domain = if domain == "index.docker.io" {
        "docker.io"
    } else {
        domain
    };
    // A colon before the last slash is a port's.
    let last = rest.rfind('/').map_or(0, |at| at.saturating_add(1));
    let tag = rest.get(last..)?.find(':');
    let (path, tag) = match tag.map(|at| at.saturating_add(last)) {
        Some(at) => (rest.get(..at)?, rest.get(at.saturating_add(1)..)),
        None => (rest, None),
    };
    if path.is_empty() || path.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return None;
    }
    let library = if domain == "docker.io" && !path.contains('/') {
        "library/"
    } else {
        ""
    };
    let end = match (digest, tag) {
        (Some(digest), _) => format!("@{digest}"),
        (None, Some(tag)) => format!(":{tag}"),
        (None, None) => ":latest".to_owned(),
    };
    Some(format!("{domain}/{library}{path}{end}"))
}

/// Whether what stands before the first slash is a registry.
fn is_domain(first: &str) -> bool {
    first.contains(['.', ':'])
        || first == "localhost"
        || first.bytes().any(|byte| byte.is_ascii_uppercase())
}

#[cfg(test)]
mod tests {
    use super::normal_name;

    #[test]
    fn names_are_completed() {
        for (name, want) in [
            ("pause", Some("docker.io/library/pause:latest")),
            ("pause:3.5", Some("docker.io/library/pause:3.5")),
            ("rancher/pause:3.5", Some("docker.io/rancher/pause:3.5")),
            (
                "index.docker.io/rancher/pause:3.5",
                Some("docker.io/rancher/pause:3.5"),
            ),
            ("docker.io/pause", Some("docker.io/library/pause:latest")),
            (
                "docker.io/library/pause:3.5",
                Some("docker.io/library/pause:3.5"),
            ),
            (
                "registry.k8s.io/pause:3.9",
                Some("registry.k8s.io/pause:3.9"),
            ),
            ("localhost/pause", Some("localhost/pause:latest")),
            ("localhost:5000/a/b", Some("localhost:5000/a/b:latest")),
            ("r.io/a:1@sha256:ab", Some("r.io/a@sha256:ab")),
            ("", None),
            ("r.io/UP:1", None),
            ("r.io/", None),
            ("a b", None),
        ] {
            assert_eq!(normal_name(name).as_deref(), want, "{name}");
        }
    }
}
