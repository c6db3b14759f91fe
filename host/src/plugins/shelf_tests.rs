use super::super::record::tests::recorded;
use super::*;

fn shelf() -> (tempfile::TempDir, Shelf) {
    let data = tempfile::tempdir().expect("a folder");
    let shelf = Shelf::of(data.path(), Duration::from_secs(10));
    (data, shelf)
}

fn put(shelf: &Shelf, name: &str, wasm: &[u8]) -> String {
    let entry = recorded(name, &digest(wasm));
    let file = entry.file.clone();
    let new = New {
        file: &file,
        wasm,
        signature: None,
    };
    let put = |record: &mut Record| {
        record.put(entry);
        Ok::<_, ShelfError>(())
    };
    shelf.change(Some(&new), put).expect("stored");
    file
}

fn contents(shelf: &Shelf) -> Contents {
    shelf
        .read(1 << 20, &Admission::default(), &HashSet::new())
        .expect("readable")
}

fn names(shelf: &Shelf) -> Vec<String> {
    let mut names = shelf.entries().expect("a folder");
    names.sort();
    names
}

#[test]
fn a_folder_that_does_not_exist_is_empty_and_stays_so_when_it_is_read() {
    let (data, shelf) = shelf();
    assert!(contents(&shelf).files.is_empty());
    assert_eq!(shelf.stamp(), Stamp::default());
    assert!(!data.path().join("plugins").exists());
}

#[test]
fn an_upgrade_leaves_the_new_file_and_a_record_that_names_it() {
    let (_data, shelf) = shelf();
    let old = put(&shelf, "csv", b"one");
    std::fs::write(shelf.path(&signature_of(&old)), "sig").expect("written");
    let draft = format!(".{old}.{}", uuid::Uuid::new_v4());
    std::fs::write(shelf.path(&draft), "half").expect("written");
    let before = shelf.stamp();
    let new = put(&shelf, "csv", b"two");
    assert_ne!(old, new);
    assert_ne!(shelf.stamp(), before);
    assert_eq!(names(&shelf), [LOCK, &new, RECORD]);
    let contents = contents(&shelf);
    assert_eq!(contents.record.named("csv").expect("there").file, new);
    let content = contents.files[0].content.as_ref().expect("readable");
    assert_eq!(content.digest, digest(b"two"));
    assert_eq!(content.wasm.as_deref(), Some(&b"two"[..]));
}

#[test]
fn a_change_that_is_refused_changes_nothing() {
    let (_data, shelf) = shelf();
    put(&shelf, "csv", b"one");
    let before = (names(&shelf), shelf.stamp());
    let new = New {
        file: "other.wasm",
        wasm: b"other",
        signature: Some("sig"),
    };
    let refused = shelf.change(Some(&new), |record| {
        record.plugins.clear();
        Err::<(), _>(ShelfError::Locked {
            path: PathBuf::new(),
        })
    });
    assert!(refused.is_err());
    assert_eq!((names(&shelf), shelf.stamp()), before);
}

#[test]
fn what_is_known_is_hashed_but_not_kept_and_not_more_than_the_limit_is_read() {
    let (_data, shelf) = shelf();
    put(&shelf, "csv", b"one");
    let known = HashSet::from([digest(b"one")]);
    let admission = Admission::default();
    let contents = shelf.read(1 << 20, &admission, &known).expect("readable");
    assert!(
        contents.files[0]
            .content
            .as_ref()
            .expect("there")
            .wasm
            .is_none()
    );
    let contents = shelf.read(1, &admission, &known).expect("readable");
    let content = contents.files[0].content.as_ref().expect("there");
    assert_eq!(content.wasm.as_deref(), Some(&b"on"[..]), "one beyond");
}

#[test]
fn a_record_that_cannot_be_read_is_never_overwritten() {
    let (_data, shelf) = shelf();
    put(&shelf, "csv", b"one");
    std::fs::write(shelf.path(RECORD), "{").expect("written");
    let read = shelf.read(1, &Admission::default(), &HashSet::new());
    assert!(matches!(read, Err(ShelfError::Record { .. })));
    let changed = shelf.change(None, |record| {
        record.plugins.clear();
        Ok::<_, ShelfError>(())
    });
    assert!(matches!(changed, Err(ShelfError::Record { .. })));
    let text = std::fs::read_to_string(shelf.path(RECORD)).expect("there");
    assert_eq!(text, "{");
}

#[test]
fn changes_from_many_threads_are_all_kept() {
    let (_data, shelf) = shelf();
    std::thread::scope(|scope| {
        for number in 0..8 {
            let shelf = &shelf;
            scope.spawn(move || put(shelf, &format!("p{number}"), &[number]));
        }
    });
    let contents = contents(&shelf);
    assert_eq!(contents.record.plugins.len(), 8);
    assert_eq!(contents.files.len(), 8);
}

#[test]
fn a_folder_that_another_process_keeps_to_itself_is_waited_for_and_then_said_to_be_locked() {
    let (data, shelf) = shelf();
    put(&shelf, "csv", b"one");
    let held = shelf.lock(Lock::Exclusive).expect("free");
    let hasty = Shelf::of(data.path(), Duration::from_millis(20));
    let read = hasty.read(1, &Admission::default(), &HashSet::new());
    assert!(matches!(read, Err(ShelfError::Locked { .. })));
    drop(held);
    assert!(
        hasty
            .read(1, &Admission::default(), &HashSet::new())
            .is_ok()
    );
}
