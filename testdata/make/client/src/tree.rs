//! What a file tree holds, as the kernel shows it: type, mode, owner, size, times, xattrs, hash of every entry.

use std::ffi::{CStr, OsStr};
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

use rustix::fs::{lgetxattr, llistxattr, major, minor};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use crate::Result;

/// One entry a line of the result, in the order of their names' bytes. Only regular files are opened.
pub(crate) fn list(root: &Path) -> Result<Value> {
    let mut waiting = vec![PathBuf::new()];
    let mut entries = Vec::new();
    while let Some(relative) = waiting.pop() {
        let path = root.join(&relative);
        let meta = fs::symlink_metadata(&path)?;
        if meta.is_dir() {
            for entry in fs::read_dir(&path)? {
                waiting.push(relative.join(entry?.file_name()));
            }
        }
        entries.push((
            relative.as_os_str().as_bytes().to_vec(),
            describe(&path, &relative, &meta)?,
        ));
    }
    entries.sort_by(|a, b| a.0.cmp(&b.0));
    Ok(entries.into_iter().map(|(_, about)| about).collect())
}

fn describe(path: &Path, relative: &Path, meta: &fs::Metadata) -> Result<Value> {
    let kind = meta.file_type();
    let mut about = Map::new();
    about.insert("path".into(), name(relative.as_os_str()));
    about.insert(
        "mode".into(),
        json!(format!("{:04o}", meta.mode() & 0o7777)),
    );
    about.insert("uid".into(), json!(meta.uid()));
    about.insert("gid".into(), json!(meta.gid()));
    about.insert(
        "mtime".into(),
        json!(format!("{}.{:09}", meta.mtime(), meta.mtime_nsec())),
    );
    let word = if kind.is_file() {
        about.insert("size".into(), json!(meta.size()));
        about.insert("blocks".into(), json!(meta.blocks()));
        about.insert("nlink".into(), json!(meta.nlink()));
        about.insert("ino".into(), json!(meta.ino()));
        about.insert(
            "sha256".into(),
            json!(hex::encode(Sha256::digest(fs::read(path)?))),
        );
        "file"
    } else if kind.is_dir() {
        "directory"
    } else if kind.is_symlink() {
        about.insert("target".into(), name(fs::read_link(path)?.as_os_str()));
        "symlink"
    } else if kind.is_fifo() {
        "fifo"
    } else if kind.is_socket() {
        "socket"
    } else {
        about.insert(
            "device".into(),
            json!(format!("{}:{}", major(meta.rdev()), minor(meta.rdev()))),
        );
        if kind.is_char_device() {
            "char"
        } else {
            "block"
        }
    };
    about.insert("type".into(), json!(word));
    about.insert("xattrs".into(), xattrs(path)?);
    Ok(Value::Object(about))
}

/// A name as text, or as text and hex where it is not UTF-8.
fn name(name: &OsStr) -> Value {
    match name.to_str() {
        Some(text) => json!(text),
        None => json!({ "text": name.to_string_lossy(), "hex": hex::encode(name.as_bytes()) }),
    }
}

fn xattrs(path: &Path) -> Result<Value> {
    let mut names = vec![0; 65536];
    let length = match llistxattr(path, names.as_mut_slice()) {
        Ok(length) => length,
        Err(rustix::io::Errno::OPNOTSUPP) => 0,
        Err(error) => return Err(error.into()),
    };
    let mut all = Map::new();
    for key in names
        .get(..length)
        .unwrap_or_default()
        .split_inclusive(|&b| b == 0)
    {
        let key = CStr::from_bytes_with_nul(key)?;
        let mut value = vec![0; 65536];
        let length = lgetxattr(path, key, value.as_mut_slice())?;
        all.insert(
            key.to_string_lossy().into_owned(),
            json!(hex::encode(value.get(..length).unwrap_or_default())),
        );
    }
    Ok(Value::Object(all))
}
