use proptest::prelude::*;

use super::*;
use crate::config::{SecretSource, VaultKey, VaultSettings};

fn vault(folder: &Path, keys: &[&str]) -> Vault {
    let keys = keys
        .iter()
        .map(|id| {
            let path = folder.join(format!("{id}.key"));
            let digits = Digest::of_fields([*id]).to_string();
            fs::write(&path, digits).unwrap();
            VaultKey {
                id: (*id).to_owned(),
                source: SecretSource::File(path),
            }
        })
        .collect();
    Vault::open(Some(&VaultSettings { keys })).unwrap()
}

fn content(length: usize) -> Vec<u8> {
    (0..=250_u8).cycle().take(length).collect()
}

fn opened(path: &Path, vault: &Vault, context: &str) -> Result<Vec<u8>, ArchiveError> {
    let mut out = Vec::new();
    let digest = open_to(path, &mut out, vault, context)?;
    assert_eq!(digest, Digest(Sha256::digest(&out).into()));
    Ok(out)
}

#[test]
fn any_length_comes_back_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let vault = vault(folder.path(), &["a"]);
    let lengths = [
        0,
        1,
        CHUNK_BYTES - 1,
        CHUNK_BYTES,
        CHUNK_BYTES + 1,
        2 * CHUNK_BYTES,
        2 * CHUNK_BYTES + 77,
    ];
    for length in lengths {
        let path = path_of(&folder.path().join("new"), &length.to_string());
        let plain = content(length);
        let digest = seal_to(&path, &mut plain.as_slice(), &vault, "x").unwrap();
        assert_eq!(digest, Digest(Sha256::digest(&plain).into()));
        assert!(opened(&path, &vault, "x").unwrap() == plain, "{length}");
        let sealed = fs::read(&path).unwrap();
        assert!(length < 100 || !sealed.windows(100).any(|part| part == &plain[..100]));
    }
}

#[test]
fn a_file_is_its_owners_alone_and_never_overwritten() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let vault = vault(folder.path(), &["a"]);
    let path = path_of(&folder.path().join("new"), "m");
    let late = ArchiveWriter::create(&path, &vault, "x").unwrap();
    seal_to(&path, &mut [1].as_slice(), &vault, "x").unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&path), 0o600);
    assert_eq!(mode(path.parent().unwrap()), 0o700);
    let again = seal_to(&path, &mut [2].as_slice(), &vault, "x");
    assert!(matches!(again, Err(ArchiveError::Exists(_))), "{again:?}");
    // One that began before the other was there.
    let again = late.finish();
    assert!(matches!(again, Err(ArchiveError::Exists(_))), "{again:?}");
    assert_eq!(opened(&path, &vault, "x").unwrap(), [1]);
    // Nothing half-written lies about.
    assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
}

/// Where the chunks of a file begin, and where it ends.
fn chunks(sealed: &[u8], head_bytes: usize) -> Vec<usize> {
    let mut at = head_bytes;
    let mut all = vec![at];
    while at < sealed.len() {
        let length = u32::from_be_bytes(sealed[at..at + 4].try_into().unwrap());
        at += 4 + usize::try_from(length).unwrap();
        all.push(at);
    }
    all
}

#[test]
fn cut_swapped_or_altered_files_do_not_open() {
    let folder = tempfile::tempdir().unwrap();
    let vault = vault(folder.path(), &["a"]);
    let plain = content(3 * CHUNK_BYTES + 5);
    let paths: Vec<PathBuf> = ["m", "n"]
        .iter()
        .map(|name| {
            let path = path_of(folder.path(), name);
            seal_to(&path, &mut plain.as_slice(), &vault, "x").unwrap();
            path
        })
        .collect();
    let sealed = fs::read(&paths[0]).unwrap();
    let other = fs::read(&paths[1]).unwrap();
    let head_bytes = MAGIC.len() + 2 + 1 + 2 + 1 + MARK_BYTES;
    let at = chunks(&sealed, head_bytes);
    assert_eq!((at.len(), at[4]), (5, sealed.len()));
    let chunk = |from: &[u8], no: usize| from[at[no]..at[no + 1]].to_vec();
    let head = sealed[..head_bytes].to_vec();
    let of =
        |parts: Vec<Vec<u8>>| -> Vec<u8> { head.iter().copied().chain(parts.concat()).collect() };
    let own = |no| chunk(&sealed, no);
    let flipped = |at: usize| {
        let mut bytes = sealed.clone();
        bytes[at] ^= 1;
        bytes
    };
    let table = [
        ("whole", sealed.clone(), true),
        ("without its end", of(vec![own(0), own(1), own(2)]), false),
        ("without chunks", of(vec![]), false),
        ("without its begin", of(vec![own(1), own(2), own(3)]), false),
        ("swapped", of(vec![own(1), own(0), own(2), own(3)]), false),
        ("doubled", of(vec![own(0), own(0), own(2), own(3)]), false),
        (
            "the end twice",
            of(vec![own(0), own(1), own(2), own(3), own(3)]),
            false,
        ),
        (
            "of another file",
            of(vec![own(0), chunk(&other, 1), own(2), own(3)]),
            false,
        ),
        ("cut in a chunk", sealed[..sealed.len() - 1].to_vec(), false),
        ("cut in the head", sealed[..10].to_vec(), false),
        ("empty", Vec::new(), false),
        ("magic", flipped(0), false),
        ("key", flipped(10), false),
        ("context", flipped(13), false),
        ("mark", flipped(head_bytes - 1), false),
        ("length", flipped(head_bytes), false),
        ("nonce", flipped(head_bytes + 4), false),
        ("content", flipped(head_bytes + 40), false),
        ("tag", flipped(sealed.len() - 1), false),
    ];
    let path = path_of(folder.path(), "edited");
    for (what, bytes, opens) in table {
        fs::write(&path, bytes).unwrap();
        let back = opened(&path, &vault, "x");
        assert_eq!(back.is_ok(), opens, "{what}: {:?}", back.err());
    }
    let moved = opened(&paths[0], &vault, "y");
    assert!(matches!(moved, Err(ArchiveError::OtherContext { .. })));
}

#[test]
fn a_new_key_takes_over_and_the_old_one_is_not_needed() {
    let folder = tempfile::tempdir().unwrap();
    let archive = folder.path().join("archive");
    assert_eq!(
        reseal_all(&archive, &vault(folder.path(), &["a"])).unwrap(),
        0
    );
    let plain = content(CHUNK_BYTES + 9);
    for (name, key) in [("m", "a"), ("n", "b")] {
        let path = path_of(&archive, name);
        seal_to(
            &path,
            &mut plain.as_slice(),
            &vault(folder.path(), &[key]),
            name,
        )
        .unwrap();
    }
    // What a killed rotation left is no archived file.
    fs::write(archive.join(".m.sealed.00.partial"), "half").unwrap();
    let both = vault(folder.path(), &["a", "b"]);
    assert_eq!(reseal_all(&archive, &both).unwrap(), 1);
    assert_eq!(reseal_all(&archive, &both).unwrap(), 0);
    let new = vault(folder.path(), &["b"]);
    for name in ["m", "n"] {
        let back = opened(&path_of(&archive, name), &new, name).unwrap();
        assert!(back == plain, "{name}");
    }
    let old = opened(&path_of(&archive, "m"), &vault(folder.path(), &["a"]), "m");
    assert!(matches!(
        old,
        Err(ArchiveError::Vault {
            source: VaultError::UnknownKey(_),
            ..
        })
    ));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_is_not_as_it_was_sealed_does_not_open(
        plain in prop::collection::vec(any::<u8>(), 0..300),
        at in any::<prop::sample::Index>(),
        bit in 0_u8..8,
        cut in any::<prop::sample::Index>(),
        more in prop::collection::vec(any::<u8>(), 1..40),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let vault = vault(folder.path(), &["a"]);
        let path = path_of(folder.path(), "m");
        seal_to(&path, &mut plain.as_slice(), &vault, "x").unwrap();
        prop_assert_eq!(&opened(&path, &vault, "x").unwrap(), &plain);
        let sealed = fs::read(&path).unwrap();
        let mut flipped = sealed.clone();
        flipped[at.index(sealed.len())] ^= 1 << bit;
        let shorter = sealed[..cut.index(sealed.len())].to_vec();
        let longer = [sealed.as_slice(), &more].concat();
        for bytes in [flipped, shorter, longer] {
            fs::write(&path, bytes).unwrap();
            prop_assert!(opened(&path, &vault, "x").is_err());
        }
    }
}
