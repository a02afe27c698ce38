//! An adviser that says what the test had it say.

use std::sync::Mutex;

use engine::episode::State;
use engine::{Absence, AbsenceReason, Advice};
use futures::FutureExt as _;
use futures::future::BoxFuture;

use crate::{Advisers, Question};

/// What it says.
#[derive(Clone, Debug)]
pub(crate) enum Said {
    /// These counts.
    Counts(Vec<Option<u32>>),
    Nothing,
    Never,
}

pub(crate) struct Oracle {
    says: Mutex<Said>,
    asked: Mutex<Vec<(String, State)>>,
}

impl Default for Oracle {
    fn default() -> Self {
        Self { says: Mutex::new(Said::Nothing), asked: Mutex::default() }
    }
}

impl Oracle {
    pub(crate) fn says(&self, what: Said) {
        *self.says.lock().unwrap() = what;
    }

    /// For whom it was asked, by whom it was sent to, and in which states.
    pub(crate) fn asked(&self) -> Vec<(String, State)> {
        self.asked.lock().unwrap().clone()
    }
}

impl Advisers for Oracle {
    fn ask<'a>(&'a self, question: Question<'a>) -> BoxFuture<'a, Result<Advice, Absence>> {
        let asked = format!("{} for {}", question.adviser.address, question.object);
        self.asked.lock().unwrap().push((asked, question.state.clone()));
        let says = self.says.lock().unwrap().clone();
        async move {
            match says {
                Said::Counts(replicas) => Ok(Advice { replicas, reason: "it said so".to_owned() }),
                Said::Nothing => {
                    let message = "connection refused".to_owned();
                    Err(Absence { reason: AbsenceReason::ConnectionFailed, message })
                }
                Said::Never => std::future::pending().await,
            }
        }
        .boxed()
    }
}
