//! A member of a tar, its name and attributes in a PAX record.

fn record(to: &mut Vec<u8>, key: &str, value: &[u8]) {
    let bare = key.len() + value.len() + 3;
    let mut len = bare + bare.to_string().len();
    len = bare + len.to_string().len();
    to.extend(format!("{len} {key}=").as_bytes());
    to.extend(value);
    to.push(b'\n');
}

fn block(to: &mut Vec<u8>, kind: u8, target: &str, bytes: &[u8]) {
    let mut header = [0_u8; 512];
    header[..1].copy_from_slice(b"n");
    header[100..107].copy_from_slice(b"0000755");
    header[108..115].copy_from_slice(b"0000000");
    header[116..123].copy_from_slice(b"0000000");
    header[124..135].copy_from_slice(format!("{:011o}", bytes.len()).as_bytes());
    header[136..147].copy_from_slice(b"00000000001");
    header[156] = kind;
    header[157..157 + target.len()].copy_from_slice(target.as_bytes());
    header[257..265].copy_from_slice(b"ustar\x0000");
    header[329..336].copy_from_slice(b"0000000");
    header[337..344].copy_from_slice(b"0000000");
    header[148..156].fill(b' ');
    let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
    header[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
    to.extend(header);
    to.extend(bytes);
    to.resize(to.len().next_multiple_of(512), 0);
}

/// Adds a member: `kind` is the letter of its header.
pub fn member(
    to: &mut Vec<u8>,
    name: &str,
    kind: u8,
    target: &str,
    xattrs: &[(String, Vec<u8>)],
    bytes: &[u8],
) {
    let mut pax = Vec::new();
    record(&mut pax, "path", name.as_bytes());
    for (key, value) in xattrs {
        record(&mut pax, &format!("SCHILY.xattr.{key}"), value);
    }
    block(to, b'x', "", &pax);
    block(to, kind, target, bytes);
}
