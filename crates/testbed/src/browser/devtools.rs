//! The connection to the browser: Chrome's DevTools protocol, JSON messages that end with a
//! zero byte. Commands and their answers are distinguished by number; what the browser reports by
//! itself is kept for the page that it belongs to.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, bail};
use rustix::fs::{CWD, Mode, mkfifoat};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::unix::pipe;
use tokio::sync::{Mutex as AsyncMutex, oneshot};
use tokio::task::JoinHandle;

use crate::supervisor::Supervisor;

/// The name of the browser's process.
pub(super) const PROCESS: &str = "chromium";

/// How long one command may take, on a machine that is busy.
const LIMIT: Duration = Duration::from_secs(60);

/// See the module.
#[derive(Debug)]
pub(super) struct Devtools {
    supervisor: Arc<Supervisor>,
    commands: AsyncMutex<pipe::Sender>,
    shared: Arc<Mutex<Shared>>,
    reader: JoinHandle<()>,
}

#[derive(Debug, Default)]
struct Shared {
    last: u64,
    waiting: HashMap<u64, oneshot::Sender<Value>>,
    /// What was reported by itself, by the session that it belongs to.
    reported: HashMap<String, Vec<Notification>>,
}

/// Something that the browser reported by itself.
#[derive(Debug, Clone)]
pub(super) struct Notification {
    pub(super) method: String,
    pub(super) params: Value,
}

impl Devtools {
    /// Makes the pipes in `directory` and opens them. Both ends of each, as the browser opens
    /// its own a moment later.
    pub(super) fn open(supervisor: &Arc<Supervisor>, directory: &Path) -> anyhow::Result<Self> {
        let make = |name: &str| -> anyhow::Result<_> {
            let path = directory.join(name);
            mkfifoat(CWD, &path, Mode::RUSR | Mode::WUSR)
                .with_context(|| format!("cannot make the pipe {}", path.display()))?;
            Ok(path)
        };
        let (commands, answers) = (make("commands")?, make("answers")?);
        let mut options = pipe::OpenOptions::new();
        options.read_write(true);
        let commands = options.open_sender(commands).context("cannot open the pipe for commands")?;
        let answers = options.open_receiver(answers).context("cannot open the pipe for answers")?;
        let shared = Arc::default();
        let reader = tokio::spawn(read(answers, Arc::clone(&shared)));
        Ok(Self { supervisor: Arc::clone(supervisor), commands: AsyncMutex::new(commands), shared, reader })
    }

    /// Has the browser, or the page of a session, do something; gives its result.
    pub(super) async fn ask(
        &self,
        session: Option<&str>,
        method: &str,
        params: Value,
    ) -> anyhow::Result<Value> {
        let (sender, receiver) = oneshot::channel();
        let id = {
            let mut shared = lock(&self.shared);
            shared.last += 1;
            let id = shared.last;
            shared.waiting.insert(id, sender);
            id
        };
        let mut command = json!({ "id": id, "method": method, "params": params });
        if let Some(session) = session {
            command["sessionId"] = json!(session);
        }
        let answered = async {
            let text = format!("{command}\0");
            self.commands.lock().await.write_all(text.as_bytes()).await.context("the pipe is closed")?;
            receiver.await.context("the browser's answers ended")
        };
        let answer = tokio::select! {
            answer = answered => answer?,
            death = self.supervisor.first_death(&[PROCESS]) => return Err(death.context(method.to_owned())),
            () = tokio::time::sleep(LIMIT) => bail!("{method}: the browser did not answer within {LIMIT:?}"),
        };
        match answer.get("error") {
            Some(error) => bail!("{method}: {}", error["message"].as_str().unwrap_or("failed")),
            None => Ok(answer["result"].clone()),
        }
    }

    /// What was reported by itself by a session so far.
    pub(super) fn reported(&self, session: &str) -> Vec<Notification> {
        lock(&self.shared).reported.get(session).cloned().unwrap_or_default()
    }

    /// Forgets what was reported by a session.
    pub(super) fn forget(&self, session: &str) {
        lock(&self.shared).reported.remove(session);
    }
}

impl Drop for Devtools {
    fn drop(&mut self) {
        self.reader.abort();
    }
}

/// Takes messages in for as long as there are any.
async fn read(answers: pipe::Receiver, shared: Arc<Mutex<Shared>>) {
    let mut answers = BufReader::new(answers);
    let mut bytes = Vec::new();
    while answers.read_until(0, &mut bytes).await.is_ok_and(|count| count > 0) {
        bytes.pop();
        if let Ok(message) = serde_json::from_slice(&bytes) {
            lock(&shared).take(message);
        }
        bytes.clear();
    }
}

impl Shared {
    fn take(&mut self, mut message: Value) {
        if let Some(id) = message["id"].as_u64() {
            if let Some(waiting) = self.waiting.remove(&id) {
                // Whoever asked may have given up.
                let _ = waiting.send(message);
            }
            return;
        }
        let (Some(session), Some(method)) = (message["sessionId"].as_str(), message["method"].as_str())
        else {
            return;
        };
        let (session, method) = (session.to_owned(), method.to_owned());
        let reported = Notification { method, params: message["params"].take() };
        self.reported.entry(session).or_default().push(reported);
    }
}

fn lock(shared: &Mutex<Shared>) -> MutexGuard<'_, Shared> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}
