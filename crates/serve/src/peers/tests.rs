//! Two replicas, one of which leads: what the other answers.

use std::time::Duration;

use runner::{Activity, Board, Clock as _, ObjectKey, ObjectState, SystemClock};
use tokio::sync::watch;

use super::*;
use crate::certificates::tests::{made, show};

/// A replica with both of its listeners.
struct Replica {
    shown: Shown,
    leadership: Arc<Leadership>,
    slot: Arc<CertificateSlot>,
    activity: String,
    peer: String,
    _stop: watch::Sender<bool>,
}

impl Replica {
    async fn start() -> Self {
        let shown = Shown {
            activity: Arc::new(Activity::new(5)),
            board: Arc::new(Board::default()),
            answers: Arc::default(),
            clock: Arc::new(SystemClock::start()),
        };
        let (leadership, slot) = (Arc::new(Leadership::default()), Arc::new(CertificateSlot::default()));
        let asks = Arc::new(Peers::new(Arc::clone(&leadership), Some(Arc::clone(&slot))).unwrap());
        let any = || SocketAddr::from(([127, 0, 0, 1], 0));
        let activity = crate::activity(any(), shown.clone(), asks).await.unwrap();
        let peer = peers(any(), shown.clone(), Arc::clone(&leadership), Arc::clone(&slot)).await.unwrap();
        let (stop, stopped) = watch::channel(false);
        let address = |listening: &Listening| listening.address().unwrap().to_string();
        let (at, peer_at) = (format!("http://{}", address(&activity)), address(&peer));
        tokio::spawn(activity.serve(stopped.clone()));
        tokio::spawn(peer.serve(stopped));
        Self { shown, leadership, slot, activity: at, peer: peer_at, _stop: stop }
    }

    fn lead(&self) {
        self.shown.board.lead(true);
        self.leadership.note(Leader::This);
    }

    fn follow(&self, leader: &Self) {
        let address = Some(leader.peer.clone());
        self.leadership.note(Leader::Other { identity: "leader-1".to_owned(), address });
    }

    async fn get(&self, path: &str) -> (u16, String) {
        let client = testbed::http_client().timeout(Duration::from_secs(60)).build().unwrap();
        let answer =
            client.get(format!("{}{path}", self.activity)).header("x-part", "main").send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }
}

fn object(name: &str) -> ObjectState {
    ObjectState {
        key: ObjectKey::new("BusinessScaling", "", name),
        at: SystemClock::start().now(),
        since: SystemClock::start().now(),
        ready: true,
        reason: "Ready".into(),
        message: "".into(),
        place: None,
        observe: false,
        paused: None,
        warnings: Vec::new(),
        metrics: Vec::new(),
        targets: Vec::new(),
        failing: Vec::new(),
        history: Default::default(),
    }
}

/// A leader that knows of one object and a follower that knows of none, with one certificate.
async fn pair() -> (Replica, Replica) {
    let (leader, follower) = (Replica::start().await, Replica::start().await);
    let files = made(&["localhost"], SystemClock::start().now());
    show(&leader.slot, &files);
    show(&follower.slot, &files);
    leader.lead();
    leader.shown.board.show(object("known-to-the-leader"));
    follower.follow(&leader);
    (leader, follower)
}

#[tokio::test]
async fn a_follower_answers_what_the_leader_knows() {
    let (leader, follower) = pair().await;
    for path in ["/objects", "/?q=known"] {
        let (status, text) = follower.get(path).await;
        assert_eq!((status, &text), (200, &leader.get(path).await.1), "{path}");
        assert!(text.contains("known-to-the-leader"), "{text}");
    }
    assert_eq!(follower.get("/scaling-activity").await, (200, "[]".to_owned()));
    // What is its own it answers itself.
    assert_eq!(follower.get("/health").await, (200, "ok\n".to_owned()));
}

#[tokio::test]
async fn where_the_leader_cannot_be_asked_a_follower_says_that_it_does_not_know() {
    let (leader, follower) = pair().await;
    let unknown = async |why: &str| {
        for path in ["/objects", "/scaling-activity"] {
            let (status, text) = follower.get(path).await;
            assert!(status == 503 && text.contains("cannot answer") && text.contains(why), "{path}: {text}");
        }
        let (_, page) = follower.get("/").await;
        assert!(page.contains("This replica is standing by") && page.contains(why), "{page}");
    };
    // It has just lost the Lease: nobody asks on.
    leader.leadership.note(Leader::Other { identity: "x".to_owned(), address: Some(follower.peer.clone()) });
    unknown("leader-1 is no longer the leader").await;
    leader.leadership.note(Leader::This);

    follower.leadership.note(Leader::Other { identity: "leader-1".to_owned(), address: None });
    unknown("--peer-address").await;
    follower.leadership.note(Leader::Unknown);
    unknown("no leader is known").await;
}

/// As of a stranger, or just before a renewal is seen.
#[tokio::test]
async fn another_certificate_is_not_trusted() {
    let (leader, follower) = pair().await;
    show(&follower.slot, &made(&["localhost"], SystemClock::start().now()));
    let (status, text) = follower.get("/objects").await;
    assert!(status == 503 && text.contains("cannot be reached"), "{text}");
    show(&leader.slot, &made(&["localhost"], SystemClock::start().now()));
    assert_eq!(follower.get("/objects").await.0, 503);
}

#[tokio::test]
async fn nobody_but_a_replica_is_answered_by_the_peer_listener() {
    let (leader, _follower) = pair().await;
    let stranger = || testbed::http_client().tls_danger_accept_invalid_certs(true);
    let url = format!("https://{}/objects", leader.peer);
    let answer = stranger().build().unwrap().get(&url).send().await;
    assert!(answer.is_err(), "without a certificate: {answer:?}");
    let plain = format!("http://{}/objects", leader.peer);
    assert!(stranger().build().unwrap().get(plain).send().await.is_err());
}
