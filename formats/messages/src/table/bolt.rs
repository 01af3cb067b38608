//! bbolt: what it says of a database that is damaged, and panics.

use super::{PREFLIGHT, TRIAGE};
use crate::message::Component::{Client, Containerd};
use crate::message::Whose::{Daemon, Stores};
use crate::message::{Message, cause};

const BOLT: &str = "coroner bolt check /var/lib/containerd/io.containerd.metadata.v1.bolt/meta.db";

pub(super) const ALL: &[Message] = &[
    cause(
        "bolt-invalid",
        Containerd,
        Stores,
        &["invalid database", "failed to open database file: invalid database"],
        "Neither meta of the database has bbolt's mark: the file was never written, was overwritten, or is \
         another's.",
    )
    .certain()
    .codes(&["bolt/no-meta", "bolt/not-bolt", "bolt/meta-magic", "bolt/big-endian", "store/meta-broken", "store/metadata-broken"])
    .first(&[BOLT, PREFLIGHT]),
    cause(
        "bolt-version",
        Containerd,
        Stores,
        &["version mismatch"],
        "The metas of the database name a version that bbolt does not have: they are damaged.",
    )
    .within(&["bolt", "meta.db", "metadata.db", "database", "metadata.v1", "panic", "freelist", "page", "key[", "root.db", ".db", "snapshotter", "plugin", "runtime instance"])
    .codes(&["bolt/meta-version", "bolt/unknown-version", "bolt/no-meta", "store/meta-broken"])
    .first(&[BOLT]),
    cause(
        "bolt-checksum",
        Containerd,
        Stores,
        &["checksum error"],
        "Neither meta of the database has a right checksum.",
    )
    .within(&["bolt", "meta.db", "metadata.db", "database", "metadata.v1", "panic", "freelist", "page", "key[", "root.db", ".db", "snapshot", "bucket", "containerd", "snapshotter", "plugin", "runtime instance"])
    .certain()
    .codes(&["bolt/meta-checksum", "bolt/no-meta", "store/meta-broken"])
    .first(&[BOLT]),
    cause(
        "bolt-file-short",
        Containerd,
        Stores,
        &["file size too small", "file size too small {n}"],
        "The database has less than two pages: it was cut.",
    )
    .within(&["bolt", "meta.db", "metadata.db", "database", "metadata.v1", "panic", "freelist", "page", "key[", "root.db", ".db", "snapshotter", "plugin", "runtime instance"])
    .certain()
    .codes(&["bolt/file-short"])
    .first(&[BOLT]),
    cause(
        "bolt-page-id",
        Containerd,
        Stores,
        &[
            "panic: assertion failed: Page expected to be: {id}, but self identifies as {id}",
            "assertion failed: Page expected to be: {n}, but self identifies as {n}",
            "Page expected to be: {n}, but self identifies as {n}",
        ],
        "A page of a bolt database does not carry its own number: a lost or torn write, mostly of a power cut. \
         1.7 and later walk every page at the start and panic; 1.6 panics when it comes there.",
    )
    .certain()
    .codes(&["bolt/page-id", "bolt/page-zero", "bolt/page-range", "bolt/meta-root"])
    .first(&[BOLT, PREFLIGHT]),
    cause(
        "bolt-page-type",
        Containerd,
        Stores,
        &[
            "panic: invalid page type: {n}: {n}",
            "invalid page type: {n}: {n}",
            "panic: invalid page type: {n}: {}",
            "page {n}: has unexpected type/flags: {}",
            "has unexpected type/flags: {}",
            "page {n}: invalid type: {}",
            "invalid type: unknown<{n}>",
        ],
        "A page of a bolt database has another kind than its place wants.",
    )
    .certain()
    .codes(&["bolt/page-type", "bolt/page-zero", "bolt/meta-header"])
    .first(&[BOLT, PREFLIGHT]),
    cause(
        "bolt-freelist-page",
        Containerd,
        Stores,
        &[
            "panic: invalid freelist page: {n}, page type is {}",
            "invalid freelist page: {n}, page type is {}",
        ],
        "The page that should hold the list of free pages is another, or zeroes. The daemon cannot open the \
         file for writing; the data may all be there.",
    )
    .certain()
    .codes(&["bolt/freelist-type", "bolt/meta-freelist", "bolt/page-zero", "bolt/meta-page-size"])
    .first(&[BOLT, "coroner bolt salvage --help"]),
    cause(
        "bolt-freepages",
        Containerd,
        Stores,
        &[
            "panic: freepages: failed to get all reachable pages ({rest}",
            "freepages: failed to get all reachable pages ({rest}",
            "freepages: failed to get all reachable pages",
        ],
        "The database has no list of free pages, and its pages could not all be walked: one is reached twice or \
         lies outside.",
    )
    .certain()
    .codes(&["bolt/page-cycle", "bolt/page-range", "bolt/page-shared", "bolt/page-zero"])
    .first(&[BOLT]),
    cause(
        "bolt-multiple-references",
        Containerd,
        Stores,
        &["page {n}: multiple references (stack: {}", "multiple references (stack: {}", "page {n}: multiple references{rest}"],
        "Two branches lead to one page of a bolt database.",
    )
    .certain()
    .codes(&["bolt/page-shared", "bolt/page-cycle"])
    .first(&[BOLT]),
    cause(
        "bolt-out-of-bounds",
        Containerd,
        Stores,
        &["page {n}: out of bounds: {n} (stack: {}", "out of bounds: HWM: {n}{rest}", "page {n}: out of bounds{rest}", "panic: page {n} above high water mark{rest}", "page {n} already freed above high water mark"],
        "A page of a bolt database lies past the end that the database knows.",
    )
    .certain()
    .codes(&["bolt/page-range"])
    .first(&[BOLT]),
    cause(
        "bolt-already-freed",
        Containerd,
        Stores,
        &["panic: page {n} already freed", "page {n} already freed", "already freed"],
        "bbolt freed a page twice: its list of free pages is wrong, or two processes wrote to the file.",
    )
    .within(&["bolt", "meta.db", "metadata.db", "database", "metadata.v1", "panic", "freelist", "page", "key[", "root.db", ".db"])
    .certain()
    .codes(&["bolt/free-reachable", "bolt/freelist-twice", "bolt/freelist-self"])
    .first(&[BOLT]),
    cause(
        "bolt-page-allocation",
        Containerd,
        Stores,
        &["panic: invalid page allocation: {n}", "invalid page allocation: {n}", "panic: invalid page allocation"],
        "The list of free pages names one of the first two, which hold the metas.",
    )
    .certain()
    .codes(&["bolt/freelist-id"])
    .first(&[BOLT]),
    cause(
        "bolt-leading-count",
        Containerd,
        Stores,
        &["leading element count {n} overflows {rest}", "leading element count {rest}"],
        "The list of free pages claims more pages than the file has.",
    )
    .certain()
    .codes(&["bolt/freelist-count"])
    .first(&[BOLT]),
    cause(
        "bolt-key-order",
        Containerd,
        Stores,
        &[
            "key[{n}]=(hex){} on leaf page({n}) needs to be > (found <) than previous element{rest}",
            "needs to be > (found <) than previous element{rest}",
            "{} needs to be > (found <) than previous element{rest}",
        ],
        "Keys of a page are not in order: look-ups miss some of them.",
    )
    .certain()
    .codes(&["bolt/key-order"])
    .first(&[BOLT]),
    cause(
        "bolt-key-ancestor",
        Containerd,
        Stores,
        &[
            "{} needs to be >= the key in the ancestor{rest}",
            "needs to be >= the key in the ancestor{rest}",
        ],
        "A key is smaller than the one by which its page is found.",
    )
    .certain()
    .codes(&["bolt/key-before-branch"])
    .first(&[BOLT]),
    cause(
        "bolt-key-past",
        Containerd,
        Stores,
        &[
            "{} needs to be < than key of the next element in ancestor{rest}",
            "needs to be < than key of the next element in ancestor{rest}",
        ],
        "A key is larger than the first key of the next page: look-ups miss it.",
    )
    .certain()
    .codes(&["bolt/key-past-branch"])
    .first(&[BOLT]),
    cause(
        "bolt-unreachable",
        Client,
        Stores,
        &["page {n}: unreachable unfreed", "unreachable unfreed"],
        "A page is neither used nor free: space is lost, nothing else.",
    )
    .certain()
    .codes(&["bolt/page-lost"])
    .first(&[BOLT]),
    cause(
        "bolt-reachable-freed",
        Client,
        Stores,
        &["page {n}: reachable freed", "reachable freed"],
        "A page in use is called free: the next write destroys it.",
    )
    .certain()
    .codes(&["bolt/free-reachable"])
    .first(&[BOLT]),
    cause(
        "bolt-incompatible",
        Containerd,
        Stores,
        &["incompatible value"],
        "Where a bucket should be there is a plain key, or the other way round.",
    )
    .within(&["bolt", "meta.db", "metadata.db", "database", "metadata.v1", "panic", "freelist", "page", "key[", "root.db", ".db", "snapshot", "bucket", "containerd", "runtime instance"])
    .certain()
    .codes(&["meta/bucket-key", "bolt/bucket-flag"])
    .first(&[TRIAGE]),
    cause(
        "bolt-key-required",
        Containerd,
        Stores,
        &["key required"],
        "A key is empty.",
    )
    .within(&["bolt", "meta.db", "metadata.db", "database", "metadata.v1", "panic", "freelist", "page", "key[", "root.db", ".db", "snapshot", "bucket", "containerd", "runtime instance"])
    .codes(&["bolt/key-empty"]),
    cause(
        "bolt-key-large",
        Containerd,
        Stores,
        &["key too large"],
        "A key is longer than 32768 bytes.",
    )
    .within(&["bolt", "meta.db", "metadata.db", "database", "metadata.v1", "panic", "freelist", "page", "key[", "root.db", ".db", "snapshot", "bucket", "containerd", "runtime instance"])
    .codes(&["bolt/key-long"]),
    cause(
        "bolt-closed",
        Containerd,
        Daemon,
        &["database not open", "tx closed"],
        "The daemon is going down, and something still asked its database.",
    )
    .within(&["bolt", "meta.db", "metadata.db", "database", "metadata.v1", "panic", "freelist", "page", "key[", "root.db", ".db", "snapshot", "bucket", "containerd", "runtime instance"]),
    cause(
        "bolt-read-only",
        Containerd,
        Stores,
        &["database is in read-only mode"],
        "A database was opened for reading only.",
    ),
];
