//! The keeper over a real folder, round by round, through years.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use engine::Time;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use runner::{Clock, Readiness};
use rustls::pki_types::CertificateDer;

use super::super::made::{self, VALID};
use super::super::pair::Pair;
use super::super::{CertificateCallers, CertificateFolder, CertificateSlot};
use super::{CertificateKeeper, RENEWED_BEFORE};

const DAY: Duration = Duration::from_secs(24 * 3600);

/// 2026-01-01.
const START: i64 = 1_767_225_600_000;

#[derive(Default)]
struct Calendar(AtomicI64);

impl Calendar {
    fn pass(&self, span: Duration) {
        self.0.fetch_add(i64::try_from(span.as_millis()).unwrap(), Ordering::Relaxed);
    }
}

impl Clock for Calendar {
    fn now(&self) -> Time {
        Time::from_millis(START + self.0.load(Ordering::Relaxed))
    }
}

/// Callers with some names, who remember whom they are to trust.
#[derive(Default)]
struct Book {
    names: Mutex<Vec<String>>,
    trusted: Mutex<Vec<Vec<u8>>>,
}

struct Callers(Arc<Book>);

impl CertificateCallers for Callers {
    fn names(&self) -> BoxFuture<'_, Result<Vec<String>, String>> {
        async { Ok(self.0.names.lock().unwrap().clone()) }.boxed()
    }

    fn trust<'a>(&'a self, authority: &'a [u8]) -> BoxFuture<'a, Result<(), String>> {
        async {
            let mut trusted = self.0.trusted.lock().unwrap();
            if trusted.last().map(Vec::as_slice) != Some(authority) {
                trusted.push(authority.to_vec());
            }
            Ok(())
        }
        .boxed()
    }
}

/// A keeper over a folder, and what is around it.
struct Scene {
    folder: PathBuf,
    calendar: Arc<Calendar>,
    book: Arc<Book>,
    slot: Arc<CertificateSlot>,
    readiness: Arc<Readiness>,
    keeper: CertificateKeeper,
}

impl Scene {
    fn new(folder: &Path) -> Self {
        let (calendar, book) = (Arc::<Calendar>::default(), Arc::<Book>::default());
        let (slot, readiness) = (Arc::<CertificateSlot>::default(), Arc::<Readiness>::default());
        let keeper = CertificateKeeper::new(
            Arc::clone(&slot),
            Box::new(CertificateFolder::open(folder).unwrap()),
            Box::new(Callers(Arc::clone(&book))),
            calendar.clone(),
            Arc::clone(&readiness),
            vec!["localhost".to_owned()],
        );
        Self { folder: folder.to_owned(), calendar, book, slot, readiness, keeper }
    }

    /// The certificate that is shown.
    fn shown(&self) -> CertificateDer<'static> {
        self.slot.get().unwrap().cert[0].clone()
    }

    /// Whether what is shown will do for `name`, for whoever trusts the newest authority.
    fn holds(&self, name: &str) -> bool {
        let files = self.keeper.shown.as_ref().unwrap();
        Pair::of(files).unwrap().holds(&[name.to_owned()], self.calendar.now())
    }

    fn write(&self, name: &str, text: &[u8]) {
        std::fs::write(self.folder.join(name), text).unwrap();
    }
}

#[tokio::test]
async fn a_certificate_is_made_once_and_found_again() {
    let folder = tempfile::tempdir().unwrap();
    let mut scene = Scene::new(folder.path());
    assert!(scene.slot.get().is_none() && !scene.readiness.waiting().is_empty());
    scene.keeper.round().await;
    let first = scene.shown();
    assert!(scene.holds("localhost") && !scene.holds("elsewhere"));
    assert!(scene.readiness.waiting().is_empty());
    scene.keeper.round().await;
    assert_eq!(scene.shown(), first);
    assert_eq!(scene.book.trusted.lock().unwrap().len(), 1);

    let mut after_restart = Scene::new(folder.path());
    after_restart.keeper.round().await;
    assert_eq!(after_restart.shown(), first);
    let mode = std::os::unix::fs::PermissionsExt::mode(
        &std::fs::metadata(folder.path().join("tls.key")).unwrap().permissions(),
    );
    assert_eq!(mode & 0o777, 0o600);
}

#[tokio::test]
async fn it_is_renewed_before_its_end() {
    let folder = tempfile::tempdir().unwrap();
    let mut scene = Scene::new(folder.path());
    scene.keeper.round().await;
    let first = scene.shown();
    scene.calendar.pass(VALID - RENEWED_BEFORE - DAY);
    scene.keeper.round().await;
    assert_eq!(scene.shown(), first, "a day too early");
    scene.calendar.pass(DAY + DAY);
    assert!(scene.holds("localhost"));
    scene.keeper.round().await;
    assert_ne!(scene.shown(), first);
    assert!(scene.holds("localhost"));
    assert_eq!(scene.book.trusted.lock().unwrap().len(), 2);
    // However long nobody looked.
    scene.calendar.pass(10 * VALID);
    scene.keeper.round().await;
    assert!(scene.holds("localhost"));
}

#[tokio::test]
async fn it_is_for_every_name_that_callers_use() {
    let folder = tempfile::tempdir().unwrap();
    let mut scene = Scene::new(folder.path());
    scene.keeper.round().await;
    let names = ["hook.system.svc", "127.0.0.1", "::1", "no name at all"];
    *scene.book.names.lock().unwrap() = names.map(str::to_owned).to_vec();
    scene.keeper.round().await;
    for name in ["localhost", "hook.system.svc", "127.0.0.1", "::1"] {
        assert!(scene.holds(name), "{name}");
    }
    let shown = scene.shown();
    scene.keeper.round().await;
    assert_eq!(scene.shown(), shown, "what cannot be a name is no reason to make another");
}

/// Rotation by someone else, and every state in between.
#[tokio::test]
async fn what_somebody_else_puts_there_is_used_and_never_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let mut scene = Scene::new(folder.path());
    let theirs = || {
        let mut files = made::make(&["theirs".to_owned()], Time::from_millis(START)).unwrap();
        let mark = files.certificate.iter().position(|byte| *byte == b'\n').unwrap();
        files.certificate.drain(..=mark);
        files
    };
    let (old, new) = (theirs(), theirs());
    for (name, text) in old.clone().into_data() {
        scene.write(&name, &text);
    }
    scene.keeper.round().await;
    assert!(scene.holds("theirs"));
    let first = scene.shown();

    // Half of it is there, then garbage: the old one stays.
    for half in [new.certificate.as_slice(), b"garbage", b""] {
        scene.write("tls.crt", half);
        scene.keeper.round().await;
        assert_eq!(scene.shown(), first);
        assert_eq!(std::fs::read(folder.path().join("tls.crt")).unwrap(), half);
    }
    std::fs::remove_file(folder.path().join("tls.crt")).unwrap();
    scene.keeper.round().await;
    assert_eq!(scene.shown(), first);
    assert!(!folder.path().join("tls.crt").exists());
    for (name, text) in new.into_data() {
        scene.write(&name, &text);
    }
    scene.keeper.round().await;
    assert_ne!(scene.shown(), first);
    assert_eq!(scene.book.trusted.lock().unwrap().len(), 2);

    let second = scene.shown();
    scene.calendar.pass(2 * VALID);
    scene.keeper.round().await;
    assert_eq!(scene.shown(), second, "who put it there renews it");
    // Without an authority no caller is given anything to trust.
    std::fs::remove_file(folder.path().join("ca.crt")).unwrap();
    scene.keeper.round().await;
    assert_eq!(scene.book.trusted.lock().unwrap().len(), 2);
}

#[test]
fn a_folder_that_cannot_be_used_is_reported_in_one_line() {
    let folder = tempfile::tempdir().unwrap();
    let made = || made::make(&["a".to_owned()], Time::from_millis(START)).unwrap();
    let (one, other) = (made(), made());
    let text = |files: &[(&str, &[u8])]| {
        let path = tempfile::tempdir_in(folder.path()).unwrap().keep();
        for (name, text) in files {
            std::fs::write(path.join(name), text).unwrap();
        }
        let error =
            CertificateFolder::open(&path).err().unwrap_or_else(|| panic!("{files:?} will do")).to_string();
        assert!(error.starts_with(&format!("certificate directory {}: ", path.display())), "{error}");
        assert_eq!(error.lines().count(), 1);
        error
    };
    let (certificate, key) = (one.certificate.as_slice(), one.key.as_slice());
    for (files, words) in [
        (&[("tls.crt", certificate)][..], "no tls.key; put both there"),
        (&[("tls.key", key)], "no tls.crt; put both there"),
        (&[("tls.crt", b"garbage"), ("tls.key", key)], "tls.crt does not contain a certificate"),
        (&[("tls.crt", key), ("tls.key", key)], "tls.crt does not contain a certificate"),
        (&[("tls.crt", &certificate[..200]), ("tls.key", key)], "tls.crt does not contain a certificate"),
        (&[("tls.crt", certificate), ("tls.key", certificate)], "tls.key does not contain a private key"),
        (&[("tls.crt", certificate), ("tls.key", b"")], "tls.key does not contain a private key"),
        (&[("tls.crt", certificate), ("tls.key", &other.key)], "tls.key does not belong to tls.crt"),
        (
            &[("tls.crt", certificate), ("tls.key", key), ("ca.crt", b"x")],
            "ca.crt does not contain a \
             certificate",
        ),
    ] {
        let error = text(files);
        assert!(error.contains(words), "{words} in {error}");
    }
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    let error = CertificateFolder::open(&file.join("below")).err().unwrap().to_string();
    assert!(error.contains("cannot be created") && error.contains("--cert-dir"), "{error}");
    // No user may write there, not even root.
    let error = CertificateFolder::open(Path::new("/proc/self/fdinfo")).err().unwrap().to_string();
    assert!(error.contains("none can be created there") && error.contains("--cert-dir"), "{error}");
}
