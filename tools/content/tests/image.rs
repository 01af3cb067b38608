//! Images of real captures: shown, read and carried out, whole and damaged, with their layers and
//! without.

#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    reason = "a test may fail, and reads what it wrote"
)]

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use cli::Exit;
use content::Digest;
use coroner_content::TOOL;
use layer::{Entry, Kind, Layer, Limits, Watch};
use serde_json::Value;
use testcase::Tar;

/// Releases whose captures are looked at.
const RELEASES: [&str; 3] = ["1.6", "1.7", "2.1"];
const IMAGES: [&str; 5] = ["base", "app", "odd", "packed", "multi"];
const BLOBS: &str = "var/lib/containerd/io.containerd.content.v1.content/blobs/sha256";

fn capture(name: &str) -> OsString {
    let nodes = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/nodes");
    nodes.join(name).join("node.tar.zst").into()
}

/// A capture with damage in it, as a tar.
fn damaged(name: &str, damage: impl FnOnce(&mut Tar)) -> (tempfile::TempDir, OsString) {
    let mut node = testcase::node(name);
    damage(&mut node);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("node.tar");
    fs::write(&path, node.write()).unwrap();
    (folder, path.into())
}

fn run(verb: &str, node: &OsString, args: &[&str]) -> (String, Exit) {
    let mut words: Vec<OsString> = vec!["content".into(), verb.into(), node.clone()];
    words.extend(args.iter().map(OsString::from));
    words.push("--quiet".into());
    cli::try_run(&TOOL, words)
}

fn json(verb: &str, node: &OsString, args: &[&str]) -> (Value, Exit) {
    let (text, exit) = run(verb, node, &[args, &["--format", "json"]].concat());
    let json: Value = serde_json::from_str(&text).unwrap();
    (json["answer"].clone(), exit)
}

/// The layers of `app` of every capture: the first is `base`'s.
const LAYER: &str = "f88f45de1714f445a87aa1e4b561c6c3c2d4b9d681af073ac9463c41a5f2c119";

#[test]
fn a_graph_says_what_is_there() {
    for release in RELEASES {
        let node = capture(&format!("{release}-stopped"));
        let (text, exit) = run("graph", &node, &["images.example/multi:1"]);
        assert_eq!(exit, Exit::CLEAN, "{text}");
        for words in [
            "index  sha256:ebcddb430168",
            "├── manifest  sha256:033cc6524d8b  linux/amd64",
            "│   ├── config  ",
            "└── manifest  sha256:f69162950f23  linux/arm64  612 B  not pulled",
            "5 of 6 blobs are there",
        ] {
            assert!(text.contains(words), "{words}: {text}");
        }
        let (json, _) = json("graph", &node, &["images.example/multi:1", "--hash"]);
        let blobs = json["blobs"].as_array().unwrap();
        assert_eq!(blobs.len(), 6);
        let layer = blobs.iter().find(|blob| blob["kind"] == "layer").unwrap();
        assert_eq!(layer["digest"], format!("sha256:{LAYER}"));
        assert_eq!(layer["hashed"], true);
        assert!(
            layer["unpacked"]
                .as_array()
                .unwrap()
                .contains(&"overlayfs".into())
        );
        assert!(!layer["shared_with"].as_array().unwrap().is_empty());
        let (dot, _) = run("graph", &node, &["images.example/multi:1", "--dot"]);
        assert!(
            dot.starts_with("digraph image {") && dot.ends_with("}\n"),
            "{dot}"
        );
        assert_eq!(dot.matches(" -> ").count(), 6, "{dot}");
        // Its layers were dropped by design.
        let node = capture(&format!("{release}-discarded"));
        let (text, exit) = run("graph", &node, &["images.example/app:1"]);
        assert_eq!(exit, Exit::CLEAN, "{text}");
        assert_eq!(
            text.matches("discarded  unpacked in overlayfs").count(),
            2,
            "{text}"
        );
    }
}

#[test]
fn damage_in_a_graph_is_found() {
    let (_kept, node) = damaged("1.7-stopped", |node| {
        node.remove(&format!("{BLOBS}/{LAYER}"));
    });
    // meta.db has the record of the blob: that it is gone is damage, unpacked or not.
    let (text, exit) = run("graph", &node, &["default/images.example/app:1"]);
    assert_eq!(exit, Exit::FINDINGS, "{text}");
    let (_kept, node) = damaged("1.7-stopped", |node| {
        let config = "208e68916baa33cb5269fba41874f600e0182f3aa4a70d03c4018b186fcf4320";
        node.remove(&format!("{BLOBS}/{config}"));
        let blob = node.member(&format!("{BLOBS}/{LAYER}"));
        blob.data[100] ^= 1;
    });
    let (text, exit) = run("graph", &node, &["default/images.example/app:1", "--hash"]);
    assert_eq!(exit, Exit::FINDINGS, "{text}");
    assert!(
        text.contains("config  sha256:208e68916baa  479 B  MISSING"),
        "{text}"
    );
    assert!(text.contains("ALTERED"), "{text}");
}

#[test]
fn a_blob_is_written_as_it_lies_there() {
    for release in RELEASES {
        let node = capture(&format!("{release}-stopped"));
        let (text, exit) = run("cat", &node, &["default/images.example/app:1"]);
        assert_eq!(exit, Exit::CLEAN);
        let digest = Digest::sha256_of(text.as_bytes());
        assert_eq!(digest.short(), "sha256:a829dfa48ac9");
        // By the beginning of its digest, in both ways to write it.
        for name in ["a829dfa48ac9", "sha256:a829df", digest.as_str()] {
            assert_eq!(
                run("cat", &node, &[name]),
                (text.clone(), Exit::CLEAN),
                "{name}"
            );
        }
        let (pretty, exit) = run("cat", &node, &["a829dfa48ac9", "--pretty"]);
        assert_eq!(exit, Exit::CLEAN);
        assert!(pretty.lines().count() > 20, "{pretty}");
        let same = |text: &str| serde_json::from_str::<Value>(text).unwrap();
        assert_eq!(same(&pretty), same(&text));
        let (json, _) = json("cat", &node, &["a829dfa48ac9"]);
        assert_eq!(
            (&json["kind"], &json["document"]),
            (&"manifest".into(), &same(&text))
        );
    }
    let node = capture("1.7-stopped");
    for (name, exit) in [("nothing:1", Exit::USAGE), ("ffffff", Exit::USAGE)] {
        assert_eq!(run("cat", &node, &[name]).1, exit, "{name}");
    }
    let (_, exit) = run("cat", &node, &["f69162950f23"]);
    assert_eq!(exit, Exit::UNREAD);
    let (_kept, altered) = damaged("1.7-stopped", |node| {
        let manifest = "a829dfa48ac9564d90b6cd2e87f515cb5fac938bad7296a430437eb43009d2da";
        let blob = node.member(&format!("{BLOBS}/{manifest}"));
        let last = blob.data.len() - 5;
        blob.data[last] ^= 1;
    });
    let (_, exit) = run("cat", &altered, &["a829dfa48ac9"]);
    assert_eq!(exit, Exit::FINDINGS);
}

#[test]
fn a_file_of_an_image_is_what_the_container_would_see() {
    for release in RELEASES {
        let node = capture(&format!("{release}-stopped"));
        let file = |path: &str| {
            let name = format!("default/images.example/app:1:{path}");
            run("cat", &node, &[&name])
        };
        let changed = ("changed = by a layer\n".to_owned(), Exit::CLEAN);
        // By its name, by a relative link of the layer below, and by an absolute one.
        for path in [
            "/etc/app.conf",
            "/etc/relative",
            "/etc/absolute",
            "/opt/../etc/app.conf",
        ] {
            assert_eq!(file(path), changed, "{path}");
        }
        let payload = file("/opt/app/payload");
        assert_eq!((payload.0.len(), payload.1), (8, Exit::CLEAN));
        // A hard link, a symbolic one.
        assert_eq!(file("/opt/app/payload-again"), payload);
        assert_eq!(file("/opt/app/link"), payload);
        assert_eq!(file("/srv/keep/file").1, Exit::CLEAN);
        // Whited out; hidden by an opaque directory; dangling; a directory; never there.
        for path in [
            "/etc/gone",
            "/var/hidden/one",
            "/etc/dangling",
            "/etc",
            "/nothing",
        ] {
            let (text, exit) = file(path);
            assert_eq!(exit, Exit::UNREAD, "{path}");
            assert!(text.starts_with("coroner: /"), "{text}");
        }
        assert_eq!(file("/var/hidden/three").1, Exit::CLEAN);
    }
    // Without its layer it is not known, and not called absent.
    let node = capture("2.1-discarded");
    assert_eq!(
        run("cat", &node, &["images.example/app:1:/etc/app.conf"]).1,
        Exit::UNREAD
    );
}

/// An archive, read by the tests' own reader: files by name.
fn files(archive: &Path) -> BTreeMap<String, Vec<u8>> {
    let tar = Tar::read_tar(&fs::read(archive).unwrap());
    let members = tar.members.into_iter();
    members
        .map(|member| (String::from_utf8(member.path).unwrap(), member.data))
        .collect()
}

/// Follows every link of a layout, and compares digests and sizes. Gives the manifests.
fn closed(files: &BTreeMap<String, Vec<u8>>) -> Vec<Value> {
    let index: Value = serde_json::from_slice(&files["index.json"]).unwrap();
    let mut todo: Vec<Value> = index["manifests"].as_array().unwrap().clone();
    let mut manifests = Vec::new();
    let mut seen = 2;
    while let Some(descriptor) = todo.pop() {
        let digest = Digest::parse(descriptor["digest"].as_str().unwrap()).unwrap();
        let blob = &files[&format!("blobs/sha256/{}", digest.hex())];
        assert_eq!(Digest::sha256_of(blob), digest);
        assert_eq!(descriptor["size"], blob.len());
        seen += 1;
        let media_type = descriptor["mediaType"].as_str().unwrap();
        if media_type.contains("manifest.v1+json") || media_type.contains("index") {
            let document: Value = serde_json::from_slice(blob).unwrap();
            for key in ["manifests", "layers"] {
                todo.extend(document[key].as_array().into_iter().flatten().cloned());
            }
            if document["config"].is_object() {
                todo.push(document["config"].clone());
                manifests.push(document);
            }
        }
    }
    assert_eq!(files["oci-layout"], br#"{"imageLayoutVersion":"1.0.0"}"#);
    assert!(seen <= files.len(), "{seen}");
    manifests
}

/// The diffIDs of a configuration are those of the layers.
fn inflates(files: &BTreeMap<String, Vec<u8>>, manifest: &Value) {
    let hex = |value: &Value| value.as_str().unwrap().replace(':', "/");
    let config = &files[&format!("blobs/{}", hex(&manifest["config"]["digest"]))];
    let config: Value = serde_json::from_slice(config).unwrap();
    let diff_ids = config["rootfs"]["diff_ids"].as_array().unwrap();
    let layers = manifest["layers"].as_array().unwrap();
    assert_eq!(diff_ids.len(), layers.len());
    for (layer, diff_id) in layers.iter().zip(diff_ids) {
        let blob = &files[&format!("blobs/{}", hex(&layer["digest"]))];
        let layer = Layer::open(blob.as_slice(), Limits::default(), Watch::default());
        let summary = layer.finish();
        assert_eq!(summary.faults, []);
        assert_eq!(
            summary.diff_id().unwrap().as_str(),
            diff_id.as_str().unwrap()
        );
    }
}

#[test]
fn images_are_carried_out_as_they_are() {
    let folder = tempfile::tempdir().unwrap();
    for release in RELEASES {
        let node = capture(&format!("{release}-stopped"));
        for image in IMAGES {
            let name = format!("default/images.example/{image}:1");
            let path = folder.path().join(format!("{release}-{image}.tar"));
            let to = path.to_str().unwrap();
            let (json, exit) = json("export", &node, &[&name, "-o", to]);
            assert_eq!(exit, Exit::CLEAN, "{json}");
            let bytes = fs::read(&path).unwrap();
            assert_eq!(json["sha256"], Digest::sha256_of(&bytes).hex());
            assert_eq!(
                (&json["form"], &json["size"]),
                (&"oci-archive".into(), &bytes.len().into())
            );
            let files = files(&path);
            assert_eq!(json["files"].as_array().unwrap().len(), files.len());
            let manifests = closed(&files);
            assert_eq!(manifests.len(), 1, "{image}");
            inflates(&files, &manifests[0]);
            let multi = image == "multi";
            assert_eq!(
                json["left_out"].as_array().unwrap().len(),
                usize::from(multi)
            );
            // As it lies in the store, to the byte: signatures still hold.
            assert!(json["rebuilt"].as_array().unwrap().is_empty());
            let rewritten = |file: &&Value| file["from"] == "rewritten";
            assert_eq!(
                json["files"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .filter(rewritten)
                    .count(),
                0
            );
            // The same bytes each time.
            let again = folder.path().join(format!("{release}-{image}-again.tar"));
            run("export", &node, &[&name, "-o", again.to_str().unwrap()]);
            assert!(fs::read(&again).unwrap() == bytes);
        }
    }
}

#[test]
fn a_directory_holds_what_an_archive_holds() {
    let node = capture("1.7-stopped");
    let folder = tempfile::tempdir().unwrap();
    let (layout, archive) = (folder.path().join("layout"), folder.path().join("odd.tar"));
    let list = folder.path().join("odd.json");
    let name = "default/images.example/odd:1";
    let list_to = list.to_str().unwrap();
    let to = ["--layout", layout.to_str().unwrap(), "--manifest", list_to];
    let (_, exit) = run("export", &node, &[&[name], &to[..]].concat());
    assert_eq!(exit, Exit::CLEAN);
    run("export", &node, &[name, "-o", archive.to_str().unwrap()]);
    let mut held = files(&archive);
    held.remove("manifest.json");
    let list: Value = serde_json::from_slice(&fs::read(list).unwrap()).unwrap();
    let listed = list["files"].as_array().unwrap();
    assert_eq!(listed.len(), held.len());
    for file in listed {
        let path = file["path"].as_str().unwrap();
        let bytes = fs::read(layout.join(path)).unwrap();
        assert_eq!(held.get(path), Some(&bytes), "{path}");
        assert_eq!(file["sha256"], Digest::sha256_of(&bytes).hex());
    }
}

#[test]
fn a_docker_archive_holds_inflated_layers() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("packed.tar");
    let to = path.to_str().unwrap();
    let node = capture("2.1-stopped");
    let name = "default/images.example/packed:1";
    let (json, exit) = json("export", &node, &[name, "--archive", "docker", "-o", to]);
    assert_eq!(
        (exit, &json["form"]),
        (Exit::CLEAN, &"docker-archive".into())
    );
    let files = files(&path);
    let manifest: Value = serde_json::from_slice(&files["manifest.json"]).unwrap();
    assert_eq!(manifest[0]["RepoTags"][0], "images.example/packed:1");
    let config = &files[manifest[0]["Config"].as_str().unwrap()];
    let config: Value = serde_json::from_slice(config).unwrap();
    let layers = manifest[0]["Layers"].as_array().unwrap();
    let diff_ids = config["rootfs"]["diff_ids"].as_array().unwrap();
    assert_eq!(layers.len(), diff_ids.len());
    for (layer, diff_id) in layers.iter().zip(diff_ids) {
        let layer = &files[layer.as_str().unwrap()];
        assert_eq!(Digest::sha256_of(layer).as_str(), diff_id.as_str().unwrap());
    }
}

/// What is in a layer: by path, all that a container sees, at the precision of the build's tar.
fn entries(blob: &[u8]) -> BTreeMap<(Vec<u8>, bool), String> {
    let mut layer = Layer::open(blob, Limits::default(), Watch::default());
    let mut all: BTreeMap<(Vec<u8>, bool), String> = BTreeMap::new();
    let mut sums: BTreeMap<Vec<u8>, Option<[u8; 32]>> = BTreeMap::new();
    while let Some(entry) = layer.next_entry() {
        let mut sum = match entry.kind {
            Kind::File => Some(layer.sha256().unwrap()),
            _ => None,
        };
        // Which of its names is the file and which are the links is the order of the tar.
        if let Some(target) = entry.target() {
            sum = sums.get(&target).copied().flatten();
        }
        sums.insert(entry.path.clone(), sum);
        let Entry {
            mode,
            uid,
            gid,
            mtime,
            rdev,
            xattrs,
            ..
        } = entry;
        let mark = matches!(entry.kind, Kind::Whiteout | Kind::Opaque);
        let text = match entry.kind {
            Kind::Whiteout | Kind::Opaque => format!("{:?}", entry.kind),
            Kind::HardLink | Kind::File => format!("file {sum:?} {mode:o} {uid}:{gid} {xattrs:?}"),
            kind => {
                let link = entry.link.map(|link| link.to_string());
                let seconds = mtime.seconds;
                format!("{kind:?} {mode:o} {uid}:{gid} {seconds} {rdev:?} {link:?} {xattrs:?}")
            }
        };
        all.insert((entry.path, mark), text);
    }
    assert_eq!(layer.finish().faults, []);
    // The root has an entry of its own only in what was rebuilt.
    all.remove(&(Vec::new(), false));
    all
}

/// With `discard_unpacked_layers` the blobs are gone. The layers that are rebuilt from the
/// snapshots hold what those of the build hold.
#[test]
fn discarded_layers_are_rebuilt() {
    let folder = tempfile::tempdir().unwrap();
    for release in RELEASES {
        let node = capture(&format!("{release}-discarded"));
        let stopped = testcase::node(&format!("{release}-stopped"));
        for image in ["app", "packed", "odd", "multi"] {
            let path = folder.path().join(format!("{release}-{image}.tar"));
            let to = path.to_str().unwrap();
            let name = format!("images.example/{image}:1");
            let (json, exit) = json("export", &node, &[&name, "-o", to]);
            assert_eq!(exit, Exit::CLEAN, "{json}");
            let rebuilt = json["rebuilt"].as_array().unwrap();
            assert!(rebuilt.len() >= 2, "{json}");
            let files = files(&path);
            let manifests = closed(&files);
            inflates(&files, &manifests[0]);
            let annotations = &manifests[0]["annotations"];
            assert_eq!(annotations["io.github.coroner.rebuilt.layers"], "0,1");
            for one in rebuilt {
                assert!(one["lacks"].as_array().unwrap().is_empty(), "{one}");
                let blob = |name: &str| {
                    let digest = one[name].as_str().unwrap();
                    digest.strip_prefix("sha256:").unwrap().to_owned()
                };
                let mine = &files[&format!("blobs/sha256/{}", blob("digest"))];
                let theirs = stopped.position(&format!("{BLOBS}/{}", blob("wanted")));
                let theirs = &stopped.members[theirs.unwrap()].data;
                let (mine, theirs) = (entries(mine), entries(theirs));
                let lacking = theirs.iter().filter(|(path, _)| !mine.contains_key(path));
                assert_eq!(lacking.count(), 0, "{release} {image}");
                for (path, text) in &mine {
                    // Directories that the layer only passes through have no entry in its tar.
                    if let Some(want) = theirs.get(path) {
                        let shown = String::from_utf8_lossy(&path.0);
                        assert_eq!(text, want, "{release} {image} {shown}");
                    } else {
                        assert!(text.starts_with("Dir"), "{release} {image} {path:?} {text}");
                    }
                }
            }
        }
    }
}

#[test]
fn a_damaged_layer_is_rebuilt_or_said_to_be_lost() {
    let (_kept, node) = damaged("1.7-stopped", |node| {
        node.member(&format!("{BLOBS}/{LAYER}")).data[200] ^= 4;
    });
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.tar");
    let to = path.to_str().unwrap();
    let name = "default/images.example/app:1";
    let (answer, exit) = json("export", &node, &[name, "-o", to]);
    assert_eq!(exit, Exit::CLEAN, "{answer}");
    let rebuilt = answer["rebuilt"].as_array().unwrap();
    assert_eq!(rebuilt.len(), 1);
    assert!(
        rebuilt[0]["why"]
            .as_str()
            .unwrap()
            .starts_with("is altered")
    );
    let manifests = closed(&files(&path));
    assert_eq!(manifests[0]["layers"][1]["size"], 595);
    // Nobody asked for a rebuilt one: then there is none, and nothing that looks like one.
    let path = folder.path().join("blobs.tar");
    let to = path.to_str().unwrap();
    let (_, exit) = run("export", &node, &[name, "--only-blobs", "-o", to]);
    assert_eq!(exit, Exit::UNREAD);
    assert!(!path.exists());
}

#[test]
fn nothing_is_replaced_and_no_link_is_followed() {
    let node = capture("1.7-stopped");
    let folder = tempfile::tempdir().unwrap();
    let name = "default/images.example/app:1";
    let there = folder.path().join("there");
    fs::write(&there, b"precious").unwrap();
    let link = folder.path().join("link");
    symlink(&there, &link).unwrap();
    let dangling = folder.path().join("dangling");
    symlink(folder.path().join("not-yet"), &dangling).unwrap();
    for path in [&there, &link, &dangling] {
        let to = path.to_str().unwrap();
        for option in ["-o", "--layout"] {
            let (_, exit) = run("export", &node, &[name, option, to]);
            assert_eq!(exit, Exit::USAGE, "{option} {to}");
        }
    }
    assert_eq!(fs::read(&there).unwrap(), b"precious");
    assert!(fs::symlink_metadata(folder.path().join("not-yet")).is_err());
    assert_eq!(run("export", &node, &[name]).1, Exit::USAGE);
}

/// After a failure, nothing is there that the next try would stumble over.
#[test]
fn an_export_that_fails_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let node = capture("1.7-stopped");
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (archive, layout, list) = (at("archive.tar"), at("layout"), at("list.json"));
    for to in [["-o", &archive], ["--layout", &layout]] {
        for name in ["images.example/nothing:1", "images.example/multi:1"] {
            let more = ["--platform", "linux/s390x", "--manifest", &list];
            let (text, exit) = run("export", &node, &[&[name][..], &to, &more].concat());
            assert!(exit != Exit::CLEAN, "{text}");
            let left: Vec<_> = fs::read_dir(folder.path()).unwrap().collect();
            assert!(left.is_empty(), "{to:?} {name}: {left:?}");
        }
        let (text, exit) = run(
            "export",
            &node,
            &[&["images.example/multi:1"][..], &to].concat(),
        );
        assert_eq!(exit, Exit::CLEAN, "{text}");
        let made = folder.path().join(Path::new(to[1]).file_name().unwrap());
        assert!(made.exists());
        if made.is_dir() {
            fs::remove_dir_all(made).unwrap();
        } else {
            fs::remove_file(made).unwrap();
        }
    }
}
