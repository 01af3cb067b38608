//! Any bytes as a record of the CRI, as options of a runtime and as any other message.
#![no_main]

#[macro_use]
#[path = "../shared/costs.rs"]
mod costs;

use std::collections::BTreeMap;

use finding::Text;
use metadb::cri::{CONTAINER_EXTENSION, SANDBOX_EXTENSION, STORE_EXTENSION};
use metadb::{Any, Container, Labels, Message, Sandbox};

fn extensions(name: &str, data: &[u8]) -> BTreeMap<Text, Any> {
    let any = Any {
        type_url: Text::from("x"),
        value: data.to_vec(),
        unknown: Vec::new(),
    };
    let written = serde_json::to_string(&any).expect("JSON");
    assert!(!written.is_empty());
    BTreeMap::from([(Text::from(name), any)])
}

fn container(name: &str, data: &[u8]) -> Container {
    Container {
        created: None,
        updated: None,
        image: Text::default(),
        snapshotter: Text::default(),
        snapshot_key: Text::default(),
        sandbox_id: None,
        spec: None,
        runtime: None,
        extensions: extensions(name, data),
        labels: Labels::default(),
    }
}

bounded_target!(|data: &[u8]| {
    let pod = container(SANDBOX_EXTENSION, data).pod();
    let sandbox = Sandbox {
        created: None,
        updated: None,
        spec: None,
        sandboxer: None,
        runtime: None,
        extensions: extensions(STORE_EXTENSION, data),
        labels: Labels::default(),
    };
    // The same bytes are the same pod, whichever store they come from.
    assert_eq!(pod, sandbox.pod());
    if let Err(error) = &pod {
        assert!(!error.to_string().chars().any(char::is_control));
    }
    if let Err(error) = container(CONTAINER_EXTENSION, data).pod_container() {
        assert!(!error.to_string().chars().any(char::is_control));
    }
    for name in [
        "containerd.runc.v1.Options",
        "runtimeoptions.v1.Options",
        "other",
    ] {
        let Ok(message) = Message::decode(&Text::from(name), data) else {
            continue;
        };
        let json = serde_json::to_value(&message).expect("JSON");
        // Nothing is dropped: each number is there, by its name or as itself.
        let fields: usize = json.as_object().map_or(0, |all| {
            let several = |value: &serde_json::Value| value.as_array().map_or(1, Vec::len);
            all.values().map(several).sum()
        });
        assert_eq!(fields, message.fields.len());
    }
    if let Ok(any) = Any::parse(data) {
        assert!(serde_json::to_string(&any).is_ok());
    }
});
