//! The file of defaults and ceilings: read at the start, and again when it changes.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use resources::OperatorDefaults;
use runner::{Event, SharedDefaults};
use sources::{AddressPolicy, Registry};
use tokio::sync::{mpsc, watch};

use crate::parts::followed_file::{Content, follow, read};

/// The file, and what it says at the moment.
#[derive(Clone)]
pub(super) struct DefaultsFile {
    path: PathBuf,
    at_start: Content,
    pub(super) shared: Arc<SharedDefaults>,
}

impl DefaultsFile {
    /// Reads the file at `path`.
    ///
    /// # Errors
    /// Where it cannot be read, or makes no sense: with the path of the field.
    pub(super) fn open(path: &Path) -> anyhow::Result<Self> {
        let at_start = read(path);
        let file = parsed(&at_start)
            .map_err(anyhow::Error::msg)
            .with_context(|| format!("--defaults-file {}", path.display()))?;
        Ok(Self { path: path.to_owned(), at_start, shared: Arc::new(SharedDefaults::new(file)) })
    }

    /// Reports every change of the file for ever. One that makes no sense changes nothing, and is logged.
    pub(super) async fn follow(self, events: mpsc::Sender<Event>) {
        let reads_labels = self.shared.reads_labels();
        let (sender, mut content) = watch::channel(self.at_start);
        let place = self.path.display().to_string();
        let takes = async {
            while content.changed().await.is_ok() {
                let read = content.borrow_and_update().clone();
                match parsed(&read) {
                    Ok(file) if file.reads_labels() && !reads_labels => tracing::error!(
                        file = place,
                        "labels of namespaces are not watched yet, restart the operator; the earlier defaults stay in effect"
                    ),
                    Ok(file) => {
                        tracing::info!(file = place, "defaults reloaded");
                        if self.shared.replace(file) && events.send(Event::Defaults).await.is_err() {
                            return;
                        }
                    }
                    Err(why) => {
                        tracing::error!(
                            file = place,
                            why,
                            "invalid defaults, the earlier ones stay in effect"
                        );
                    }
                }
            }
        };
        tokio::join!(follow(self.path.clone(), sender), takes);
    }
}

fn parsed(content: &Content) -> Result<OperatorDefaults, String> {
    let text = String::from_utf8(content.clone()?).map_err(|_| "not UTF-8".to_owned())?;
    let known: Vec<&str> = Registry::new(AddressPolicy::default()).names().collect();
    let file = OperatorDefaults::parse(&text).and_then(|file| file.with_known_types(&known));
    file.map_err(|error| error.to_string())
}
