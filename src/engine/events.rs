//! What happens to our containers without our doing: they die, run out of memory, are removed by hand.

use std::collections::HashMap;

use bollard::models::EventMessage;
use bollard::query_parameters::EventsOptionsBuilder;
use futures_util::{Stream, StreamExt};
use time::OffsetDateTime;

use super::Engine;
use super::error::EngineError;
use super::figures::Call;
use super::sandboxes::sandbox_label;
use super::spec::{ContainerId, label};
use crate::model::SandboxId;

/// Something that happened to a container of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EngineEvent {
    /// Our name for it.
    pub sandbox: SandboxId,
    /// The engine's.
    pub container: ContainerId,
    /// What happened.
    pub kind: EventKind,
}

/// What can happen to a container.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventKind {
    /// Its agent has ended, and with it everything inside.
    Died {
        /// As of a process: 137 is killed.
        exit_code: Option<i64>,
    },
    /// The kernel has ended one of its processes for memory; the sandbox may well live on.
    OutOfMemory,
    /// It is gone.
    Removed,
}

impl Engine {
    /// Events of this Carrel's containers from this call on: what happens between the call and the first poll is not missed.
    /// The stream ends, after an error, when the connection does; the caller asks again and looks at [`Engine::list`] for
    /// what it missed.
    pub fn events(&self) -> impl Stream<Item = Result<EngineEvent, EngineError>> + Send + use<> {
        let now = OffsetDateTime::now_utc();
        let filters = HashMap::from([
            ("type", vec!["container".to_owned()]),
            ("label", vec![format!("{}={}", label::INSTANCE, self.instance())]),
            ("event", vec!["die".to_owned(), "oom".to_owned(), "destroy".to_owned()]),
        ]);
        let options = EventsOptionsBuilder::new()
            .since(&format!("{}.{:09}", now.unix_timestamp(), now.nanosecond()))
            .filters(&filters)
            .build();
        let messages = self.docker().events(Some(options)).boxed();
        futures_util::stream::unfold(Some(messages), |messages| async {
            let mut messages = messages?;
            loop {
                match messages.next().await? {
                    Ok(message) => {
                        if let Some(event) = read(message) {
                            return Some((Ok(event), Some(messages)));
                        }
                    }
                    Err(error) => return Some((Err(EngineError::from_bollard(Call::Events, error)), None)),
                }
            }
        })
    }
}

/// `None` for what is not ours to understand.
fn read(message: EventMessage) -> Option<EngineEvent> {
    let actor = message.actor?;
    let attributes = actor.attributes?;
    let kind = match message.action?.as_str() {
        "die" => EventKind::Died { exit_code: attributes.get("exitCode").and_then(|code| code.parse().ok()) },
        "oom" => EventKind::OutOfMemory,
        "destroy" => EventKind::Removed,
        _ => return None,
    };
    Some(EngineEvent { sandbox: sandbox_label(&attributes)?, container: ContainerId(actor.id?), kind })
}

#[cfg(test)]
mod tests {
    use bollard::models::EventActor;

    use super::*;

    #[test]
    fn messages_become_events_or_are_passed_over() {
        let sandbox = SandboxId::new();
        let message = |action: &str, with_label: bool| {
            let mut attributes = HashMap::from([("exitCode".to_owned(), "137".to_owned())]);
            if with_label {
                attributes.insert(label::SANDBOX.to_owned(), sandbox.to_string());
            }
            EventMessage {
                action: Some(action.to_owned()),
                actor: Some(EventActor { id: Some("c0ffee".to_owned()), attributes: Some(attributes) }),
                ..EventMessage::default()
            }
        };
        for (action, with_label, expected) in [
            ("die", true, Some(EventKind::Died { exit_code: Some(137) })),
            ("oom", true, Some(EventKind::OutOfMemory)),
            ("destroy", true, Some(EventKind::Removed)),
            ("exec_create: bash", true, None),
            ("die", false, None),
        ] {
            let expected = expected.map(|kind| EngineEvent { sandbox, container: ContainerId("c0ffee".into()), kind });
            assert_eq!(read(message(action, with_label)), expected, "{action}");
        }
    }
}
