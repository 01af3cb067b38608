//! What a registry's server answers: the codes of the distribution specification, with the words that servers write for them.
//!
//! The words after a code decide: those that a server writes by itself are told here; others are the registry's own, and are
//! given as they are (`registry-own-words`).

use crate::message::Component::Registry as TheRegistry;
use crate::message::Whose::Registry;
use crate::message::{Message, act, cause};

const ASK: &str = "curl -sSv -o /dev/null https://REGISTRY/v2/";
const LOOK: &str = "docker manifest inspect IMAGE";
/// Who the client's file of credentials names, without the credentials.
const LOGINS: &str = "grep -o '\"[^\"]*\": *{' ~/.docker/config.json";

/// Lines of servers that are no registry's, which refuse with the same words.
const OTHER_SERVERS: &[&str] = &[
    "/api/v1/",
    "/apis/",
    ":6443",
    "kubelet_node_status",
    "reflector.go",
    "plugin type=",
    "webhook",
    "admission",
    "iam.",
    "vault",
];

/// Words of a limit that somebody pays for or sets.
const LIMITS: &[&str] = &[
    "limit is",
    "quota",
    "upper limit",
    "storage limit",
    "exceeded the",
    "your plan",
    "subscription",
    "billing",
    "payment",
    "too many repositories",
    "repository limit",
];

pub(super) const ALL: &[Message] = &[
    cause(
        "registry-blob-unknown",
        TheRegistry,
        Registry,
        &[
            "manifest blob unknown: blob unknown to registry{rest}",
            "manifest blob unknown{rest}",
            "blob unknown to registry{rest}",
            "blob unknown: {rest}",
            "unknown blob",
            "MANIFEST_BLOB_UNKNOWN: {rest}",
            "BLOB_UNKNOWN: {rest}",
            "{}\"code\":\"MANIFEST_BLOB_UNKNOWN\"{rest}",
            "{}\"code\":\"BLOB_UNKNOWN\"{rest}",
        ],
        "A manifest names blobs (a list of platforms: manifests) that this repository does not hold. On a push they were not sent before it, or to another \
         repository; on a pull the registry's storage has lost them.",
    )
    .or(&[
        "a push: the image is whole again when all of it is pushed again to the same repository",
        "a list of platforms: its parts were pushed to another repository, or a local list (~/.docker/manifests) is of an older push",
        "several servers behind one address do not share their storage, or a clean-up of the registry ran during the push",
    ])
    .unless(&["in history"])
    .first(&[LOOK, ASK]),
    cause(
        "registry-upload-unknown",
        TheRegistry,
        Registry,
        &[
            "blob upload unknown{rest}",
            "blob upload unknown to registry{rest}",
            "BLOB_UPLOAD_UNKNOWN: {rest}",
            "{}\"code\":\"BLOB_UPLOAD_UNKNOWN\"{rest}",
        ],
        "The registry does not know the upload with which a push goes on. Mostly several servers stand behind one address without a shared storage or a shared \
         secret (http.secret), or a proxy before it rewrites the addresses (http for https, another host). The image has no part in it.",
    )
    .first(&[ASK]),
    cause(
        "registry-upload-invalid",
        TheRegistry,
        Registry,
        &[
            "blob upload invalid{rest}",
            "digest invalid{rest}",
            "provided digest did not match uploaded content{rest}",
            "size invalid{rest}",
            "provided length did not match content length{rest}",
            "range invalid: invalid content range{rest}",
            "invalid content range{rest}",
            "BLOB_UPLOAD_INVALID: {rest}",
            "DIGEST_INVALID: {rest}",
            "SIZE_INVALID: {rest}",
            "{}\"code\":\"BLOB_UPLOAD_INVALID\"{rest}",
            "{}\"code\":\"DIGEST_INVALID\"{rest}",
            "{}\"code\":\"SIZE_INVALID\"{rest}",
        ],
        "What came to the registry is not what was announced: a proxy on the way cut or changed it, two pushes wrote one upload, or the registry's storage lost a part.",
    )
    .within(&["push", "upload", "registry", "manifest", "blob", "/v2/", "digest_invalid", "size_invalid", "put", "patch"])
    .first(&[ASK]),
    cause(
        "registry-manifest-invalid",
        TheRegistry,
        Registry,
        &[
            "manifest invalid: manifest invalid{rest}",
            "manifest unverified{rest}",
            "manifest failed signature verification{rest}",
            "MANIFEST_INVALID: manifest invalid{rest}",
            "{}\"code\":\"MANIFEST_INVALID\"{rest}",
        ],
        "The registry does not take a manifest of that form: it is older than what the client writes (an index, attestations, an artifact, a build's cache), \
         or the form is one that registries take no more (schema 1).",
    )
    .or(&["the manifest's own name or tag is another than the address that it was sent to"])
    .first(&[LOOK, ASK]),
    cause(
        "registry-name-invalid",
        TheRegistry,
        Registry,
        &[
            "name invalid{rest}",
            "invalid repository name{rest}",
            "NAME_INVALID: {rest}",
            "tag invalid: manifest tag did not match URI{rest}",
            "{}\"code\":\"NAME_INVALID\"{rest}",
            "{}\"code\":\"TAG_INVALID\"{rest}",
        ],
        "The registry does not take that name: capitals, a part that is missing (a project or a namespace) or one too many.",
    )
    .within(&["registry", "push", "pull", "manifest", "/v2/", "repository", "name_invalid", "tag_invalid", "image"])
    .first(&[ASK]),
    cause(
        "registry-tag-immutable",
        TheRegistry,
        Registry,
        &[
            "tag invalid: The image tag {q} already exists in the {q} repository and cannot be overwritten{rest}",
            "The image tag {q} already exists in the {q} repository and cannot be overwritten{rest}",
            "{}configured as immutable{rest}",
        ],
        "That tag exists in the registry and may not be written over: the repository, or a rule for the tag, is set so.",
    )
    .certain()
    .first(&[LOOK]),
    cause(
        "registry-unsupported",
        TheRegistry,
        Registry,
        &[
            "unsupported: The operation is unsupported{rest}",
            "The operation is unsupported{rest}",
            "UNSUPPORTED: The operation is unsupported{rest}",
            "{}\"code\":\"UNSUPPORTED\"{rest}",
        ],
        "The registry's server does not do that: one that is a mirror (a pull-through cache) takes no push, and one may delete nothing unless that is turned on in its settings.",
    )
    .within(&["registry", "push", "pull", "manifest", "/v2/", "repository", "delete", "image", "errors", "unsupported: the"])
    .first(&[ASK]),
    cause(
        "registry-login-locked",
        TheRegistry,
        Registry,
        &[
            "toomanyrequests: too many failed login attempts{rest}",
            "too many failed login attempts{rest}",
            "unauthorized: {}too many failed login attempts{rest}",
        ],
        "The registry locked the account or the address for a while after logins that failed: a program goes on with wrong or old credentials. No limit of pulls is reached. \
         Find who asks with them and mend those credentials first; then wait.",
    )
    .certain()
    .first(&[LOGINS, "kubectl get secrets -A --field-selector type=kubernetes.io/dockerconfigjson"]),
    cause(
        "registry-quota",
        TheRegistry,
        Registry,
        &[
            "denied: {rest}",
            "registry contains {n} repositories, limit is {n}{rest}",
            "{}402 Payment Required{rest}",
            "402 Payment Required{rest}",
            "adding {} of storage resource, which when updated to current usage of {} will exceed the configured upper limit of {rest}",
            "{}will exceed the configured upper limit of {rest}",
            "payment required{rest}",
        ],
        "The registry takes no more: the account's plan, or a quota of the project, is used up (repositories, room, traffic). Credentials have no part in it.",
    )
    .within(LIMITS)
    .unless(OTHER_SERVERS)
    .first(&[ASK]),
    cause(
        "registry-policy",
        TheRegistry,
        Registry,
        &[
            "{}cannot be pulled due to configured policy{rest}",
            "current image {rest}cannot be pulled due to configured policy{rest}",
        ],
        "A rule of the registry's project keeps the image from being pulled: it was not scanned, has known weaknesses, or is not signed.",
    )
    .certain(),
    cause(
        "registry-proxy-answered",
        TheRegistry,
        Registry,
        &[
            "error parsing HTTP 404 response body{rest}",
            "404 page not found{rest}",
            "received unexpected HTTP status: 200 OK{rest}",
            "received unexpected HTTP status: 30{n} {rest}",
            "unexpected HTTP status: 30{n} {rest}",
        ],
        "What answered gave no answer of a registry: a proxy or a load balancer before it, or a server that has no registry under that path. The image may well exist.",
    )
    .or(&[
        "the registry is being started or is down, and its load balancer answers for it",
        "the host or the port is another server's, or the path lacks a part that this registry wants",
        "a mirror or a proxy in the settings stands in between",
    ])
    .within(&["response body", "received unexpected", "registry", "/v2/", "pull", "push", "image", "manifest"])
    .unless(OTHER_SERVERS)
    .first(&[ASK, "env | grep -i proxy"]),
    act(
        "registry-own-words",
        TheRegistry,
        Registry,
        &[
            "denied",
            "denied: {rest}",
            "unauthorized: {rest}",
            "toomanyrequests: {rest}",
            "manifest invalid: {rest}",
            "unsupported: {rest}",
            "tag invalid: {rest}",
            "DENIED: {rest}",
            "error from registry: {rest}",
        ],
        "The registry refused it, and says why in words of its own: those go before what its code (denied, unauthorized, too many requests) usually means.",
    )
    .or(&[
        "rights: no or old credentials, an account that may not, a name that does not exist",
        "a limit: of requests, of room, of an account's plan",
        "a rule: a place, a signature, a scan, a form of manifest",
    ])
    .unless(OTHER_SERVERS)
    .first(&[ASK, LOGINS]),
];
