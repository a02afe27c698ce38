//! One exchange: request, redirects, body. Its time limit is the caller's.

use engine::{Absence, AbsenceReason};
use reqwest::{Response, Url, header};

use super::gate::Gate;
use super::redirect::{self, MAX_REDIRECTS};
use super::transport::Transport;
use super::{Answer, Body, Headers, MAX_ANSWER_BYTES, absence, shown, shown_origin};

/// What one request led to.
enum Hop {
    Answer(Body),
    Redirect(Url),
}

pub(super) async fn run(
    transport: &Transport,
    gate: &Gate,
    url: &Url,
    headers: &Headers,
    max_bytes: usize,
) -> Result<Body, Absence> {
    let mut current = url.clone();
    let mut hops = Hops { transport, gate, headers, max_bytes, secrets_allowed: true };
    for _ in 0..=MAX_REDIRECTS {
        let told = |absence| if current == *url { absence } else { redirected(absence, url, &current) };
        match hops.ask(&current).await.map_err(told)? {
            Hop::Answer(body) => return Ok(body),
            Hop::Redirect(next) => {
                // Once dropped they stay dropped: the way back may have been laid by the other side.
                hops.secrets_allowed &= next.origin() == current.origin();
                current = next;
            }
        }
    }
    let what = format!("it redirected more than {MAX_REDIRECTS} times");
    Err(absence(AbsenceReason::TooManyRedirects, url, what))
}

/// An absence at the address to which a redirect led, told without that address's path: the
/// other side chose it, and may have put there what it was sent.
fn redirected(absence: Absence, from: &Url, to: &Url) -> Absence {
    let what = absence.message.strip_prefix(&shown(to)).unwrap_or_default();
    let message = format!("{}: it redirected to {}{what}", shown(from), shown_origin(to));
    Absence { message, ..absence }
}

/// One request to this address and no other, whatever the status of its answer.
pub(super) async fn ask(
    transport: &Transport,
    gate: &Gate,
    url: &Url,
    headers: &Headers,
    form: Option<String>,
    max_bytes: usize,
) -> Result<Answer, Absence> {
    let hops = Hops { transport, gate, headers, max_bytes, secrets_allowed: true };
    let _permit = gate.enter(url).await;
    let response = transport.send(url, headers.accept, Some(&headers.secret), form).await?;
    let status = response.status();
    if redirect::is_redirect(status) {
        let what =
            format!("it answered with status {}, and redirects are not followed here", status.as_u16());
        return Err(absence(AbsenceReason::BadStatus, url, what));
    }
    Ok(Answer { status, body: hops.body(url, response).await? })
}

struct Hops<'a> {
    transport: &'a Transport,
    gate: &'a Gate,
    headers: &'a Headers,
    max_bytes: usize,
    secrets_allowed: bool,
}

impl Hops<'_> {
    async fn ask(&self, url: &Url) -> Result<Hop, Absence> {
        // One permit a hop: keeping the first while waiting for the next could lock two exchanges up.
        let _permit = self.gate.enter(url).await;
        let secret = self.secrets_allowed.then_some(&self.headers.secret);
        let response = self.transport.send(url, self.headers.accept, secret, None).await?;
        let status = response.status();
        if redirect::is_redirect(status) {
            return redirect::target(url, status, response.headers()).map(Hop::Redirect);
        }
        if !status.is_success() {
            let what = format!("it answered with status {}", status.as_u16());
            return Err(absence(AbsenceReason::BadStatus, url, what));
        }
        self.body(url, response).await.map(Hop::Answer)
    }

    async fn body(&self, url: &Url, mut response: Response) -> Result<Body, Absence> {
        let too_large = || {
            let what = format!("the answer is larger than {} KiB", self.max_bytes / 1024);
            absence(AbsenceReason::TooLarge, url, what)
        };
        let max_bytes = self.max_bytes as u64;
        if response.content_length().is_some_and(|announced| announced > max_bytes) {
            return Err(too_large());
        }
        let content_type = response.headers().get(header::CONTENT_TYPE);
        let content_type = content_type.and_then(|value| value.to_str().ok()).map(str::to_owned);
        let (mut bytes, mut large) = (Vec::new(), None);
        while let Some(chunk) = self.transport.next_chunk(url, &mut response).await? {
            let chunk = chunk.as_ref();
            if chunk.len() > self.max_bytes - bytes.len() {
                return Err(too_large());
            }
            if large.is_none() && bytes.len() + chunk.len() > MAX_ANSWER_BYTES {
                large = self.gate.enter_large().await;
            }
            bytes.extend_from_slice(chunk);
        }
        Ok(Body { content_type, bytes, _large: large })
    }
}
