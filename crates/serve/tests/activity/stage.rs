//! One listener and what stands behind it.

use std::path::PathBuf;
use std::sync::Arc;

use engine::Time;
use reqwest::{Client, Method, Response};
use runner::{Activity, Board, Leader, Leadership, SystemClock};
use serve::{Peers, Shown};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// It ends with this value.
pub(crate) struct Stage {
    pub(crate) shown: Shown,
    leadership: Arc<Leadership>,
    pub(crate) url: String,
    client: Client,
    stop: watch::Sender<bool>,
    serving: JoinHandle<()>,
}

impl Stage {
    /// A leading replica without any object.
    pub(crate) async fn new() -> Self {
        let shown = Shown {
            activity: Arc::new(Activity::new(200)),
            board: Arc::new(Board::default()),
            answers: Arc::default(),
            clock: Arc::new(SystemClock::start()),
        };
        shown.board.lead(true);
        let leadership = Arc::new(Leadership::default());
        leadership.note(Leader::This);
        let peers = Arc::new(Peers::new(Arc::clone(&leadership), None).unwrap());
        let listening = serve::activity("127.0.0.1:0".parse().unwrap(), shown.clone(), peers).await.unwrap();
        let url = format!("http://{}", listening.address().unwrap());
        let (stop, stopped) = watch::channel(false);
        let serving = tokio::spawn(listening.serve(stopped));
        Self { shown, leadership, url, client: testbed::http_client().build().unwrap(), stop, serving }
    }

    /// From now on this replica leads, or another does that cannot be reached.
    pub(crate) fn lead(&self, leads: bool) {
        self.shown.board.lead(leads);
        let other = Leader::Other { identity: "the-other-replica".to_owned(), address: None };
        self.leadership.note(if leads { Leader::This } else { other });
    }

    /// Ends the listener.
    pub(crate) async fn stop(&mut self) {
        self.stop.send_replace(true);
        (&mut self.serving).await.unwrap();
    }

    pub(crate) fn now(&self) -> Time {
        self.shown.clock.now()
    }

    /// The answer to a GET.
    pub(crate) async fn get(&self, path: &str) -> Response {
        self.ask(Method::GET, path).await
    }

    pub(crate) async fn ask(&self, method: Method, path: &str) -> Response {
        self.client.request(method, format!("{}{path}", self.url)).send().await.unwrap()
    }

    /// The first line of the answer to a request that no well-behaved client sends.
    pub(crate) async fn first_line(&self, path: &str) -> String {
        let mut stream = TcpStream::connect(self.url.trim_start_matches("http://")).await.unwrap();
        stream.write_all(format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n").as_bytes()).await.unwrap();
        BufReader::new(stream).lines().next_line().await.unwrap().unwrap()
    }

    /// The text at a path.
    pub(crate) async fn text(&self, path: &str) -> String {
        self.get(path).await.text().await.unwrap()
    }

    /// The JSON at a path.
    pub(crate) async fn json(&self, path: &str) -> serde_json::Value {
        serde_json::from_str(&self.text(path).await).unwrap()
    }

    /// The main part of the page, as the script asks for it.
    pub(crate) async fn part(&self, query: &str) -> String {
        let asked = self.client.get(format!("{}/{query}", self.url)).header("x-part", "main");
        asked.send().await.unwrap().text().await.unwrap()
    }
}

/// Where a picture of that name is kept.
pub(crate) fn picture(name: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("activity-page");
    std::fs::create_dir_all(&folder).unwrap();
    folder.join(format!("{name}.png"))
}
