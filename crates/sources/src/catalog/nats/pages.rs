//! Reads `/jsz` account by account until all that a query counts were seen.
//!
//! The server cuts its answer into pages by accounts only. Servers before 2.10 do not sort
//! the first page, so pages may repeat accounts and leave some out; and accounts come and
//! go between two pages. So in the end the list of all accounts is compared with what was
//! seen, and what is missing is asked for by its id.

use engine::{Absence, AbsenceReason};
use reqwest::Url;

use super::address::{Address, endpoint};
use super::monitor::{Monitor, NOT_NATS};
use super::report::{Report, Selector};
use super::wire::Jsz;
use crate::net::http_client::absence;

/// Pages asked of one server for one reading.
const MAX_PAGES: usize = 64;

/// Accounts on a page with all their streams and consumers, and on one without.
const ACCOUNTS: usize = 100;
const BARE_ACCOUNTS: usize = 20_000;

/// Which accounts to ask for.
#[derive(Debug)]
pub(super) struct Page<'a> {
    /// Only the account with this id. Where there is none, the server takes it as not given.
    account: Option<&'a str>,
    offset: usize,
    limit: usize,
    /// Whether to report about streams and consumers too.
    streams: bool,
}

impl<'a> Page<'a> {
    /// The page to begin with.
    pub(super) fn first(selector: &'a Selector) -> Self {
        match &selector.account {
            Some(account) => Self::of_account(account),
            None => Self::from(0),
        }
    }

    fn from(offset: usize) -> Self {
        Self { account: None, offset, limit: ACCOUNTS, streams: true }
    }

    fn of_account(id: &'a str) -> Self {
        Self { account: Some(id), offset: 0, limit: 1, streams: true }
    }

    fn names() -> Self {
        Self { account: None, offset: 0, limit: BARE_ACCOUNTS, streams: false }
    }

    fn url(&self, base: &Url) -> Url {
        let (offset, limit) = (self.offset.to_string(), self.limit.to_string());
        let mut query = vec![("accounts", "true"), ("limit", &limit)];
        if self.offset > 0 {
            query.push(("offset", &offset));
        }
        if self.streams {
            query.extend([("consumers", "true"), ("config", "true")]);
        }
        query.extend(self.account.map(|account| ("acc", account)));
        endpoint(base, "jsz", &query)
    }

    /// The page of the server at `address`.
    pub(super) async fn ask(&self, monitor: &Monitor<'_>, address: &Address) -> Result<Jsz, Absence> {
        let url = self.url(&address.base);
        let page: Jsz = monitor.get(address, &url).await?;
        if page.server_id.is_empty() && page.account_details.is_none() {
            return Err(absence(
                AbsenceReason::Malformed,
                &url,
                format!("the response is JSON, but {NOT_NATS}"),
            ));
        }
        Ok(page)
    }
}

/// Why one attempt led to nothing.
pub(super) enum Failed {
    Absent(Absence),
    /// Another server answered in between; asking again may help.
    OtherServer,
}

impl From<Absence> for Failed {
    fn from(absence: Absence) -> Self {
        Self::Absent(absence)
    }
}

/// The pages of one server while they are read.
pub(super) struct Pages<'a> {
    monitor: &'a Monitor<'a>,
    address: &'a Address,
    /// All pages have to come from this one.
    server_id: &'a str,
    asked: usize,
    report: Report,
}

impl<'a> Pages<'a> {
    pub(super) fn new(monitor: &'a Monitor<'a>, address: &'a Address, server_id: &'a str) -> Self {
        Self { monitor, address, server_id, asked: 1, report: Report::default() }
    }

    /// Reads what the first page left out.
    pub(super) async fn rest(mut self, first: Jsz) -> Result<Report, Failed> {
        let all = first.accounts.and_then(|all| usize::try_from(all).ok());
        self.keep(&first)?;
        let complete = |report: &Report, selector: &Selector| match &selector.account {
            Some(account) => report.accounts.contains(account),
            None => all.is_none_or(|all| report.accounts.len() >= all),
        };
        let selector = self.monitor.selector();
        if selector.account.is_none() && first.accounts().len() >= ACCOUNTS {
            self.turn(&first).await?;
        }
        if !complete(&self.report, selector) {
            self.fill(selector).await?;
        }
        Ok(self.report)
    }

    /// Turns page after page.
    async fn turn(&mut self, first: &Jsz) -> Result<(), Failed> {
        // Only the first page can be out of order, so all but the very first account follow it.
        let mut offset = if first.accounts().is_sorted_by(|a, b| a.id() <= b.id()) { ACCOUNTS } else { 1 };
        loop {
            let page = self.next(&Page::from(offset)).await?;
            self.keep(&page)?;
            if page.accounts().len() < ACCOUNTS {
                return Ok(());
            }
            offset += ACCOUNTS;
        }
    }

    /// Asks for the accounts that were on no page, one by one.
    async fn fill(&mut self, selector: &Selector) -> Result<(), Failed> {
        let names = self.next(&Page::names()).await?;
        for account in names.accounts() {
            self.report.account_names.add(account.name());
            if selector.wants(account) && !self.report.accounts.contains(account.id()) {
                let page = self.next(&Page::of_account(account.id())).await?;
                self.keep(&page)?;
            }
        }
        Ok(())
    }

    async fn next(&mut self, page: &Page<'_>) -> Result<Jsz, Failed> {
        self.asked += 1;
        if self.asked > MAX_PAGES {
            let what = format!("its accounts take more than {MAX_PAGES} pages; name one in account");
            return Err(absence(AbsenceReason::TooLarge, &self.address.base, what).into());
        }
        let page = page.ask(self.monitor, self.address).await?;
        if page.server_id == self.server_id { Ok(page) } else { Err(Failed::OtherServer) }
    }

    fn keep(&mut self, page: &Jsz) -> Result<(), Absence> {
        let kept = self.report.add(page, self.monitor.selector());
        kept.map_err(|Absence { reason, message }| absence(reason, &self.address.base, message))
    }
}

#[cfg(test)]
mod tests;
