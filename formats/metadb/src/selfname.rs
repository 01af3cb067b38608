//! What an object says of its own name.

use finding::Text;
use serde_json::Value;

use crate::carved::ObjectKind;

/// Whether a kind of object always says its name, and says it right.
pub(crate) const fn is_sure(kind: ObjectKind) -> bool {
    matches!(kind, ObjectKind::Snapshot)
}

/// The namespace and the name that `record` says, as far as it says them.
pub(crate) fn name_in_record(kind: ObjectKind, record: &Value) -> Option<(Option<Text>, Text)> {
    match kind {
        ObjectKind::Snapshot => backend_name(record.get("name")?.as_str()?),
        ObjectKind::Ingest => backend_name(record.get("backend")?.as_str()?),
        ObjectKind::Container => container(record),
        ObjectKind::Sandbox => cri_id(record),
        // What an image's annotations call it is the name under which it came, not its tag.
        ObjectKind::Image
        | ObjectKind::Namespace
        | ObjectKind::Backend
        | ObjectKind::Blob
        | ObjectKind::Lease => None,
    }
}

/// `<namespace>/<N>/<key>`: how meta.db calls snapshots and ingests towards their stores.
pub(crate) fn backend_name(name: &str) -> Option<(Option<Text>, Text)> {
    let (namespace, rest) = name.split_once('/')?;
    let (number, key) = rest.split_once('/')?;
    let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    (is_number && !key.is_empty()).then(|| (Some(Text::from(namespace)), Text::from(key)))
}

/// The CRI's record of a pod or of a container of one, in an extension.
fn cri_id(record: &Value) -> Option<(Option<Text>, Text)> {
    let extensions = record.get("extensions")?.as_object()?;
    let id = extensions
        .values()
        .find_map(|extension| extension.pointer("/json/Metadata/ID")?.as_str())?;
    let namespace = Text::from("k8s.io");
    (!id.is_empty()).then(|| (Some(namespace), Text::from(id)))
}

/// A container's id: in the CRI's record, else the end of its cgroup's path.
fn container(record: &Value) -> Option<(Option<Text>, Text)> {
    cri_id(record).or_else(|| {
        let path = record.pointer("/spec/json/linux/cgroupsPath")?.as_str()?;
        // systemd's way of writing it: slice:prefix:name
        if let Some((_, name)) = path.rsplit_once(':') {
            return Some((None, Text::from(name)));
        }
        let (above, name) = path.rsplit_once('/')?;
        let namespace = above.rsplit('/').next().filter(|name| !name.is_empty());
        let is_kubernetes = above.contains("kubepods");
        let namespace = namespace.filter(|_| !is_kubernetes).map(Text::from);
        (!name.is_empty()).then(|| (namespace, Text::from(name)))
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn name(kind: ObjectKind, record: &Value) -> Option<(Option<String>, String)> {
        name_in_record(kind, record).map(|(namespace, name)| {
            let namespace = namespace.map(|namespace| namespace.to_string());
            (namespace, name.to_string())
        })
    }

    #[test]
    fn objects_say_their_names() {
        let snapshot = json!({"name": "default/12/sha256:ab/c"});
        assert_eq!(
            name(ObjectKind::Snapshot, &snapshot),
            Some((Some("default".to_owned()), "sha256:ab/c".to_owned()))
        );
        assert_eq!(name(ObjectKind::Snapshot, &json!({"name": "x/y/z"})), None);
        let spec = |path: &str| json!({"spec": {"json": {"linux": {"cgroupsPath": path}}}});
        assert_eq!(
            name(ObjectKind::Container, &spec("/default/web")),
            Some((Some("default".to_owned()), "web".to_owned()))
        );
        assert_eq!(
            name(
                ObjectKind::Container,
                &spec("kubepods.slice:cri-containerd:abc")
            ),
            Some((None, "abc".to_owned()))
        );
        let cri = json!({"extensions": {"x": {"json": {"Metadata": {"ID": "0123"}}}}});
        assert_eq!(
            name(ObjectKind::Container, &cri),
            Some((Some("k8s.io".to_owned()), "0123".to_owned()))
        );
    }
}
