//! meta.db and each metadata.db: opened, walked, migrated, collected.
//!
//! bbolt 1.3.6 and before (containerd 1.6) does not look at a page's own number; later ones do, and
//! walk the whole tree when the file keeps no freelist.

use super::{Effect, Phase, StartRule, rule};
use crate::Release;

/// Damage of a page of a bolt file.
const PAGES: &[&str] = &[
    "bolt/page-id",
    "bolt/page-type",
    "bolt/page-zero",
    "bolt/page-garbled",
    "bolt/element-bounds",
];

/// meta.db is held by somebody else.
pub const META_LOCKED: StartRule = rule(
    "meta-locked",
    "B09",
    Phase::Plugins,
    Effect::Hangs,
    "waits without end: another process holds the lock on meta.db",
    &[(Release::V1_6, "waiting for response from boltdb open")],
);

/// The same, with `io.containerd.timeout.bolt.open`.
pub const META_LOCK_TIMEOUT: StartRule = rule(
    "meta-lock-timeout",
    "B09",
    Phase::Plugins,
    Effect::StaysDead,
    "gives up waiting for meta.db, and starts without its metadata plugin: every API is \
     unimplemented",
    &[(Release::V1_6, "error=timeout")],
);

/// metadata.db is held by somebody else.
pub const BACKEND_LOCKED: StartRule = rule(
    "backend-locked",
    "B10",
    Phase::Cri,
    Effect::Hangs,
    "starts; the CRI waits without end for the lock on its snapshotter's metadata.db",
    &[(Release::V1_6, "")],
);

/// meta.db is not there.
pub const META_NEW: StartRule = rule(
    "meta-new",
    "B01",
    Phase::Plugins,
    Effect::DeletesLater,
    "creates an empty meta.db and logs nothing; the next deletion removes every snapshot, writable \
     layers included, and every blob",
    &[(Release::V1_6, "containerd successfully booted")],
)
.deletes("every snapshot and blob");

/// Another database stands in the place of meta.db.
pub const META_OTHER: StartRule = rule(
    "meta-other",
    "B01",
    Phase::Plugins,
    Effect::DeletesLater,
    "takes this database for meta.db, and finds no image, no container and no snapshot in it; the next deletion removes \
     every snapshot, writable layers included, and every blob",
    &[(Release::V1_6, "containerd successfully booted")],
)
.deletes("every snapshot and blob");

/// Neither meta is valid, or the file cannot be opened.
pub const META_UNOPENED: StartRule = rule(
    "meta-unopened",
    "B02",
    Phase::Plugins,
    Effect::StaysDead,
    "logs that it has started, but its metadata plugin failed: it answers no request",
    &[
        (
            Release::V1_6,
            "failed to load plugin io.containerd.metadata.v1.bolt",
        ),
        (Release::V2_0, "id=io.containerd.metadata.v1.bolt"),
    ],
);

/// meta.db is no file that can be written.
pub const META_NO_FILE: StartRule = rule(
    "meta-no-file",
    "B12",
    Phase::Plugins,
    Effect::StaysDead,
    "logs that it has started, but meta.db cannot be opened for writing: it answers no request",
    &[
        (
            Release::V1_6,
            "failed to load plugin io.containerd.metadata.v1.bolt",
        ),
        (Release::V2_0, "id=io.containerd.metadata.v1.bolt"),
    ],
);

/// A page panics when the file is opened.
pub const PAGE_AT_OPEN: StartRule = rule(
    "page-at-open",
    "B05",
    Phase::Plugins,
    Effect::Panics,
    "panics when it opens meta.db, of which it reads every page",
    &[],
);

/// A page panics when it is used.
pub const PAGE_AT_USE: StartRule = rule(
    "page-at-use",
    "B05",
    Phase::Collection,
    Effect::Panics,
    "panics at a page that the CRI or the first garbage collection reads",
    &[],
);

/// A page of a snapshotter's database panics.
pub const BACKEND_PAGE: StartRule = rule(
    "backend-page",
    "B05",
    Phase::Cri,
    Effect::Panics,
    "panics at a page of metadata.db, when the CRI looks for its snapshots",
    &[],
);

/// A page with the number of another one, which 1.6 reads all the same.
pub const PAGE_NUMBER: StartRule = rule(
    "page-number",
    "B05",
    Phase::Later,
    Effect::FailsLater,
    "reads a page of another number for what it holds; when it next writes there, it frees the page \
     of that number, and panics or writes over what is in use",
    &[],
);

/// The freelist panics.
pub const FREELIST: StartRule = rule(
    "freelist",
    "B07",
    Phase::Plugins,
    Effect::Panics,
    "panics when it opens meta.db: the freelist is damaged",
    &[(Release::V1_6, "panic: "), (Release::V1_7, "panic: ")],
);

/// The freelist of a snapshotter's database panics.
pub const BACKEND_FREELIST: StartRule = rule(
    "backend-freelist",
    "B07",
    Phase::Cri,
    Effect::Panics,
    "panics when it opens metadata.db: the freelist is damaged",
    &[(Release::V1_6, "panic: "), (Release::V1_7, "panic: ")],
);

/// The freelist asks for more memory than there is.
pub const FREELIST_COUNT: StartRule = rule(
    "freelist-count",
    "B07",
    Phase::Plugins,
    Effect::Panics,
    "allocates the memory that the freelist's count claims, and crashes",
    &[(Release::V1_6, "")],
)
.on(&["bolt/freelist-count"]);

/// meta.db of an older schema.
pub const MIGRATES: StartRule = rule(
    "migrates",
    "M01",
    Phase::Plugins,
    Effect::Migrates,
    "changes the schema of meta.db; there is no way back but a copy",
    &[],
);

/// The migration fails.
pub const MIGRATION_FAILS: StartRule = rule(
    "migration-fails",
    "M03",
    Phase::Plugins,
    Effect::StaysDead,
    "cannot migrate meta.db, and starts without its metadata plugin: every API is unimplemented",
    &[(Release::V2_0, "failed to migrate to v1.4")],
)
.since(Release::V2_0);

/// The migration panics.
pub const MIGRATION_PANICS: StartRule = rule(
    "migration-panics",
    "M02",
    Phase::Plugins,
    Effect::Panics,
    "panics while it migrates meta.db: there is a plain key at the root of the database",
    &[(
        Release::V2_0,
        "invalid memory address or nil pointer dereference",
    )],
)
.since(Release::V2_0);

/// meta.db was opened before, but by nobody who made its data: snapshots that it does not name.
pub const META_ROLLED_BACK: StartRule = rule(
    "meta-rolled-back",
    "S05",
    Phase::Later,
    Effect::DeletesLater,
    "does not know these snapshots: meta.db is older than metadata.db (put back, or recreated); \
     the next deletion removes them",
    &[],
)
.deletes("the snapshots");

/// Snapshots that no namespace names.
pub const SNAPSHOTS_UNNAMED: StartRule = rule(
    "snapshots-unnamed",
    "S02",
    Phase::Later,
    Effect::DeletesLater,
    "removes snapshots that meta.db does not name, as soon as it removes any other snapshot",
    &[],
)
.deletes("the snapshots' folders");

/// The ids start again.
pub const IDS_AGAIN: StartRule = rule(
    "ids-again",
    "F05",
    Phase::Later,
    Effect::DeletesLater,
    "hands out ids again that are in use: each new snapshot deletes the folder of that number",
    &[(Release::V1_6, "file exists")],
)
.deletes("folders of snapshots");

/// A snapshotter's database is lost.
pub const BACKEND_NEW: StartRule = rule(
    "backend-new",
    "F01",
    Phase::Later,
    Effect::DeletesLater,
    "makes an empty metadata.db; ids start again at 1, and each new snapshot deletes the folder of \
     that number",
    &[(Release::V1_6, "file exists")],
)
.deletes("folders of snapshots");

/// Another database stands in the place of a metadata.db.
pub const BACKEND_OTHER: StartRule = rule(
    "backend-other",
    "F01",
    Phase::Later,
    Effect::DeletesLater,
    "takes this database for metadata.db, and finds no snapshot in it; ids start again at 1, and each new snapshot deletes \
     the folder of that number",
    &[(Release::V1_6, "file exists")],
)
.deletes("folders of snapshots");

/// A snapshotter's database cannot be opened.
pub const BACKEND_UNOPENED: StartRule = rule(
    "backend-unopened",
    "S07",
    Phase::Later,
    Effect::FailsLater,
    "cannot open metadata.db: no container can be started, no image unpacked",
    &[(Release::V1_6, "failed to open database file")],
);

/// Parents in a circle.
pub const CYCLE: StartRule = rule(
    "cycle",
    "F03",
    Phase::Later,
    Effect::FailsLater,
    "hangs at the first use of a snapshot that is its own ancestor, and uses more and more memory",
    &[],
);

/// What the collector cannot read.
pub const COLLECTION_FAILS: StartRule = rule(
    "collection-fails",
    "M09",
    Phase::Collection,
    Effect::Panics,
    "panics: the first garbage collection cannot read an expiry",
    &[(
        Release::V1_6,
        "invalid memory address or nil pointer dereference",
    )],
)
.until(Release::V2_1);

/// The same, where it survives.
pub const COLLECTION_STOPS: StartRule = rule(
    "collection-stops",
    "M09",
    Phase::Collection,
    Effect::FailsLater,
    "never collects garbage again: it cannot read an expiry",
    &[(Release::V2_2, "garbage collection failed")],
)
.untested()
.since(Release::V2_2);

/// The collector removes records.
pub const COLLECTS: StartRule = rule(
    "collects",
    "G11",
    Phase::Collection,
    Effect::Deletes,
    "removes, 100 ms after the start, what nothing refers to",
    &[],
)
.deletes("records, and the files behind them");

/// The collector removes writable layers.
pub const COLLECTS_LAYERS: StartRule = rule(
    "collects-layers",
    "G11",
    Phase::Collection,
    Effect::Deletes,
    "removes, 100 ms after the start, writable layers that nothing refers to",
    &[],
)
.deletes("writable layers");

/// What stands among the snapshots' directories and belongs to none.
pub const CLEANS_DIRECTORIES: StartRule = rule(
    "cleans-directories",
    "D03",
    Phase::Later,
    Effect::DeletesLater,
    "removes directories that no snapshot owns, as soon as any snapshot of the same snapshotter is \
     removed",
    &[],
)
.on(&["snapshot/directory-unknown", "snapshot/temporary"])
.deletes("the directories");

/// What stands among the blobs and unfinished writes and belongs to no namespace.
pub const CLEANS_CONTENT: StartRule = rule(
    "cleans-content",
    "C04",
    Phase::Later,
    Effect::DeletesLater,
    "removes blobs and unfinished writes that no namespace has, as soon as any blob is removed (by the \
     deletion of an image, say)",
    &[],
)
.on(&["blob/unknown", "ingest/unknown"])
.deletes("the blobs and writes");

/// A damaged page, where a file keeps its freelist: nobody looks at it when the file is opened.
pub const PAGE_TOUCHED: StartRule = rule(
    "page-touched",
    "B05",
    Phase::Later,
    Effect::FailsLater,
    "starts, and panics when something touches the page",
    &[(Release::V1_6, "panic: invalid page type: 0: 0")],
)
.on(PAGES)
.until(Release::V1_6);

/// A damaged page, where every page is walked.
pub const PAGE_WALKED: StartRule = rule(
    "page-walked",
    "B05",
    Phase::Plugins,
    Effect::Panics,
    "panics when it opens the file, of which it reads every page",
    &[(
        Release::V1_7,
        "panic: assertion failed: Page expected to be: N, but self identifies as M",
    )],
)
.on(PAGES)
.since(Release::V1_7);

/// The same, in a file without a freelist.
pub const PAGE_WALKED_BY_ALL: StartRule = rule(
    "page-walked-by-all",
    "B05",
    Phase::Plugins,
    Effect::Panics,
    "panics when it opens the file: without a freelist it reads every page",
    &[],
);

/// The same, where 1.6 does not see it.
pub const PAGE_WALKED_LATER: StartRule = rule(
    "page-walked-later",
    "B05",
    Phase::Plugins,
    Effect::Panics,
    "panics when it opens the file: without a freelist it reads every page, and compares the numbers",
    &[],
).since(Release::V1_7);

/// A damaged page, where the file keeps its freelist.
pub const PAGE_IN_THE_WAY: StartRule = rule(
    "page-in-the-way",
    "B05",
    Phase::Later,
    Effect::FailsLater,
    "starts, and panics or reads other bytes when something touches the page",
    &[],
);

/// A page of another number, where nobody looks at that.
pub const NUMBER_UNSEEN: StartRule = rule(
    "number-unseen",
    "B05",
    Phase::Later,
    Effect::FailsLater,
    "starts, and reads the page: it does not look at its number",
    &[],
)
.until(Release::V1_6);

/// The same, where the number is compared.
pub const NUMBER_SEEN: StartRule = rule(
    "number-seen",
    "B05",
    Phase::Later,
    Effect::FailsLater,
    "starts, and panics when something touches the page with the wrong number",
    &[],
)
.since(Release::V1_7);

/// A page that is used twice.
pub const PAGE_SHARED: StartRule = rule(
    "page-shared",
    "B06",
    Phase::Later,
    Effect::FailsLater,
    "starts; when one of the two places is changed, the page is used again under the other",
    &[],
);

/// A meta that spares the database, for the other one is valid.
pub const OTHER_META: StartRule = rule(
    "other-meta",
    "B02",
    Phase::Plugins,
    Effect::Skips,
    "starts: it uses the other meta",
    &[],
);

/// The freelist of any database panics.
pub const FILE_FREELIST: StartRule = rule(
    "file-freelist",
    "B07",
    Phase::Plugins,
    Effect::Panics,
    "panics when it opens the file",
    &[(
        Release::V1_6,
        "panic: invalid freelist page: 0, page type is unknown<00>",
    )],
)
.on(&["bolt/freelist-type", "bolt/meta-freelist"]);

/// meta.db has no bytes, or no namespace.
pub const META_EMPTY: StartRule = rule(
    "meta-empty",
    "B01",
    Phase::Plugins,
    Effect::DeletesLater,
    "starts without an error; the next deletion removes all of it",
    &[],
)
.deletes("every snapshot and blob");

/// The newest tree of a database is an older one.
pub const TREE_STALE: StartRule = rule(
    "tree-stale",
    "B08",
    Phase::Plugins,
    Effect::DeletesLater,
    "takes the older tree for the newest and logs nothing; the next deletion removes what that does not name",
    &[],
)
.on(&["bolt/stale-root"])
.deletes("every snapshot and blob that the older tree does not name");

/// mounts.db has no tree.
pub const MOUNTS_BROKEN: StartRule = rule(
    "mounts-broken",
    "B02",
    Phase::Plugins,
    Effect::LosesCri,
    "starts without the service of tasks and without the CRI",
    &[],
)
.since(Release::V2_2);

/// A blob that a manifest needs, and no label keeps.
pub const BLOB_UNKEPT: StartRule = rule(
    "blob-unkept",
    "G02",
    Phase::Collection,
    Effect::Deletes,
    "removes the blob at the first garbage collection, unless a lease holds it",
    &[],
)
.on(&["image/reference-missing"])
.deletes("the blob");

/// Every rule of this step.
pub(super) const ALL: &[StartRule] = &[
    CLEANS_DIRECTORIES,
    CLEANS_CONTENT,
    BLOB_UNKEPT,
    MOUNTS_BROKEN,
    META_EMPTY,
    TREE_STALE,
    FILE_FREELIST,
    OTHER_META,
    PAGE_SHARED,
    NUMBER_SEEN,
    NUMBER_UNSEEN,
    PAGE_IN_THE_WAY,
    PAGE_WALKED_LATER,
    PAGE_WALKED_BY_ALL,
    PAGE_TOUCHED,
    PAGE_WALKED,
    META_LOCKED,
    META_LOCK_TIMEOUT,
    BACKEND_LOCKED,
    META_NEW,
    META_OTHER,
    META_UNOPENED,
    META_NO_FILE,
    PAGE_AT_OPEN,
    PAGE_AT_USE,
    BACKEND_PAGE,
    PAGE_NUMBER,
    FREELIST,
    BACKEND_FREELIST,
    FREELIST_COUNT,
    MIGRATES,
    MIGRATION_FAILS,
    MIGRATION_PANICS,
    META_ROLLED_BACK,
    SNAPSHOTS_UNNAMED,
    IDS_AGAIN,
    BACKEND_NEW,
    BACKEND_OTHER,
    BACKEND_UNOPENED,
    CYCLE,
    COLLECTION_FAILS,
    COLLECTION_STOPS,
    COLLECTS,
    COLLECTS_LAYERS,
];
