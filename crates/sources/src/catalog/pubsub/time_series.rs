//! Asks Cloud Monitoring for one metric of one subscription, page by page
//! (`projects.timeSeries.list` of its API, version 3).

use std::time::Duration;

use engine::{Absence, AbsenceReason, Time};
use reqwest::{StatusCode, Url};
use serde_json::Value;

use super::points::{Collected, Point};
use crate::google::{Session, Token, explained};
use crate::net::http_client::{Headers, HttpClient, MAX_ANSWER_BYTES, absence};
use crate::net::json_number::not_json;

/// Points asked for at once; a day has 1,440.
const PAGE_SIZE: &str = "1500";

/// Most pages of one reading. Pages may be empty, so one more need not mean more points.
const MAX_PAGES: usize = 20;

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Measure {
    UndeliveredMessages,
    OldestUnackedAgeSeconds,
}

impl Measure {
    pub(super) const ALL: [Self; 2] = [Self::UndeliveredMessages, Self::OldestUnackedAgeSeconds];

    /// The word for it in objects.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::UndeliveredMessages => "undeliveredMessages",
            Self::OldestUnackedAgeSeconds => "oldestUnackedAgeSeconds",
        }
    }

    /// Google's name of the metric.
    fn metric_type(self) -> &'static str {
        match self {
            Self::UndeliveredMessages => "pubsub.googleapis.com/subscription/num_undelivered_messages",
            Self::OldestUnackedAgeSeconds => "pubsub.googleapis.com/subscription/oldest_unacked_message_age",
        }
    }
}

/// Which series is wanted. The names have passed [`names`](super::names).
#[derive(Clone, Copy, Debug)]
pub(super) struct Series<'a> {
    pub(super) endpoint: &'a Url,
    pub(super) project: &'a str,
    pub(super) subscription_project: &'a str,
    pub(super) subscription: &'a str,
    pub(super) measure: Measure,
    pub(super) now: Time,
    pub(super) max_age: Duration,
}

/// Why there is no point.
pub(super) enum Failed {
    /// The token was refused; another one may be taken.
    Unauthorized(Absence),
    Absent(Absence),
}

impl Failed {
    pub(super) fn absence(self) -> Absence {
        match self {
            Self::Unauthorized(absence) | Self::Absent(absence) => absence,
        }
    }
}

impl From<Absence> for Failed {
    fn from(absence: Absence) -> Self {
        Self::Absent(absence)
    }
}

impl Series<'_> {
    /// The newest point that is not too old.
    pub(super) async fn newest(
        &self,
        client: &HttpClient,
        session: &Session,
        token: &Token,
    ) -> Result<Point, Failed> {
        let mut collected = Collected::default();
        let mut page_token = None;
        for _ in 0..MAX_PAGES {
            let page = self.page(client, session, token, page_token.as_deref()).await?;
            collected.add(&page).map_err(|missing| self.absent(missing.reason, missing.message))?;
            let next = page["nextPageToken"].as_str().filter(|token| !token.is_empty());
            match next {
                None => return Ok(self.judged(collected)?),
                Some(next) => page_token = Some(next.to_owned()),
            }
        }
        let what = format!("there are more than {MAX_PAGES} pages of points");
        Err(self.absent(AbsenceReason::TooLarge, what).into())
    }

    async fn page(
        &self,
        client: &HttpClient,
        session: &Session,
        token: &Token,
        page_token: Option<&str>,
    ) -> Result<Value, Failed> {
        let url = self.url(page_token);
        let headers = Headers { accept: "application/json", secret: token.header() };
        let answer = session.ask(client, &url, &headers, None, MAX_ANSWER_BYTES).await?;
        if answer.status.is_success() {
            let page = serde_json::from_slice(&answer.body.text()).map_err(|error| {
                let absent = not_json(&answer.body, &error);
                self.absent(absent.reason, absent.message)
            });
            return Ok(page?);
        }
        let absent =
            self.absent(AbsenceReason::BadStatus, explained(answer.status, &answer.body, token.secret()));
        Err(match answer.status {
            StatusCode::UNAUTHORIZED => Failed::Unauthorized(absent),
            _ => Failed::Absent(absent),
        })
    }

    /// The newest point of all, if there is one and it is not too old.
    fn judged(&self, collected: Collected) -> Result<Point, Absence> {
        let limit = self.max_age.as_secs();
        let Some((at, value)) = collected.newest() else {
            let what = format!(
                "no points of {} for subscription {} of project {} within {} s; a subscription \
                 that does not exist and one without traffic look the same",
                self.measure.metric_type(),
                self.subscription,
                self.subscription_project,
                self.looked_at().as_secs(),
            );
            return Err(self.absent(AbsenceReason::ValueMissing, what));
        };
        let age = self.now.since(at);
        if age > self.max_age {
            let what = format!(
                "the newest point, of {at}, is {} s old, and maxAgeSeconds is {limit}",
                age.as_secs()
            );
            return Err(self.absent(AbsenceReason::Stale, what));
        }
        value.map(|value| Point { at, value }).map_err(|bad| self.absent(bad.reason, bad.message))
    }

    fn absent(&self, reason: AbsenceReason, what: impl std::fmt::Display) -> Absence {
        absence(reason, &self.url(None), what)
    }

    /// How far back is looked: further than points are used, so that a stale one is explained as such.
    fn looked_at(&self) -> Duration {
        self.max_age * 2
    }

    fn url(&self, page_token: Option<&str>) -> Url {
        let mut url = self.endpoint.clone();
        url.set_path(&format!(
            "{}/v3/projects/{}/timeSeries",
            self.endpoint.path().trim_end_matches('/'),
            self.project
        ));
        url.query_pairs_mut()
            .append_pair("filter", &self.filter())
            .append_pair("interval.startTime", &self.now.minus(self.looked_at()).to_string())
            .append_pair("interval.endTime", &self.now.to_string())
            .append_pair("pageSize", PAGE_SIZE);
        if let Some(token) = page_token {
            url.query_pairs_mut().append_pair("pageToken", token);
        }
        url
    }

    /// The project is part of it, as a metrics scope shows the series of several projects.
    fn filter(&self) -> String {
        format!(
            "metric.type = \"{}\" AND resource.labels.subscription_id = \"{}\" \
             AND resource.labels.project_id = \"{}\"",
            self.measure.metric_type(),
            self.subscription,
            self.subscription_project
        )
    }
}
