//! One exchange: request, redirects, body. Its time limit is the caller's.

use engine::{Absence, AbsenceReason};
use reqwest::{Response, Url, header};

use super::gate::Gate;
use super::redirect::{self, MAX_REDIRECTS};
use super::transport::Transport;
use super::transports::Transports;
use super::{Answer, Body, Call, MAX_ANSWER_BYTES, Missed};
use crate::net::tls::Tls;

/// Largest body of an error that is read.
const MAX_ERROR_BYTES: usize = 16 * 1024;

/// What one request led to.
enum Hop {
    Answer(Answer),
    Redirect(Url),
}

pub(super) async fn run(transports: &Transports, gate: &Gate, call: &Call<'_>) -> Result<Answer, Absence> {
    let mut current = call.url.clone();
    let mut hops = Hops { transports, gate, call, is_first_origin: true };
    for _ in 0..=MAX_REDIRECTS {
        let failed = |missed: Missed| missed.at(call.url, &current);
        match hops.ask(&current).await.map_err(failed)? {
            Hop::Answer(answer) => return Ok(answer),
            Hop::Redirect(next) => {
                // Once dropped they stay dropped: the way back may have been laid by the other side.
                hops.is_first_origin &= next.origin() == current.origin();
                current = next;
            }
        }
    }
    let what = format!("it redirected more than {MAX_REDIRECTS} times");
    Err(Missed::new(AbsenceReason::TooManyRedirects, what).at(call.url, call.url))
}

struct Hops<'a> {
    transports: &'a Transports,
    gate: &'a Gate,
    call: &'a Call<'a>,
    /// Whether the exchange has never left the origin for which its secrets are.
    is_first_origin: bool,
}

impl Hops<'_> {
    async fn ask(&self, url: &Url) -> Result<Hop, Missed> {
        let Call { headers, form, tls, limits, reads_errors, follows_redirects, .. } = *self.call;
        let (secret, tls) =
            if self.is_first_origin { (Some(&headers.secret), tls) } else { (None, &Tls::default()) };
        let transport = self.transports.get(tls);
        let transport = transport.map_err(|why| Missed::new(AbsenceReason::ConnectionFailed, why))?;
        // One permit a hop: keeping the first while waiting for the next could lock two exchanges up.
        let _permit = self.gate.enter(url).await;
        let response = transport.send(url, headers.accept, secret, form).await?;
        let status = response.status();
        if redirect::is_redirect(status) && !follows_redirects {
            let what =
                format!("it answered with status {}, and redirects are not followed here", status.as_u16());
            return Err(Missed::new(AbsenceReason::BadStatus, what));
        }
        if redirect::is_redirect(status) {
            let with_form = form.is_some();
            return redirect::target(url, status, response.headers(), with_form).map(Hop::Redirect);
        }
        let body = if status.is_success() {
            self.body(&transport, response, limits.max_bytes).await?
        } else if reads_errors {
            self.body(&transport, response, MAX_ERROR_BYTES).await.unwrap_or_default()
        } else {
            Body::default()
        };
        Ok(Hop::Answer(Answer { url: url.clone(), status, body }))
    }

    async fn body(
        &self,
        transport: &Transport,
        mut response: Response,
        max_bytes: usize,
    ) -> Result<Body, Missed> {
        let too_large = || {
            let what = format!("the response is larger than {} KiB", max_bytes / 1024);
            Missed::new(AbsenceReason::TooLarge, what)
        };
        if response.content_length().is_some_and(|announced| announced > max_bytes as u64) {
            return Err(too_large());
        }
        let content_type = response.headers().get(header::CONTENT_TYPE);
        let content_type = content_type.and_then(|value| value.to_str().ok()).map(str::to_owned);
        let (mut bytes, mut large) = (Vec::new(), None);
        while let Some(chunk) = transport.next_chunk(&mut response).await? {
            let chunk = chunk.as_ref();
            if chunk.len() > max_bytes - bytes.len() {
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
