//! Asks Cloud Monitoring for one metric of one subscription or topic, page by page
//! (`projects.timeSeries.list` of its API, version 3).

use std::time::Duration;

use engine::{Absence, AbsenceReason, Time};
use reqwest::{StatusCode, Url};
use serde_json::Value;

use super::names::Resource;
use super::points::{Collected, Point};
use crate::google::{Session, Token, explained};
use crate::net::http_client::{Headers, HttpClient, MAX_ANSWER_BYTES, absence};
use crate::net::json_number::not_json;

/// Points asked for at once; a day has 1,440.
const PAGE_SIZE: &str = "1500";

/// Most pages of one reading. Pages may be empty, so one more need not mean more points.
const MAX_PAGES: usize = 20;

/// What values over time and of several series come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Aggregation {
    Mean,
    Median,
    Variance,
    StandardDeviation,
    Sum,
    Count,
    Percentile5,
    Percentile95,
    Percentile99,
}

impl Aggregation {
    /// The names that users write.
    pub(super) const NAMES: [(&'static str, Self); 10] = [
        ("mean", Self::Mean),
        ("median", Self::Median),
        ("variance", Self::Variance),
        ("stddev", Self::StandardDeviation),
        ("sum", Self::Sum),
        ("count", Self::Count),
        ("percentile5", Self::Percentile5),
        ("percentile50", Self::Median),
        ("percentile95", Self::Percentile95),
        ("percentile99", Self::Percentile99),
    ];

    /// Google's name for it.
    fn reducer(self) -> &'static str {
        match self {
            Self::Mean => "REDUCE_MEAN",
            Self::Median => "REDUCE_PERCENTILE_50",
            // There is none for the variance, which is its square.
            Self::Variance | Self::StandardDeviation => "REDUCE_STDDEV",
            Self::Sum => "REDUCE_SUM",
            Self::Count => "REDUCE_COUNT",
            Self::Percentile5 => "REDUCE_PERCENTILE_05",
            Self::Percentile95 => "REDUCE_PERCENTILE_95",
            Self::Percentile99 => "REDUCE_PERCENTILE_99",
        }
    }

    fn of(self, reduced: f64) -> f64 {
        if self == Self::Variance { reduced * reduced } else { reduced }
    }
}

/// How far back points are used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Window {
    /// The newest one counts unless it is older than this; older ones are explained as such.
    MaxAge(Duration),
    /// What is older does not exist.
    Horizon(Duration),
}

/// What is measured of what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Subject {
    pub(super) resource: Resource,
    /// The project that it is in.
    pub(super) project: Option<String>,
    pub(super) name: String,
    /// Google's name of the metric.
    pub(super) metric_type: String,
    /// Whether the metric may be below 0.
    pub(super) may_be_negative: bool,
    pub(super) window: Window,
    pub(super) aggregation: Option<Aggregation>,
}

/// Over which time each value of an aggregation is.
const ALIGNMENT: &str = "180s";

/// Which series is wanted. The names have passed [`names`](super::names).
#[derive(Clone, Copy, Debug)]
pub(super) struct Series<'a> {
    pub(super) endpoint: &'a Url,
    pub(super) project: &'a str,
    pub(super) subject: &'a Subject,
    pub(super) now: Time,
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
    /// The newest point that is not too old; `None` where there is none at all.
    pub(super) async fn newest(
        &self,
        client: &HttpClient,
        session: &Session,
        token: &Token,
    ) -> Result<Option<Point>, Failed> {
        let mut collected = Collected::of(self.subject.may_be_negative);
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
    fn judged(&self, collected: Collected) -> Result<Option<Point>, Absence> {
        let Some((at, value)) = collected.newest() else { return Ok(None) };
        if let Window::MaxAge(max_age) = self.subject.window {
            let age = self.now.since(at);
            if age > max_age {
                let what = format!(
                    "the newest point, of {at}, is {} s old, and maxAgeSeconds is {}",
                    age.as_secs(),
                    max_age.as_secs()
                );
                return Err(self.absent(AbsenceReason::Stale, what));
            }
        }
        let value = value.map_err(|bad| self.absent(bad.reason, bad.message))?;
        let value = self.subject.aggregation.map_or(value, |aggregation| aggregation.of(value));
        Ok(Some(Point { at, value }))
    }

    /// That there is no point.
    pub(super) fn missing(&self) -> Absence {
        let Subject { resource, name, metric_type, .. } = self.subject;
        let word = resource.word();
        let what = format!(
            "no points of {metric_type} for {word} {name} of project {} within {} s; a {word} that does not exist and \
             one without traffic look the same",
            self.resource_project(),
            self.looked_at().as_secs(),
        );
        self.absent(AbsenceReason::ValueMissing, what)
    }

    fn resource_project(&self) -> &str {
        self.subject.project.as_deref().unwrap_or(self.project)
    }

    fn absent(&self, reason: AbsenceReason, what: impl std::fmt::Display) -> Absence {
        absence(reason, &self.url(None), what)
    }

    /// How far back is looked.
    fn looked_at(&self) -> Duration {
        match self.subject.window {
            // Further than points are used, so that a stale one is explained as such.
            Window::MaxAge(max_age) => max_age * 2,
            Window::Horizon(horizon) => horizon,
        }
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
        if let Some(aggregation) = self.subject.aggregation {
            url.query_pairs_mut()
                .append_pair("aggregation.alignmentPeriod", ALIGNMENT)
                .append_pair("aggregation.perSeriesAligner", "ALIGN_DELTA")
                .append_pair("aggregation.crossSeriesReducer", aggregation.reducer());
        }
        if let Some(token) = page_token {
            url.query_pairs_mut().append_pair("pageToken", token);
        }
        url
    }

    /// The project is part of it, as a metrics scope shows the series of several projects.
    fn filter(&self) -> String {
        format!(
            "metric.type = \"{}\" AND resource.labels.{}_id = \"{}\" AND resource.labels.project_id = \"{}\"",
            self.subject.metric_type,
            self.subject.resource.word(),
            self.subject.name,
            self.resource_project()
        )
    }
}
