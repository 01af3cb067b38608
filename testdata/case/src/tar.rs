//! A tar in memory, which can be changed and written again.

/// One member.
#[derive(Debug, Clone)]
pub struct Member {
    /// Its whole path, without a leading `./` or `/`.
    pub path: Vec<u8>,
    /// Its header; name, size and checksum are written anew.
    pub header: [u8; 512],
    /// PAX records other than path, size and those of sparse files.
    pub pax: Vec<(Vec<u8>, Vec<u8>)>,
    /// Its bytes; the holes of sparse files are filled.
    pub data: Vec<u8>,
}

/// A tar.
#[derive(Debug, Clone, Default)]
pub struct Tar {
    /// Its members, in order.
    pub members: Vec<Member>,
}

fn octal(field: &[u8]) -> u64 {
    field
        .iter()
        .filter(|byte| byte.is_ascii_digit())
        .fold(0, |all, byte| all * 8 + u64::from(byte - b'0'))
}

fn text_until_nul(field: &[u8]) -> &[u8] {
    &field[..field
        .iter()
        .position(|byte| *byte == 0)
        .unwrap_or(field.len())]
}

fn records(mut data: &[u8]) -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut records = Vec::new();
    while let Some(blank) = data.iter().position(|byte| *byte == b' ') {
        let length: usize = std::str::from_utf8(&data[..blank])
            .expect("PAX")
            .parse()
            .expect("PAX");
        let record = &data[blank + 1..length - 1];
        let equals = record.iter().position(|byte| *byte == b'=').expect("PAX");
        records.push((record[..equals].to_vec(), record[equals + 1..].to_vec()));
        data = &data[length..];
    }
    records
}

/// Fills the holes of a sparse file of GNU's format 1.0.
fn unfold(data: &[u8], size: usize) -> Vec<u8> {
    let mut at = 0;
    let mut number = || {
        let end = at
            + data[at..]
                .iter()
                .position(|byte| *byte == b'\n')
                .expect("sparse map");
        let value: usize = std::str::from_utf8(&data[at..end])
            .expect("map")
            .parse()
            .expect("map");
        at = end + 1;
        value
    };
    let count = number();
    let extents: Vec<(usize, usize)> = (0..count).map(|_| (number(), number())).collect();
    let mut from = at.div_ceil(512) * 512;
    let mut whole = vec![0; size];
    for (place, length) in extents {
        whole[place..place + length].copy_from_slice(&data[from..from + length]);
        from += length;
    }
    whole
}

impl Tar {
    /// Reads what GNU tar's `--format=posix` writes.
    pub fn read_tar(bytes: &[u8]) -> Self {
        let mut members = Vec::new();
        let mut at = 0;
        let mut pax: Vec<(Vec<u8>, Vec<u8>)> = Vec::new();
        while at + 512 <= bytes.len() && bytes[at] != 0 {
            let header: [u8; 512] = bytes[at..at + 512].try_into().expect("header");
            let size = octal(&header[124..136]) as usize;
            let data = &bytes[at + 512..at + 512 + size];
            at += 512 + size.div_ceil(512) * 512;
            if header[156] == b'x' {
                pax = records(data);
                continue;
            }
            assert!(
                header[156] != b'L' && header[156] != b'g',
                "not of --format=posix"
            );
            let said = |name: &[u8]| {
                pax.iter()
                    .find(|(key, _)| key == name)
                    .map(|(_, value)| value.clone())
            };
            let mut path = text_until_nul(&header[..100]).to_vec();
            let prefix = text_until_nul(&header[345..500]);
            if !prefix.is_empty() {
                path = [prefix, b"/", &path].concat();
            }
            path = said(b"GNU.sparse.name").or(said(b"path")).unwrap_or(path);
            let data = match said(b"GNU.sparse.realsize") {
                Some(size) => unfold(
                    data,
                    String::from_utf8(size)
                        .expect("size")
                        .parse()
                        .expect("size"),
                ),
                None => data.to_vec(),
            };
            pax.retain(|(key, _)| {
                key != b"path" && key != b"size" && !key.starts_with(b"GNU.sparse.")
            });
            let path = path.strip_prefix(b"./").unwrap_or(&path).to_vec();
            members.push(Member {
                path,
                header,
                pax: std::mem::take(&mut pax),
                data,
            });
        }
        Self { members }
    }

    /// Writes it with all names in PAX records.
    pub fn write(&self) -> Vec<u8> {
        let mut out = Vec::new();
        for member in &self.members {
            let mut all = member.pax.clone();
            all.push((b"path".to_vec(), member.path.clone()));
            let mut body = Vec::new();
            for (key, value) in &all {
                let bare = key.len() + value.len() + 3;
                let mut length = bare + bare.to_string().len();
                length = bare + length.to_string().len();
                body.extend_from_slice(format!("{length} ").as_bytes());
                body.extend_from_slice(key);
                body.push(b'=');
                body.extend_from_slice(value);
                body.push(b'\n');
            }
            let mut extended = member.header;
            extended[..100].fill(0);
            extended[..3].copy_from_slice(b"pax");
            extended[156] = b'x';
            extended[157..257].fill(0);
            extended[345..500].fill(0);
            entry(&mut out, extended, &body);
            let mut header = member.header;
            header[..100].fill(0);
            header[345..500].fill(0);
            let short = &member.path[..member.path.len().min(99)];
            header[..short.len()].copy_from_slice(short);
            entry(&mut out, header, &member.data);
        }
        out.resize(out.len() + 1024, 0);
        out
    }

    /// Where the member of this path is.
    pub fn position(&self, path: &str) -> Option<usize> {
        let same = |member: &Member| text_of(&member.path) == path.trim_matches('/');
        self.members.iter().position(same)
    }

    /// The member of this path.
    pub fn member(&mut self, path: &str) -> &mut Member {
        let at = self
            .position(path)
            .unwrap_or_else(|| panic!("the capture has no {path}"));
        &mut self.members[at]
    }

    /// Paths that start and end like this, sorted.
    pub fn paths(&self, start: &str, end: &str) -> Vec<String> {
        let paths = self.members.iter().map(|member| text_of(&member.path));
        let mut paths: Vec<String> = paths
            .filter(|path| path.starts_with(start) && path.ends_with(end))
            .collect();
        paths.sort();
        paths
    }
}

fn text_of(path: &[u8]) -> String {
    String::from_utf8_lossy(path)
        .trim_end_matches('/')
        .to_owned()
}

fn entry(out: &mut Vec<u8>, mut header: [u8; 512], data: &[u8]) {
    let size = if matches!(header[156], b'0' | 0 | b'x') {
        data.len()
    } else {
        0
    };
    header[124..136].copy_from_slice(format!("{size:011o}\0").as_bytes());
    header[148..156].fill(b' ');
    let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    out.extend_from_slice(&header);
    out.extend_from_slice(&data[..size]);
    out.resize(out.len().div_ceil(512) * 512, 0);
}
