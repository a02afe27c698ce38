//! Google Cloud Pub/Sub by its REST API: the emulator that `PUBSUB_EMULATOR_HOST` names, else
//! Google's own, with the identity that the metadata server lends to the pod.

use anyhow::{Context as _, anyhow, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::{Client, ClientBuilder, Method, StatusCode};
use serde_json::{Value, json};

use crate::settings;

/// Where the metadata server hands out tokens.
const TOKEN_PATH: &str = "/computeMetadata/v1/instance/service-accounts/default/token";

/// The topic, its one subscription, and the way there.
#[derive(Debug)]
pub struct PubSub {
    http: Client,
    base: String,
    is_emulator: bool,
    topic: String,
    subscription: String,
}

/// One message, delivered.
#[derive(Debug, PartialEq, Eq)]
pub struct Received {
    /// By which it is acknowledged.
    pub ack_id: String,
    /// What was published.
    pub text: String,
}

impl PubSub {
    /// As `PUBSUB_EMULATOR_HOST`, `PUBSUB_PROJECT` (my-project), `PUBSUB_TOPIC` (events) and
    /// `PUBSUB_SUBSCRIPTION` (events) say.
    #[expect(clippy::disallowed_methods, reason = "the TLS library is chosen right before")]
    pub fn from_env() -> anyhow::Result<Self> {
        let host = settings::text("PUBSUB_EMULATOR_HOST", "");
        let is_emulator = !host.is_empty();
        let base =
            if is_emulator { format!("http://{host}") } else { "https://pubsub.googleapis.com".to_owned() };
        let project = settings::text("PUBSUB_PROJECT", "my-project");
        let topic = format!("projects/{project}/topics/{}", settings::text("PUBSUB_TOPIC", "events"));
        let subscription = settings::text("PUBSUB_SUBSCRIPTION", "events");
        let subscription = format!("projects/{project}/subscriptions/{subscription}");
        // Fails where there is a provider already, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let builder = ClientBuilder::new();
        // An emulator is near, a proxy leads away.
        let builder = if is_emulator { builder.no_proxy() } else { builder };
        let http = builder.build().context("no HTTP client")?;
        Ok(Self { http, base, is_emulator, topic, subscription })
    }

    /// Makes topic and subscription in an emulator, which begins empty. Google's are made by
    /// whoever owns the project.
    pub async fn prepare(&self) -> anyhow::Result<()> {
        if self.is_emulator {
            self.ask(Method::PUT, &self.topic, json!({})).await?;
            let made = json!({ "topic": self.topic, "ackDeadlineSeconds": 60 });
            self.ask(Method::PUT, &self.subscription, made).await?;
        }
        Ok(())
    }

    /// Publishes one message.
    pub async fn publish(&self, text: &str) -> anyhow::Result<()> {
        let message = json!({ "messages": [{ "data": STANDARD.encode(text) }] });
        self.ask(Method::POST, &format!("{}:publish", self.topic), message).await?;
        Ok(())
    }

    /// The next message. Waits for one for a while, as long as the server likes.
    pub async fn pull(&self) -> anyhow::Result<Option<Received>> {
        let path = format!("{}:pull", self.subscription);
        received(&self.ask(Method::POST, &path, json!({ "maxMessages": 1 })).await?)
    }

    /// Reports that a message has been dealt with.
    pub async fn acknowledge(&self, message: &Received) -> anyhow::Result<()> {
        let path = format!("{}:acknowledge", self.subscription);
        self.ask(Method::POST, &path, json!({ "ackIds": [message.ack_id] })).await?;
        Ok(())
    }

    async fn ask(&self, method: Method, path: &str, body: Value) -> anyhow::Result<Value> {
        let is_making = method == Method::PUT;
        let mut request = self.http.request(method, format!("{}/v1/{path}", self.base));
        request = request.header("content-type", "application/json").body(body.to_string());
        if !self.is_emulator {
            request = request.bearer_auth(self.token().await?);
        }
        let answer = request.send().await.with_context(|| path.to_owned())?;
        let status = answer.status();
        let text = answer.text().await.with_context(|| path.to_owned())?;
        if is_making && status == StatusCode::CONFLICT {
            return Ok(Value::Null);
        }
        if !status.is_success() {
            bail!("{path}: status {status}: {}", text.trim());
        }
        serde_json::from_str(&text).with_context(|| format!("{path}: not JSON"))
    }

    /// Asked for each time: the metadata server, which is on the same machine, keeps it.
    async fn token(&self) -> anyhow::Result<String> {
        let host = settings::text("GCE_METADATA_HOST", "metadata.google.internal");
        let request = self.http.get(format!("http://{host}{TOKEN_PATH}")).header("metadata-flavor", "Google");
        let answer = request.send().await.and_then(reqwest::Response::error_for_status);
        let text = answer.context("no token")?.text().await.context("no token")?;
        let answer: Value = serde_json::from_str(&text).context("the token's answer is not JSON")?;
        let token = answer["access_token"].as_str().context("the metadata server gave no access_token")?;
        Ok(token.to_owned())
    }
}

/// The message in the answer to a pull, if there is one.
fn received(answer: &Value) -> anyhow::Result<Option<Received>> {
    let Some(found) = answer.pointer("/receivedMessages/0") else { return Ok(None) };
    let ack_id = found["ackId"].as_str().context("a message without ackId")?;
    // A message may be of attributes only.
    let data = found.pointer("/message/data").and_then(Value::as_str).unwrap_or_default();
    let bytes =
        STANDARD.decode(data).map_err(|error| anyhow!("a message whose data is not base64: {error}"))?;
    Ok(Some(Received { ack_id: ack_id.to_owned(), text: String::from_utf8_lossy(&bytes).into_owned() }))
}

#[cfg(test)]
mod tests {
    use super::{Received, received};
    use serde_json::json;

    #[test]
    fn an_answer_has_a_message_or_none() {
        assert_eq!(received(&json!({})).unwrap(), None);
        let answer =
            json!({ "receivedMessages": [{ "ackId": "a1", "message": { "data": "ZXZlbnQtMQ==" } }] });
        let wanted = Received { ack_id: "a1".to_owned(), text: "event-1".to_owned() };
        assert_eq!(received(&answer).unwrap(), Some(wanted));
        let broken = json!({ "receivedMessages": [{ "ackId": "a1", "message": { "data": "%" } }] });
        assert!(received(&broken).is_err());
    }
}
