//! Image configurations: diffIDs, and the chainIDs that name the snapshots.

use finding::{Text, Time};
use json::Node;
use serde::Serialize;

use crate::{
    Digest, Fault, Platform,
    fields::{self, Fields},
};

/// An image's configuration, as far as its place on the node depends on it. What its process runs
/// as stands in [`Document::raw`](crate::Document::raw).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ImageConfig {
    /// What it runs on.
    pub platform: Platform,
    /// When it was built, if it says so.
    pub created: Option<Time>,
    /// The digests of the uncompressed layers, from the lowest up, as far as they can be read.
    pub diff_ids: Vec<Digest>,
    /// How many layers it names, readable or not.
    pub layers: usize,
}

impl ImageConfig {
    pub(crate) fn read_image_config(raw: &Node, fields: &mut Fields) -> Self {
        let mut config = Self {
            platform: Platform {
                os: fields.text_field(raw, "", "os").unwrap_or_default(),
                architecture: fields
                    .text_field(raw, "", "architecture")
                    .unwrap_or_default(),
                variant: fields.text_field(raw, "", "variant"),
                os_version: fields.text_field(raw, "", "os.version"),
            },
            created: None,
            diff_ids: Vec::new(),
            layers: 0,
        };
        if let Some(text) = fields.text_field(raw, "", "created") {
            config.created = text.utf8().and_then(|text| Time::parse(text).ok());
            if config.created.is_none() {
                fields.value("/created", "an RFC 3339 time", text.to_string());
            }
        }
        let Some(rootfs) = raw.field("rootfs") else {
            fields.missing("/rootfs");
            return config;
        };
        fields.known(rootfs, "/rootfs", fields::ROOTFS);
        if fields
            .text_field(rootfs, "/rootfs", "type")
            .is_none_or(|kind| kind != "layers")
        {
            let found = rootfs
                .field("type")
                .map_or_else(|| "null".to_owned(), fields::shown);
            fields.value("/rootfs/type", "layers", found);
        }
        let items = fields.array(rootfs, "/rootfs", "diff_ids");
        config.layers = items.len();
        for (number, item) in items.iter().enumerate() {
            let field = format!("/rootfs/diff_ids/{number}");
            let Some(text) = item.string() else {
                fields.fault(Fault::Type {
                    field,
                    want: "a string",
                    found: item.kind(),
                });
                break;
            };
            // Everything above a layer that is not known has no chainID that is known.
            let Some(digest) = fields.digest(&field, &Text::from(text)) else {
                break;
            };
            config.diff_ids.push(digest);
        }
        config
    }

    /// The chainIDs of all layers, from the lowest up: what the committed snapshots are called.
    pub fn chain_ids(&self) -> Vec<Digest> {
        chain_ids(&self.diff_ids)
    }
}

/// chainID(0) = diffID(0); chainID(n) = SHA-256("chainID(n-1) diffID(n)").
///
/// As in `github.com/opencontainers/image-spec/identity`.
pub fn chain_ids(diff_ids: &[Digest]) -> Vec<Digest> {
    let mut chain: Vec<Digest> = Vec::with_capacity(diff_ids.len());
    for diff_id in diff_ids {
        chain.push(match chain.last() {
            None => diff_id.clone(),
            Some(below) => Digest::sha256_of(format!("{below} {diff_id}").as_bytes()),
        });
    }
    chain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chain_ids_of_image_spec() {
        // From opencontainers/image-spec/identity/chainid_test.go: a | b | c, hashed as texts.
        let diff_ids: Vec<_> = ["a", "b", "c"]
            .iter()
            .map(|text| Digest::sha256_of(text.as_bytes()))
            .collect();
        let chain = chain_ids(&diff_ids);
        assert_eq!(chain[0], diff_ids[0]);
        let second = Digest::sha256_of(format!("{} {}", diff_ids[0], diff_ids[1]).as_bytes());
        assert_eq!(chain[1], second);
        let third = Digest::sha256_of(format!("{second} {}", diff_ids[2]).as_bytes());
        assert_eq!(chain[2], third);
        assert!(chain_ids(&[]).is_empty());
    }
}
