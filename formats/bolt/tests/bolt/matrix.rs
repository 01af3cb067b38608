//! Every kind of damage of which it is known what upstream's tools do has a case.

use crate::testdata::cases;

/// The rows of the matrix, and the cases that stand for them: `n-` is the same damage to a file
/// without a freelist.
const ROWS: &[(&str, &[&str])] = &[
    (
        "one meta with a bad magic or checksum",
        &[
            "m01-meta0-magic",
            "m02-meta1-magic",
            "m04-meta0-checksum",
            "m05-meta1-checksum",
        ],
    ),
    (
        "both metas bad",
        &[
            "m03-both-magic",
            "m06-both-checksum",
            "m29-both-version",
            "m09-both-zero",
        ],
    ),
    ("checksum 0", &["m07-checksum-zero"]),
    ("page 0 zero, meta 1 good", &["m08-page0-zero"]),
    (
        "page size field wrong in both",
        &["m16-page-size", "n-m16-page-size"],
    ),
    ("page size field wrong in one", &["m30-one-page-size"]),
    (
        "root past the mark, past the end, 2^55",
        &[
            "m12-root-past-hwm",
            "m13-root-past-end",
            "m14-root-huge",
            "m15-root-meta",
        ],
    ),
    ("high-water mark 2^40", &["m18-hwm-huge"]),
    ("truncated to half", &["f05-half", "n-f05-half"]),
    ("only two meta pages", &["f04-two-pages"]),
    (
        "truncated one page below the mark, page free",
        &["f06-last-page"],
    ),
    ("second half zero", &["f12-half-zero", "n-f12-half-zero"]),
    ("0 bytes", &["f01-empty"]),
    (
        "freelist zero, another page, past the end",
        &[
            "l01-zero",
            "m21-freelist-leaf",
            "m22-freelist-past-end",
            "m23-freelist-meta",
        ],
    ),
    (
        "freelist count 2^40, negative",
        &["l02-count-huge", "l03-count-negative"],
    ),
    (
        "freelist id past the mark, 2^60",
        &["l05-id-past-hwm", "l06-id-huge"],
    ),
    ("freelist names page 0", &["l07-id-zero"]),
    ("freelist names a page twice", &["l08-twice"]),
    ("freelist overflow 2^32-1", &["l12-overflow"]),
    (
        "branch to itself",
        &["t01-branch-self", "n-t01-branch-self"],
    ),
    (
        "bucket to a page above",
        &[
            "t02-bucket-cycle",
            "n-t02-bucket-cycle",
            "t50-bucket-ancestor",
            "n-t50-bucket-ancestor",
        ],
    ),
    (
        "bucket root is its own page",
        &["t29-bucket-self", "n-t29-bucket-self"],
    ),
    (
        "fan-out bomb of four branches",
        &["t52-fan-out", "n-t52-fan-out"],
    ),
    (
        "child past the end, huge, meta, freelist",
        &[
            "t03-past-hwm",
            "t04-huge",
            "t05-meta",
            "t06-freelist",
            "t07-child-meta",
        ],
    ),
    (
        "branch count 0, 0xFFFF, position, key size",
        &[
            "t08-branch-empty",
            "t09-branch-count",
            "t10-branch-pos",
            "t11-branch-ksize",
        ],
    ),
    (
        "leaf position just outside, value size past the page",
        &["t13-pos", "t18-vsize", "n-t13-pos", "n-t18-vsize"],
    ),
    ("leaf key size 0", &["t15-key-empty", "n-t15-key-empty"]),
    ("leaf count 0xFFFF", &["t19-count-huge", "n-t19-count-huge"]),
    ("leaf count 0", &["t20-count-zero", "n-t20-count-zero"]),
    (
        "zeroed or random leaf or branch",
        &[
            "t23-zero",
            "t24-random",
            "t42-branch-zero",
            "t43-leaf-zero",
            "n-t42-branch-zero",
        ],
    ),
    (
        "torn page",
        &["t46-torn", "t47-torn", "n-t46-torn", "n-t47-torn"],
    ),
    (
        "inline bucket broken",
        &[
            "t32-inline-flags",
            "t33-inline-count",
            "t34-inline-pos",
            "t35-inline-length",
        ],
    ),
    (
        "bucket value of 8 bytes, overlapping elements, unknown flag",
        &["t31-header", "t38-overlap", "t48-flags"],
    ),
    (
        "page referenced twice",
        &["t28-shared", "t12-child-twice", "n-t28-shared"],
    ),
    (
        "bucket flag lost",
        &["t36-flag-lost", "n-t36-flag-lost", "t56-inline-flag-lost"],
    ),
    ("big-endian", &["m27-big-endian"]),
    ("unknown version", &["m11-future-version"]),
];

#[test]
fn every_row_of_the_matrix_has_its_cases() {
    let cases = cases();
    let there = |name: &str| cases.iter().any(|(case, ..)| case == name);
    let missing: Vec<_> = ROWS
        .iter()
        .flat_map(|(row, names)| names.iter().map(move |name| (row, name)))
        .filter(|(_, name)| !there(name))
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
}
