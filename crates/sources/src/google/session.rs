//! Requests on behalf of one reading, all within its time.

use std::time::Duration;

use engine::{Absence, AbsenceReason};
use reqwest::Url;
use tokio::time::Instant;

use crate::net::http_client::{Answer, Headers, HttpClient, Limits, absence};

/// The time of one reading.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Session {
    deadline: Instant,
    timeout: Duration,
}

impl Session {
    /// A reading that begins now and may take `timeout` altogether.
    pub(crate) fn start(timeout: Duration) -> Self {
        Self { deadline: Instant::now() + timeout, timeout }
    }

    /// When the reading's time is over.
    pub(super) fn deadline(&self) -> Instant {
        self.deadline
    }

    /// One request within what is left of the time.
    pub(crate) async fn ask(
        &self,
        client: &HttpClient,
        url: &Url,
        headers: &Headers,
        form: Option<String>,
        max_bytes: usize,
    ) -> Result<Answer, Absence> {
        let timeout = self.deadline.saturating_duration_since(Instant::now());
        let answer = client.ask(url, headers, form, Limits::new(timeout, max_bytes)).await;
        answer.map_err(|absent| match absent.reason {
            // The request had what earlier ones left; people know only the whole of it.
            AbsenceReason::Timeout if Instant::now() >= self.deadline => self.too_late(url),
            _ => absent,
        })
    }

    /// That the time is over, and what others fetched with the same credentials did not come.
    pub(super) fn no_token(&self) -> Absence {
        let message = format!("no token within {} s", self.timeout.as_secs_f64());
        Absence { reason: AbsenceReason::Timeout, message }
    }

    /// That the time is over, with the address that was waited for.
    fn too_late(&self, url: &Url) -> Absence {
        let waited = format!("no complete response within {} s", self.timeout.as_secs_f64());
        absence(AbsenceReason::Timeout, url, waited)
    }
}
