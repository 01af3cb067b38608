//! Names of images, from every form in which they are given.

#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test may fail, and reads what it wrote"
)]

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use cli::{Exit, try_run};
use coroner_repair::TOOL;
use repair::Tree;
use serde_json::{Value, json};

const META: &str = "var/lib/containerd/io.containerd.metadata.v1.bolt/meta.db";
const BLOBS: &str = "var/lib/containerd/io.containerd.content.v1.content/blobs/sha256";

fn run(words: &[&OsStr]) -> (String, Exit) {
    let head = [OsStr::new("repair")];
    try_run(&TOOL, head.iter().chain(words).copied())
}

/// Names of images with their digests, as meta.db has them; names by digest left out.
fn images(node: &Path) -> BTreeSet<(String, String)> {
    let tree = Tree::of_bytes(&fs::read(node.join(META)).unwrap()).unwrap();
    let mut found = BTreeSet::new();
    for (_, space) in tree.at(&["v1"]).unwrap().buckets() {
        for (name, image) in space.at(&["images"]).into_iter().flat_map(Tree::buckets) {
            let digest = image.at(&["target"]).unwrap().value("digest").unwrap();
            let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
            found.insert((text(name), text(digest)));
        }
    }
    found.retain(|(name, _)| !name.contains('@') && !name.starts_with("sha256:"));
    assert!(found.len() > 4, "{found:?}");
    found
}

/// The digest of an image's configuration.
fn config(node: &Path, digest: &str) -> String {
    let blob = |digest: &str| -> Value {
        let hex = digest.split_once(':').unwrap().1;
        serde_json::from_slice(&fs::read(node.join(BLOBS).join(hex)).unwrap()).unwrap()
    };
    let document = blob(digest);
    let manifest = match document.get("manifests").and_then(Value::as_array) {
        Some(inner) => {
            let first = inner.first().and_then(|one| one.get("digest"));
            blob(first.and_then(Value::as_str).unwrap())
        }
        None => document,
    };
    let digest = manifest.pointer("/config/digest");
    digest.and_then(Value::as_str).unwrap().to_owned()
}

/// The images in every form: a file or a folder of each.
fn forms(node: &Path, at: &Path) -> Vec<PathBuf> {
    let all = images(node);
    let by_digest =
        |name: &str, digest: &str| format!("{}@{digest}", name.rsplit_once(':').unwrap().0);
    let list = |of: &dyn Fn(&str, &str) -> Value| -> Vec<Value> {
        all.iter().map(|(name, digest)| of(name, digest)).collect()
    };
    let nodes =
        list(&|name, digest| json!({"names": [by_digest(name, digest), name], "sizeBytes": 1}));
    let pods = list(
        &|name, digest| json!({"name": "web", "image": name, "imageID": by_digest(name, digest)}),
    );
    let crictl = list(
        &|name, digest| json!({"id": config(node, digest), "repoTags": [name], "repoDigests": [by_digest(name, digest)]}),
    );
    let rows = list(
        &|name, digest| json!({"key": name, "namespace": "default", "target": {"digest": digest}}),
    );
    let saved = list(&|name, digest| {
        let config = config(node, digest);
        json!({"Config": format!("{}.json", &config[7..]), "RepoTags": [name], "Layers": []})
    });
    let layout = list(&|name, digest| {
        json!({"mediaType": "x", "digest": digest, "size": 1, "annotations": {
            "io.containerd.image.name": name, "org.opencontainers.image.ref.name": "1"}})
    });
    let mut found = Vec::new();
    let mut write = |name: &str, bytes: &[u8]| {
        fs::create_dir_all(at.join(name).parent().unwrap()).unwrap();
        fs::write(at.join(name), bytes).unwrap();
        found.push(at.join(name));
    };
    for (name, json) in [
        (
            "nodes.json",
            json!({"items": [{"status": {"images": nodes}}]}),
        ),
        (
            "pods.json",
            json!({"items": [{"status": {"containerStatuses": pods}}]}),
        ),
        ("crictl.json", json!({"images": crictl})),
        ("rows.json", json!({"answer": {"rows": rows}})),
    ] {
        write(name, json.to_string().as_bytes());
    }
    let lines: Vec<String> = all
        .iter()
        .map(|(name, digest)| format!("{name} {digest}"))
        .collect();
    write("list", format!("# mine\n{}\n", lines.join("\n")).as_bytes());
    write("copy.db", &fs::read(node.join(META)).unwrap());
    // Archives of images, and an unpacked layout.
    write(
        "saved/manifest.json",
        Value::from(saved).to_string().as_bytes(),
    );
    write(
        "layout/index.json",
        json!({"schemaVersion": 2, "manifests": layout})
            .to_string()
            .as_bytes(),
    );
    write("layout/oci-layout", br#"{"imageLayoutVersion":"1.0.0"}"#);
    found.retain(|path| path.parent() == Some(at));
    found.push(at.join("layout"));
    for (folder, how, name) in [
        ("saved", "-cf", "saved.tar"),
        ("saved", "-czf", "saved.tar.gz"),
        ("layout", "-cf", "layout.tar"),
    ] {
        let mut tar = Command::new("tar");
        let tar = tar
            .arg(how)
            .arg(at.join(name))
            .arg("-C")
            .arg(at.join(folder))
            .arg(".");
        assert!(tar.status().unwrap().success());
        found.push(at.join(name));
    }
    let bundle = at.join("bundle.tar.zst");
    let mut backup = Command::new(env!("CARGO_BIN_EXE_coroner-repair"));
    let backup = backup
        .args(["backup", "-q"])
        .arg(node)
        .arg("-o")
        .arg(&bundle);
    assert!(backup.status().unwrap().success());
    found.push(bundle);
    found
}

#[test]
fn names_come_back_from_every_form() {
    let folder = testcase::node("1.7-stopped").unpacked();
    let node = folder.path();
    let wanted: BTreeSet<String> = images(node).into_iter().map(|(name, _)| name).collect();
    let kept = tempfile::tempdir().unwrap();
    let forms = forms(node, kept.path());
    assert_eq!(forms.len(), 11);
    fs::remove_file(node.join(META)).unwrap();
    for form in forms {
        let words: [&OsStr; 4] = [
            "plan".as_ref(),
            node.as_os_str(),
            "--names-from".as_ref(),
            form.as_os_str(),
        ];
        let (text, _) = run(&words);
        let plan: Value =
            serde_json::from_str(&text).unwrap_or_else(|_| panic!("{}: {text}", form.display()));
        let images = plan["brings_back"]["images"].as_array().unwrap();
        let back = images.iter().filter(|image| !image["from"].is_null());
        let names: BTreeSet<&str> = back.map(|image| image["name"].as_str().unwrap()).collect();
        let lacking: Vec<&String> = wanted
            .iter()
            .filter(|name| !names.contains(name.as_str()))
            .collect();
        assert!(lacking.is_empty(), "{}: {lacking:?}", form.display());
    }
}

#[test]
fn what_names_no_image_is_refused() {
    let folder = testcase::node("1.7-stopped").unpacked();
    let node = folder.path();
    let kept = tempfile::tempdir().unwrap();
    let at = |name: &str, bytes: &[u8]| {
        fs::write(kept.path().join(name), bytes).unwrap();
        kept.path().join(name)
    };
    fs::create_dir(kept.path().join("empty")).unwrap();
    let mut tar = Command::new("tar");
    let tar = tar
        .arg("-cf")
        .arg(kept.path().join("empty.tar"))
        .arg("-C")
        .arg(kept.path())
        .arg("empty");
    assert!(tar.status().unwrap().success());
    let all = [
        (
            at("a.json", b"{}"),
            "no name of an image with its digest is in it",
        ),
        (
            at("b.json", br#"{"items":[{"metadata":{"name":"node-1"}}]}"#),
            "no name of an image with its digest is in it",
        ),
        (
            at("c.json", br#"{"images":[{"repoTags":["a:1"]}]}"#),
            "no name of an image with its digest is in it",
        ),
        (at("list", b"nginx:1\n"), "line 1: wanted NAME and DIGEST"),
        (kept.path().join("empty"), "it is a folder without a copy"),
        (
            kept.path().join("empty.tar"),
            "it is an archive of neither a node nor images",
        ),
    ];
    for (file, wanted) in all {
        let words: [&OsStr; 4] = [
            "plan".as_ref(),
            node.as_os_str(),
            "--names-from".as_ref(),
            file.as_os_str(),
        ];
        let (text, exit) = run(&words);
        assert_eq!(exit, Exit::USAGE, "{}: {text}", file.display());
        assert!(text.contains(wanted), "{}: {text}", file.display());
    }
}
